"""Runs end to end: the same command, the same bytes; an interrupted one goes on; bad input is a sentence."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.engine import Request, run, scoring
from fewshot_bench.engine.parts import Parts
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.records import read

TOY = """
from fewshot_bench.api import EmbeddingMethod, EpisodicMethod, PixelEncoder, Prototype
import numpy as np

class Peeking(EpisodicMethod):
    api_version = 1
    name = "peeking"
    summary = "nearest support picture, from the pictures themselves"
    image_size = 8
    pretraining = "none"
    calls = 0
    stop_at = None

    def solve(self, tasks):
        type(self).calls += 1
        if self.stop_at is not None and type(self).calls > self.stop_at:
            raise KeyboardInterrupt
        support = tasks.support_images.astype(float)[:, :, 0].reshape(len(tasks), tasks.tasks.ways, -1)
        query = tasks.query_images.astype(float).reshape(len(tasks), tasks.tasks.query.shape[1], -1)
        return -((query[:, :, None] - support[:, None]) ** 2).sum(-1)

class WrongShape(Peeking):
    def solve(self, tasks):
        return np.zeros((1, 2, 3))

class NotANumber(Peeking):
    def solve(self, tasks):
        scores = super().solve(tasks)
        scores[0, 0, 0] = np.nan
        return scores
