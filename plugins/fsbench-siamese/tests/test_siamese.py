"""Siamese networks: how pairs and triplets are drawn, the loss of a batch by hand, whole runs in seconds."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract.config import build  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.records import Record  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.batches import DrawnBatches  # noqa: E402
from fewshot_bench.training.draw import draw_pairs, draw_triplets  # noqa: E402
from fewshot_bench.training.network import Projection, make_network  # noqa: E402
from fewshot_bench.training.projection import single_view  # noqa: E402
from fewshot_bench.training.validation import Validation  # noqa: E402

pytestmark = pytest.mark.training

siamese = pytest.importorskip("fsbench_siamese.siamese")

METHODS = {
    "siamese-contrastive": siamese.SiameseContrastive,
    "siamese-triplet": siamese.SiameseTriplet,
}
TINY = {
    "backbone": "conv4-8", "size": 32, "train_size": 32, "embedding": 16, "samples": 12, "batch": 4, "epochs": 2,
    "lr": 1e-3,
}  # fmt: skip
LABELS = np.repeat([3, 7, 8, 12, 40], [5, 1, 9, 2, 3])[np.random.default_rng(0).permutation(20)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn products with six pictures each, as a folder of class folders."""
    folder = tmp_path_factory.mktemp("shop")
    index = fb.dataset("packshots").only("base")
    for label in range(12):
        place = folder / f"product {label}"
        place.mkdir()
        for number, row in enumerate(np.flatnonzero(index.labels == label)[:6]):
            index.reader(int(row)).resize((48, 48)).save(place / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def one_cache_for_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(cache))


@pytest.fixture(scope="module")
def base(shop: Path) -> BaseData:
    index = fb.dataset(str(shop))
    return BaseData("shop", *split_base(index), index)


@pytest.fixture(scope="module")
def context(cache: Path) -> Context:
    return Context(device="cpu", seed=0, cache=cache)


def method(name="siamese-contrastive", **changes):
    kind = METHODS[name]
    return kind(kind.Config(**{**TINY, **changes}))


def parts_of(name, base, context, **changes):
    """A method, the encoder that its training begins with, and its batches."""
    made = method(name, **changes)
    encoder = single_view(made.start(context))
    return made, encoder, made.data(base).open(encoder.prepare, 0, 3)


def run(name: str, shop: Path, **changes) -> Record:
    return fb.run(
        name, "digits", ways=3, queries=2, episodes=4, train_dataset=str(shop), parameters={**TINY, **changes}
    )


@given(st.integers(0, 2**32), st.integers(1, 60), st.floats(0, 1))
def test_pairs_and_triplets_show_what_they_say(seed, count, p_same):
    rows, same = draw_pairs(LABELS, count, p_same, np.random.default_rng(seed))
    assert rows.shape == (count, 2) and same.shape == (count,)
    assert np.array_equal(LABELS[rows[:, 0]] == LABELS[rows[:, 1]], same)
    assert (rows[:, 0] != rows[:, 1]).all()
    again = draw_pairs(LABELS, count, p_same, np.random.default_rng(seed))
    assert np.array_equal(again.rows, rows) and np.array_equal(again.same, same)
    anchor, positive, negative = draw_triplets(LABELS, count, np.random.default_rng(seed)).rows.T
    assert (LABELS[anchor] == LABELS[positive]).all() and (anchor != positive).all()
    assert (LABELS[anchor] != LABELS[negative]).all()


def test_pairs_are_distributed_as_asked():
    count = 60_000
    rows, same = draw_pairs(LABELS, count, 0.4, np.random.default_rng(0))
    assert same.mean() == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / count))
    anchors, others = LABELS[rows[:, 0]], LABELS[rows[~same, 1]]
    assert {c: n / count for c, n in Counter(anchors).items()} == pytest.approx(
        dict.fromkeys((3, 8, 12, 40), 1 / 4), abs=0.01
    )  # 7 has one picture: it is no anchor, and a negative as often as any other class
    for c in (3, 8, 12, 40):
        seen = Counter(others[anchors[~same] == c])
        assert set(seen) == {3, 7, 8, 12, 40} - {c}
        assert max(abs(n / seen.total() - 1 / 4) for n in seen.values()) < 0.02
    inside = Counter(map(tuple, rows[same & (anchors == 8)]))
    assert len(inside) == 9 * 8 and max(inside.values()) / inside.total() < 1.6 / 72


def test_what_no_pair_can_be_drawn_of_is_one_sentence():
    rng = np.random.default_rng(0)
    for labels in (np.arange(5), np.zeros(5, int)):
        with pytest.raises(FsbenchError, match=r"pairs need a class with two pictures and another class"):
            draw_pairs(labels, 3, 0.4, rng)


@pytest.mark.parametrize("mining", [0.5, 1.0])
@pytest.mark.parametrize("name", METHODS)
def test_the_loss_is_the_mean_of_the_largest_of_the_batch(base, context, name, mining):
    made, encoder, batches = parts_of(name, base, context, mining=mining, margin=0.4, batch=6, output="none")
    network = make_network(encoder, Projection((16,))).eval()
    batch = batches.batch(0, 0)
    with torch.no_grad():
        flat = network(batch.images).double().numpy()
    vectors = flat.reshape(6, -1, 16)
    slow = []
    for tuple_, same in zip(vectors, batch.same, strict=True):
        d = [math.dist(tuple_[0], other) for other in tuple_[1:]]
        if name == "siamese-triplet":
            slow.append(max(0.0, d[0] + 0.4 - d[1]))
        else:
            slow.append(d[0] if same else max(0.0, 0.4 - d[0]))
    loss, numbers = made.loss(network, batch)
    kept = sorted(slow)[-math.ceil(mining * 6) :]
    assert float(loss.detach()) == pytest.approx(np.mean(kept), abs=1e-4)
    assert numbers["active"] == pytest.approx(np.mean(np.array(slow) > 0))