"""

NAMES = {"peeking": "Peeking", "wrong_shape": "WrongShape", "not_a_number": "NotANumber"}


@pytest.fixture
def toy(make_plugin):
    make_plugin("toy-plugin", TOY, **NAMES)
    from fewshot_bench.contract import registry

    return registry.load(registry.METHODS, "peeking")


def pictures(folder: Path, classes: int = 6, images: int = 6) -> Path:
    rng = np.random.default_rng(0)
    for c in range(classes):
        place = folder / f"product {c} ü"
        place.mkdir(parents=True, exist_ok=True)
        base = rng.integers(0, 200, (12, 12, 3))
        for i in range(images):
            noisy = np.clip(base + rng.integers(0, 50, base.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(place / f"{i}.png")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.slow
def test_the_same_command_gives_the_same_scores_and_another_seed_other_episodes(tmp_path):
    first = fb.run("pixels", "digits", episodes=20)
    second = fb.run("pixels", "digits", episodes=20)
    other = fb.run("pixels", "digits", episodes=20, seed=1)
    volatile = {"timings", "environment", "created"}
    assert {k: v for k, v in first.data.items() if k not in volatile} == {
        k: v for k, v in second.data.items() if k not in volatile
    }
    assert first.scores_sha256 == second.scores_sha256 != other.scores_sha256
    assert first.episodes_sha256 != other.episodes_sha256


def test_a_record_says_what_was_found_and_adds_up(tmp_path):
    record, path = run(Request("pixels", str(pictures(tmp_path / "shop")), ways=3, queries=2, episodes=50),
                       results=tmp_path / "results")  # fmt: skip
    again = read(path)
    hit = again.per_query["prediction"] == again.per_query["label"]
    assert hit.shape == (50, 6)
    assert again.accuracy.mean == pytest.approx(hit.mean())
    assert again.map.mean == pytest.approx(again.per_query["ap"].mean(), abs=1e-6)
    assert record.accuracy.mean > 0.9
    assert again.synthetic is False and again.pretraining == "none" and again.images == 36
    assert files(tmp_path / "results") == sorted(
        str(p.relative_to(tmp_path / "results")) for p in (path, path.with_suffix(".npz"))
    )


def test_an_episodic_method_sees_the_same_as_an_embedding_method(tmp_path, toy):
    folder = str(pictures(tmp_path / "shop"))
    peeking = fb.run("peeking", folder, ways=3, queries=2, episodes=40)
    assert peeking.accuracy.mean > 0.9
    assert peeking.episodes_sha256 == fb.run("pixels", folder, ways=3, queries=2, episodes=40).episodes_sha256


def test_an_interrupted_run_goes_on_from_its_finished_chunks(tmp_path, toy, monkeypatch):
    folder = str(pictures(tmp_path / "shop"))
    options = {"ways": 3, "queries": 2, "episodes": 80, "results": tmp_path / "results"}
    whole = fb.run("peeking", folder, **{**options, "results": None})
    monkeypatch.setattr(toy, "calls", 0)
    monkeypatch.setattr(toy, "stop_at", 3)
    with pytest.raises(KeyboardInterrupt):
        fb.run("peeking", folder, **options)
    assert toy.calls == 4 and files(tmp_path / "results") == []
    monkeypatch.setattr(toy, "calls", 0)
    monkeypatch.setattr(toy, "stop_at", None)
    resumed = fb.run("peeking", folder, **options)
    assert toy.calls == 2  # 5 chunks of 16 episodes, 3 of them done before
    assert resumed.scores_sha256 == whole.scores_sha256
    assert resumed.accuracy == whole.accuracy
    assert not list((Path(os.environ["FSBENCH_CACHE"]) / "runs").glob("*"))


def test_a_damaged_part_of_an_interrupted_run_is_scored_again(tmp_path, toy, monkeypatch):
    folder = str(pictures(tmp_path / "shop"))
    monkeypatch.setattr(toy, "stop_at", 3)
    with pytest.raises(KeyboardInterrupt):
        fb.run("peeking", folder, ways=3, queries=2, episodes=80)
    for part in (Path(os.environ["FSBENCH_CACHE"]) / "runs").rglob("part-*.npz"):
        part.write_bytes(part.read_bytes()[:50])
    monkeypatch.setattr(toy, "calls", 0)
    monkeypatch.setattr(toy, "stop_at", None)
    fb.run("peeking", folder, ways=3, queries=2, episodes=80)
    assert toy.calls == 5


@pytest.mark.parametrize(
    ("method", "words"), [("wrong-shape", r"scores of shape \(1, 2, 3\)"), ("not-a-number", "NaN")]
)
def test_a_method_that_breaks_its_contract_is_a_sentence(tmp_path, toy, method, words):
    with pytest.raises(FsbenchError, match=words):
        fb.run(method, str(pictures(tmp_path / "shop")), ways=3, queries=2, episodes=2)


def test_a_full_disk_while_writing_the_record_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    folder = str(pictures(tmp_path / "shop"))
    fb.run("pixels", folder, ways=3, queries=2, episodes=5)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FsbenchError, match="no space left on device"):
        fb.run("pixels", folder, ways=3, queries=2, episodes=5, results=tmp_path / "results")
    assert files(tmp_path / "results") == []


def test_more_episodes_than_distinct_supports_are_refused_and_the_default_takes_them_all(tmp_path):
    folder = pictures(tmp_path / "shop", classes=3, images=2)
    record = fb.run("pixels", str(folder), ways="all", queries="all")
    assert record.episodes == 8  # 2 images in each of 3 classes
    with pytest.raises(UsageError, match="9 is more than the 8 distinct support sets .* at most 8"):
        fb.run("pixels", str(folder), ways="all", queries="all", episodes=9)


def test_a_corrupt_image_is_left_out_and_counted(tmp_path):
    folder = pictures(tmp_path / "shop")
    broken = folder / "product 0 ü" / "0.png"
    broken.write_bytes(broken.read_bytes()[:60])
    record = fb.run("pixels", str(folder), ways=3, queries=2, episodes=5)
    assert record.unreadable == 1 and record.images == 35


def test_queries_are_15_a_class_or_all_where_a_class_has_fewer(tmp_path):
    for images, queries in ((16, 15), (15, "all"), (4, "all")):
        folder = pictures(tmp_path / str(images), images=images)
        pictures(folder, classes=2, images=20)
        record = fb.run("pixels", str(folder), ways=3, episodes=5)
        again = fb.run("pixels", str(folder), ways=3, queries=queries, episodes=5)
        assert record.queries == queries and again.episodes_sha256 == record.episodes_sha256
        assert again.command == record.command and f"--queries {queries} " in record.command
        assert fb.sample(str(folder), ways=3, episodes=5).sha256 == record.episodes_sha256
    dropped = fb.run("pixels", str(folder), ways=2, episodes=5, drop_small=True)
    assert dropped.queries == 15 and len(dropped.dropped) == 4
    with pytest.raises(UsageError, match="1 support and 5 query images kept apart"):
        fb.run("pixels", str(folder), ways=3, queries=5, episodes=5)


def test_a_class_with_one_image_is_named_or_dropped_when_asked(tmp_path):
    folder = pictures(tmp_path / "shop")
    for path in list((folder / "product 3 ü").iterdir())[1:]:
        path.unlink()
    with pytest.raises(UsageError, match="product 3 ü"):
        fb.run("pixels", str(folder), ways=3, queries=2, episodes=5)
    record = fb.run("pixels", str(folder), ways=3, queries=2, episodes=5, drop_small=True)
    assert [d[0] for d in record.dropped] == ["product 3 ü"] and record.classes == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ways": 500}, "500"),
        ({"ways": "many"}, "--ways must be a whole number from 1, or all, not 'many'"),
        ({"shots": 0}, "--shots"),
        ({"seed": -1}, "--seed"),
        ({"episodes": 0}, "--episodes"),
        ({"split": "novel"}, "has no split 'novel'; it has all"),
        ({"parameters": {"kk": 1}}, "no parameter 'kk'; did you mean k"),
        ({"parameters": {"k": "many"}}, "must be int, not 'many'"),
        ({"method": "pixel"}, "did you mean pixels"),
        ({"dataset": "digit"}, "did you mean digits"),
        ({"dataset": "digits:evening"}, "no variant 'evening'"),
        ({"dataset": "./no/such/folder"}, "no such folder"),
        ({"device": "cuda"}, "torch sees no GPU"),
    ],
)
def test_bad_requests_are_one_sentence(change, words):
    import torch

    if change.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises((UsageError, FsbenchError), match=words) as caught:
        fb.run(**{"method": "pixels", "dataset": "digits", "episodes": 5, **change})
    assert "\n" not in str(caught.value)


def test_replaying_a_manifest_gives_the_same_record(tmp_path):
    from fewshot_bench.episodes import save_manifest

    drawn = fb.sample("digits", ways=3, shots=2, queries=4, episodes=10, seed=5)
    save_manifest(tmp_path / "episodes.npz", drawn)
    replayed = fb.run("pixels", "digits", episodes_from=tmp_path / "episodes.npz")
    direct = fb.run("pixels", "digits", ways=3, shots=2, queries=4, episodes=10, seed=5)
    assert replayed.scores_sha256 == direct.scores_sha256 and replayed.seed == 5
    with pytest.raises(FsbenchError):
        fb.run("pixels", str(pictures(tmp_path / "shop")), episodes_from=tmp_path / "episodes.npz")


@pytest.mark.slow
def test_variable_episodes_run(tmp_path):
    record = fb.run("pixels", "digits", variable=True, episodes=10)
    assert record.variable and 0 < record.accuracy.mean < 1


def test_chunks_do_not_depend_on_the_number_of_episodes(monkeypatch):
    few = fb.run("pixels", "digits", episodes=7)
    monkeypatch.setattr(scoring, "CHUNK_ELEMENTS", 1000)
    chunked = fb.run("pixels", "digits", episodes=7)
    assert np.array_equal(few.per_query["prediction"], chunked.per_query["prediction"])
    assert np.allclose(few.per_query["ap"], chunked.per_query["ap"])


def interrupt(toy, monkeypatch, folder, **options):
    """Stop a run of ``peeking`` after three of its five chunks."""
    monkeypatch.setattr(toy, "calls", 0)
    monkeypatch.setattr(toy, "stop_at", 3)
    with pytest.raises(KeyboardInterrupt):
        fb.run("peeking", folder, ways=3, queries=2, episodes=80, **options)
    monkeypatch.setattr(toy, "calls", 0)
    monkeypatch.setattr(toy, "stop_at", None)


def test_another_protocol_does_not_go_on_from_an_interrupted_run(tmp_path, toy, monkeypatch):
    folder = str(pictures(tmp_path / "shop"))
    interrupt(toy, monkeypatch, folder)
    record = fb.run("peeking", folder, ways=3, queries=2, episodes=80, protocol="retrieval")
    assert toy.calls == 5 and record.arrays["precision"].shape == (101,)


def test_mended_code_does_not_go_on_from_the_chunks_of_the_broken_one(tmp_path, make_plugin, monkeypatch):
    """Crash, fix, run again: the normal loop of development."""
    folder = str(pictures(tmp_path / "shop"))
    site = make_plugin("toy-plugin", TOY.replace("return -(", "return ("), **NAMES)
    interrupt(registry_class(), monkeypatch, folder)
    (site / "toy_plugin.py").write_text(TOY, encoding="utf-8")
    sys.modules.pop("toy_plugin")
    resumed = fb.run("peeking", folder, ways=3, queries=2, episodes=80)
    assert registry_class().calls == 5
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "fresh"))
    assert resumed.scores_sha256 == fb.run("peeking", folder, ways=3, queries=2, episodes=80).scores_sha256


def registry_class():
    from fewshot_bench.contract import registry

    return registry.load(registry.METHODS, "peeking")


def test_a_part_with_a_flipped_bit_is_scored_again(tmp_path, toy, monkeypatch):
    folder = str(pictures(tmp_path / "shop"))
    whole = fb.run("peeking", folder, ways=3, queries=2, episodes=80)
    interrupt(toy, monkeypatch, folder)
    (part,) = (Path(os.environ["FSBENCH_CACHE"]) / "runs").rglob("part-*.npz")
    data, rng = part.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, len(data), 60):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        part.write_bytes(bytes(changed))
        assert Parts(part.parent).load() == {} and not part.exists()
    part.write_bytes(data)
    assert len(Parts(part.parent).load()) == 3
    part.write_bytes(bytes(changed))
    again = fb.run("peeking", folder, ways=3, queries=2, episodes=80)
    assert toy.calls == 5 and again.scores_sha256 == whole.scores_sha256


def test_episodes_that_did_not_converge_are_counted_over_all_chunks():
    first = {"diagnostics.not_converged": np.array([True, False]), "diagnostics.iterations": np.array([3, 9])}
    second = {"diagnostics.not_converged": np.array([True, True]), "diagnostics.iterations": np.array([4, 5])}
    assert scoring.merge([first, second]) == {"not_converged": 3, "iterations": 9}


def test_the_train_seed_draws_no_episode_and_a_replay_keeps_it(tmp_path):
    from fewshot_bench.episodes import save_manifest

    first, second = (fb.run("pixels", "digits", episodes=5, train_seed=seed) for seed in (0, 7))
    assert first.episodes_sha256 == second.episodes_sha256 and first.identity != second.identity
    assert (second.seed, second.train_seed) == (0, 7) and "--seed 0 --train-seed 7" in second.command
    save_manifest(tmp_path / "episodes.npz", fb.sample("digits", episodes=5, seed=3))
    replayed = fb.run("pixels", "digits", episodes_from=tmp_path / "episodes.npz", train_seed=7)
    assert (replayed.seed, replayed.train_seed) == (3, 7) and "--train-seed 7" in replayed.command
    with pytest.raises(UsageError, match="--train-seed must be a whole number"):
        fb.run("pixels", "digits", train_seed=-1)


def test_the_rank_of_the_truth_agrees_with_the_predictions():
    record = fb.run("pixels", "digits", episodes=10, parameters={"k": 5}, shots=3)
    label, prediction, rank = (record.arrays[f"query_{name}"] for name in ("label", "prediction", "rank"))
    assert np.array_equal(rank == 0, prediction == label) and rank.min() == 0 and 0 < rank.max() < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"protocol": "retrieval"}, {"train_seed": 1}, {"seed": 1}, {"parameters": {"size": 16}}]
)
def test_two_results_never_share_a_file(tmp_path, change):
    """A second run with the same method and episodes once overwrote the first one's record."""
    options = {"episodes": 10, "shots": 2, "results": tmp_path}
    fb.run("pixels", "digits", **options)
    fb.run("pixels", "digits", **{**options, **change})
    assert len(list(tmp_path.rglob("*.json"))) == len(list(tmp_path.rglob("*.npz"))) == 2
    fb.run("pixels", "digits", **options)
    assert len(list(tmp_path.rglob("*.json"))) == 2  # the same result has the same name


def test_a_record_says_how_long_a_picture_took_where_any_was_encoded():
    options = {"ways": 4, "queries": 3, "episodes": 8, "parameters": {"size": 7}}
    first, again = fb.run("pixels", "digits", **options), fb.run("pixels", "digits", **options)
    assert 0 < first.timings["picture"] * 50 < first.timings["embed"] + 0.01
    assert "picture" not in again.timings
    assert first.scores_sha256 == again.scores_sha256 and first.identity == again.identity