def test_a_few_steps_order_the_classes_of_the_training(base, context):
    for name in METHODS:
        made, encoder, batches = parts_of(name, base, context, batch=32, augment="none", mining=1.0)
        network = make_network(encoder, Projection((16,), "sigmoid")).eval()
        batch = batches.batch(0, 0)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        found = []
        for _ in range(15):
            loss, _ = made.loss(network, batch)
            found.append(float(loss.detach()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert found[-1] < 0.8 * found[0]


def test_validation_is_the_mean_average_precision_of_scikit_learn(base, context):
    metrics = pytest.importorskip("sklearn.metrics")
    made, encoder, _ = parts_of("siamese-contrastive", base, context)
    network = make_network(encoder, Projection((16,), "sigmoid")).eval()
    validation = made.validation(base).open(base.validation, encoder.prepare, 0)
    tasks, labels = validation.tasks, validation.labels
    with torch.no_grad():
        vectors = network(validation.table).numpy().astype(np.float64)
        found = validation.score(network, made.make_head(context))
    slow = []
    for support, query, label in zip(tasks.support, tasks.query, labels, strict=True):
        for row, c in zip(query, label, strict=True):
            if c >= 0:
                near = -np.linalg.norm(vectors[row] - vectors[support.ravel()], axis=1)
                slow.append(
                    metrics.average_precision_score(np.arange(support.size) // support.shape[1] == c, near)
                )
    assert tasks.support.shape[1:] == (2, 5) and len(slow) > 20
    assert found == pytest.approx(np.mean(slow), abs=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_a_network_is_trained_once_then_found_and_its_trunk_is_refused_what_it_saw(shop, cache, name, base):
    first = run(name, shop)
    assert first.training["classes"] == 10 and first.training["validation_classes"] == 2
    assert first.pretraining.endswith(f"{shop} (base classes)") and "ImageNet" not in first.pretraining
    assert list(first.training["log"][name]) == ["epoch", "loss", "active", "validation"]
    stamps = {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()}
    again = run(name, shop, k=2, metric="cosine")
    assert {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()} == stamps
    assert again.training == first.training and again.scores_sha256 != first.scores_sha256
    perceptron = run(name, shop, head="mlp", units=8)
    assert perceptron.training == first.training and perceptron.diagnostics["steps"] == 200
    (trunk,) = (cache / "checkpoints").glob(f"{name}-*/trunk.safetensors")
    given = {**TINY, "checkpoint": str(trunk)}
    loaded = fb.run(name, "digits", ways=3, queries=2, episodes=4, parameters=given)
    assert loaded.scores_sha256 == first.scores_sha256 and loaded.pretraining == first.pretraining
    with pytest.raises(
        FsbenchError, match=r"trunk.safetensors were trained on 72 of the evaluated pictures of folder:shop"
    ):
        fb.run(name, str(shop), ways=3, queries=2, episodes=2, parameters=given)
    with pytest.raises(UsageError, match=r"widths \[16\] and output sigmoid, and \[8\] and sigmoid were"):
        fb.run(name, "digits", ways=3, queries=2, episodes=2, parameters={**given, "embedding": 8})


def test_a_training_that_was_killed_ends_as_one_that_was_not(shop, tmp_path, monkeypatch):
    whole = run("siamese-contrastive", shop)
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    batch = DrawnBatches.batch

    def killed(self, epoch, number):
        if epoch == 1:
            raise KeyboardInterrupt
        return batch(self, epoch, number)

    monkeypatch.setattr(DrawnBatches, "batch", killed)
    with pytest.raises(KeyboardInterrupt):
        run("siamese-contrastive", shop)
    monkeypatch.setattr(DrawnBatches, "batch", batch)
    resumed = run("siamese-contrastive", shop)
    assert resumed.training["log"] == whole.training["log"]
    assert resumed.training["checkpoint"] == whole.training["checkpoint"]
    assert resumed.scores_sha256 == whole.scores_sha256


@pytest.mark.parametrize("name", METHODS)
def test_both_views_are_evaluated_by_the_training_on_padded_pictures(shop, cache, name):
    padded, both = run(name, shop, view="pad"), run(name, shop, view="both")
    assert both.training["identity"] == padded.training["identity"]
    assert both.training["log"] == padded.training["log"]
    assert both.scores_sha256 != padded.scores_sha256 and both.parameters["view"] == "both"
    assert run(name, shop, view="crop").training["identity"] != padded.training["identity"]


def test_retrieval_ranks_the_support(shop):
    record = fb.run(
        "siamese-triplet", "digits", ways=5, shots=2, queries=3, episodes=4, protocol="retrieval",
        train_dataset=str(shop), parameters=TINY,
    )  # fmt: skip
    assert record.map.mean > 0.2 and len(record.arrays["precision"]) == 101


def test_packshots_and_the_default_backbone(monkeypatch):
    quick = {
        "preset": "quick", "train_size": 32, "size": 32, "samples": 4, "batch": 4, "epochs": 1, "freeze": 1.0,
    }  # fmt: skip
    monkeypatch.setattr(siamese.SiameseTriplet, "validation", lambda *_: Validation(5, 1, 1, episodes=1))
    record = fb.run("siamese-contrastive", "packshots", ways=5, queries=2, episodes=3, parameters=quick)
    assert record.pretraining == "ImageNet-1k, packshots (base classes)"
    assert record.training["log"]["siamese-contrastive"]["epoch"] == [1]


def test_presets_are_real_values_below_what_was_typed():
    def made(**typed):
        return build(siamese.ContrastiveConfig, "method siamese-contrastive", typed)

    paper = {
        "backbone": "resnet18", "train_size": 224, "samples": 10_000, "batch": 250, "epochs": 90, "lr": 5e-5,
        "margin": 2.0, "mining": 0.5, "embedding": 256, "output": "sigmoid",
    }  # fmt: skip
    assert paper.items() <= vars(made(preset="paper")).items()
    assert (made().train_size, made(preset="quick").train_size) == (160, 128)
    assert made(preset="quick", train_size="64").train_size == 64
    assert made() == siamese.ContrastiveConfig(), "the defaults are those of the preset standard"
    assert method(hidden=512).projection().widths == (512, 16)
    assert method(embedding=0).projection().widths == ()


def test_the_plugin_is_as_short_as_its_mathematics():
    package = Path(siamese.__file__).parent
    assert sum(len(path.read_text().splitlines()) for path in package.glob("*.py")) <= 160


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mining": 1.5}, "mining of the method toy must be at least 0 and at most 1, not 1.5"),
        ({"margin": -1.0}, "margin of the method toy must be at least 0, not -1.0"),
        ({"batch": 1}, "batch of the method toy must be at least 2, not 1"),
        ({"p_same": 1.1}, "p_same of the method toy must be at least 0 and at most 1, not 1.1"),
        ({"embedding": -4}, "embedding of the method toy must be at least 0, not -4"),
        ({"embedding": 0, "hidden": 8}, "hidden=8 is a layer before an embedding"),
    ],
)
def test_values_that_train_nothing_are_one_sentence(changes, sentence):
    with pytest.raises(UsageError, match=sentence):
        build(siamese.ContrastiveConfig, "method toy", changes)
