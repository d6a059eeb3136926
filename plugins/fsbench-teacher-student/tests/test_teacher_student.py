"""Teacher and student on a few pictures: losses by hand, embeddings that move the right way, whole runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract.config import build  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.records import Record  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.network import freeze, make_network  # noqa: E402
from fewshot_bench.training.projection import FILE  # noqa: E402

pytestmark = pytest.mark.training

config = pytest.importorskip("fsbench_teacher_student.config")
data = pytest.importorskip("fsbench_teacher_student.data")
methods = pytest.importorskip("fsbench_teacher_student.methods")
whitened = pytest.importorskip("fsbench_teacher_student.whitened")

TINY = {
    "preset": "quick", "batch": 4, "size": 64, "teacher_epochs": 1, "student_epochs": 1, "steps": 2, "mining": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn products with four pictures each, as a folder of class folders."""
    folder = tmp_path_factory.mktemp("shop")
    index = fb.dataset("packshots").only("base")
    for label in range(12):
        place = folder / f"product {label}"
        place.mkdir()
        for number, row in enumerate(np.flatnonzero(index.labels == label)[[0, 1, 6, 7]]):
            index.reader(int(row)).save(place / f"{number}.png")
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


def settings(**changes):
    return build(config.Config, "teacher", {**TINY, **changes})


def pairs_of(base, context, index=None, **changes):
    """The teacher's batches."""
    drawn = data.ProductPairs(base.train, index or base.train, settings(**changes))
    return drawn.open(context.encoder(pooling="lca").prepare, 0, 2)


def distilled(base, context, labels, **changes):
    """The student's batches."""
    drawn = data.Distillation(base.train, base.unlabelled, settings(**changes), labels=labels)
    return drawn.open(context.encoder(pooling="lca").prepare, 0, 2)


def run(method: str, shop: Path, **parameters) -> Record:
    return fb.run(
        method, "digits", ways=3, queries=2, episodes=2, train_dataset=str(shop), parameters=parameters
    )


def test_the_pair_loss_is_the_mean_of_the_hardest_losses_of_the_batch():
    method = methods.TeacherLr(settings(margin=1.2, mining=0.25))
    vectors = torch.tensor([[1.0, 0], [0, 1], [0.6, 0.8], [0.8, 0.6]])  # pairs (0, 2), (1, 3)
    products = np.array([5, 6, 5, 6])

    def d(i, j):
        return math.dist(vectors[i].tolist(), vectors[j].tolist())

    slow = [d(0, 2), d(1, 3)] + [max(0.0, 1.2 - d(i, j)) for i, j in ((0, 1), (0, 3), (1, 2), (2, 3))]
    loss, numbers = method.pair_loss(vectors, products)
    assert float(loss) == pytest.approx(np.mean(sorted(slow)[-2:]), abs=1e-5)
    assert numbers["active"] == pytest.approx(np.mean(np.array(slow) > 0))


def test_the_student_s_loss_is_the_weighted_average_of_both():
    method = methods.StudentLr(settings(weight=0.3, mining=1.0))
    vectors = torch.tensor([[1.0, 0], [0.6, 0.8], [0.8, 0.6], [0, 1]])
    batch = data.Batch(vectors, np.array([1, 1]), torch.tensor([[0.8, 0.1], [0, 1]]))
    loss, _ = method.loss(torch.nn.Identity(), batch)
    pair = math.dist((1, 0), (0.6, 0.8))
    pseudo = np.mean([0.5 * 0.5**2, 0.0])  # Smooth L1 is half the square below 1
    assert float(loss) == pytest.approx(0.7 * pair + 0.3 * pseudo, abs=1e-5)


def test_a_student_s_batch_is_half_pairs_and_half_unlabelled(base, context):
    labels = np.random.default_rng(0).normal(size=(len(base.unlabelled), 8)).astype(np.float32)
    task = distilled(base, context, labels)
    batch = task.batch(0, 0)
    assert batch.images.shape == (16, 3, 64, 64) and len(batch.products) == 8
    assert batch.pseudolabels.shape == (8, 8) and task.images == 16
    known = labels / np.linalg.norm(labels, axis=1, keepdims=True)  # whatever else is in a batch, to the bit
    assert all((known == label).all(axis=1).any() for label in batch.pseudolabels.numpy())
    again, other = task.batch(0, 0), task.batch(0, 1)
    assert torch.equal(batch.images, again.images)
    assert not torch.equal(batch.images[8:], other.images[8:])
    none = distilled(base, context, labels, pseudolabels=0.0).batch(0, 0)
    assert none.pseudolabels is None and len(none.images) == 8


@pytest.mark.parametrize(("annotated", "shown"), [(1.0, 16), (0.0, 8)])
def test_pairs_show_one_product_and_annotated_says_how_often_two_pictures_of_it(
    base, context, annotated, shown
):
    seen = []
    whole = base.train
    watched = replace(whole, reader=lambda row: (seen.append(row), whole.reader(row))[1])
    task = pairs_of(replace(base, train=watched), context, annotated=annotated, batch=8)
    batch = task.batch(0, 0)
    assert (batch.products[:8] == batch.products[8:]).all()
    assert len(seen) == len(set(seen)) <= shown and (annotated == 0.0 or len(seen) > 8)


def test_an_unlabelled_picture_is_a_product_of_its_own(base, context):
    from fewshot_bench.training.base import concatenate

    more = concatenate([base.train, base.validation], "unlabelled")
    products = pairs_of(base, context, more).products
    count = len(base.train)
    assert np.array_equal(products[:count], base.train.labels)
    assert len(set(products[count:].tolist())) == len(base.validation)
    assert not set(products[:count].tolist()) & set(products[count:].tolist())


def test_a_few_steps_pull_products_together_and_push_others_apart(base, context):
    method = methods.TeacherLr(settings(mining=1.0, batch=8))
    network = make_network(method.start(context)).eval()
    freeze(network.trunk, 0.5)
    batch = pairs_of(base, context, mining=1.0, batch=8).batch(0, 0)

    def spread():
        with torch.no_grad():
            vectors = method.vectors(network, batch.images)
        near = (vectors[:8] - vectors[8:]).norm(dim=1).mean()
        far = torch.cdist(vectors, vectors)[batch.products[:, None] != batch.products].mean()
        return float(near / far)

    before = spread()
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    for _ in range(5):
        loss, _ = method.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert spread() < 0.9 * before


def test_freezing_keeps_the_first_layers_and_trains_the_last(context):
    trunk = context.encoder(size=64).trunk
    for share in (0.0, 0.5, 1.0):
        freeze(trunk, share)
        matrices = [p for p in trunk.parameters() if p.ndim > 1]
        trained = [p.requires_grad for p in matrices]
        assert trained == sorted(trained) and sum(trained) == len(matrices) - round(share * len(matrices))


def test_a_student_is_trained_once_and_then_found(shop, cache):
    first = run("student-lr", shop, **TINY)
    assert first.training["classes"] == 10 and first.training["validation_classes"] == 2
    assert "product" not in first.pretraining and "base classes" in first.pretraining
    stamps = {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()}
    again = run("student-lr", shop, **TINY, C=1.0)
    assert {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()} == stamps
    assert again.training == first.training and again.scores_sha256 != first.scores_sha256
    teacher = run("teacher-lr", shop, **TINY)
    assert teacher.training["checkpoint"] != first.training["checkpoint"]
    assert len(list((cache / "checkpoints").iterdir())) == 2


def test_a_student_of_another_architecture_lives_in_its_teacher_s_space(shop, cache, context):
    teacher = run("teacher-lr", shop, **TINY)
    parameters = {**TINY, "student": "conv4-8"}
    found = run("student-lr", shop, **parameters)
    assert found.pretraining.startswith("ImageNet-1k, "), "its teacher saw it"
    assert found.training["log"]["teacher"] == teacher.training["log"]["teacher"]
    assert run("student-lr", shop, **parameters, C=1.0).training == found.training
    (trunk,) = (
        p for p in (cache / "checkpoints").glob("student-*/trunk.safetensors") if (p.parent / FILE).is_file()
    )
    given = run("student-lr", shop, **parameters, checkpoint=str(trunk))
    assert given.scores_sha256 == found.scores_sha256 and given.pretraining == found.pretraining
    student = methods.StudentLr(settings(student="conv4-8", view="pad", checkpoint=str(trunk)))
    student.setup(context)
    vectors = student.encoder.encode(
        np.random.default_rng(0).integers(0, 256, (3, 3, 64, 64), dtype=np.uint8)
    )
    assert vectors.shape == (3, 1280) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    with pytest.raises(UsageError, match="nowhere"):
        run("student-lr", shop, **{**TINY, "steps": 3}, student="nowhere")


def constant(record: Record) -> dict:
    """A record without what differs from run to run."""
    training = {k: v for k, v in record.training.items() if k != "timings"}
    return {k: v for k, v in record.data.items() if k not in ("timings", "environment", "created")} | {
        "training": training
    }


def test_a_record_has_the_training_log_and_another_training_gives_the_same(shop, tmp_path, monkeypatch):
    found = run("student-lr", shop, **TINY)
    log, timings = found.training["log"], found.training["timings"]
    assert list(log) == list(timings) == ["teacher", "student"] and log["student"]["epoch"] == [1]
    assert list(log["teacher"]) == ["epoch", "loss", "active", "validation"]
    assert list(log["student"]) == ["epoch", "loss", "active", "pairs", "pseudo", "validation"]
    assert all(t["seconds"] > 0 and t["images/s"][0] > 0 for t in timings.values())
    first = run("teacher-lr", shop, **TINY)
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    again = run("teacher-lr", shop, **TINY)
    assert constant(again) == constant(first)
    assert again.training["timings"] != first.training["timings"]


def test_a_checkpoint_given_by_hand_is_not_evaluated_on_what_it_saw(shop, cache, base):
    taught = run("teacher-lr", shop, **TINY)
    (trunk,) = (cache / "checkpoints").glob("teacher-*/trunk.safetensors")
    given = {**TINY, "checkpoint": str(trunk)}
    loaded = fb.run("teacher-lr", "digits", ways=3, queries=2, episodes=2, parameters=given)
    assert loaded.scores_sha256 == taught.scores_sha256 and loaded.pretraining == taught.pretraining
    count = len(base.train) + len(base.validation)
    assert loaded.training["seen"] == f"{count} pictures, none of them evaluated"
    assert "dataset" not in loaded.training and loaded.training["weights"] == taught.training["weights"]
    leaking = {"teacher-lr": given, "pretrained-lr": {"weights": str(trunk), "pooling": "lca"}}
    for method, parameters in leaking.items():
        with pytest.raises(FsbenchError, match=r"trunk.safetensors were trained on 48 of .*, 'product"):
            fb.run(method, str(shop), ways=3, queries=2, episodes=2, parameters=parameters)


def test_a_checkpoint_without_the_list_is_said_to_be_unknown_or_trained_again(shop, cache, tmp_path):
    trained = run("teacher-lr", shop, **TINY)
    (trunk,) = (cache / "checkpoints").glob("teacher-*/trunk.safetensors")
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(trunk.read_bytes())
    given = {**TINY, "checkpoint": str(copy)}
    record = fb.run("teacher-lr", str(shop), ways=3, queries=2, episodes=2, parameters=given)
    assert record.training["seen"].startswith("unknown: no list mine.safetensors.seen.npy lies beside")
    listed = trunk.with_name("trunk.safetensors.seen.npy").read_bytes()
    trunk.with_name("trunk.safetensors.seen.npy").unlink()  # as releases before the list left it
    assert constant(run("teacher-lr", shop, **TINY)) == constant(trained)
    assert trunk.with_name("trunk.safetensors.seen.npy").read_bytes() == listed


def test_an_evaluated_picture_in_the_training_data_is_an_error(shop):
    with pytest.raises(FsbenchError, match="is evaluated as well|are base classes"):
        fb.run(
            "teacher-lr", str(shop), ways=3, queries=2, episodes=2, train_dataset=str(shop), parameters=TINY
        )
    with pytest.raises(FsbenchError, match="evaluated classes of packshots are base classes"):
        fb.run("teacher-lr", "packshots", split="base", ways=3, queries=2, episodes=2, parameters=TINY)


def test_a_missing_checkpoint_or_too_few_classes_is_a_sentence(shop, tmp_path):
    with pytest.raises(FsbenchError, match="no checkpoint .*nowhere"):
        run("teacher-lr", shop, **TINY, checkpoint=str(tmp_path / "nowhere"))
    (tmp_path / "small").mkdir()
    for label in range(3):
        (tmp_path / "small" / f"product {label}").symlink_to(shop / f"product {label}")
    with pytest.raises(FsbenchError):
        run("teacher-lr", tmp_path / "small", **TINY)


def test_whitening_makes_the_covariance_within_views_white():
    rng = np.random.default_rng(0)
    stretch = np.diag([3.0, 1.0, 0.2, 0.5])
    views = (rng.normal(size=(4000, 1, 4)) + rng.normal(size=(4000, 3, 4)) @ stretch).astype(np.float32)
    mean, covariance = whitened.moments(iter(np.array_split(views, 7)))
    assert np.allclose(mean, views.mean(axis=(0, 1)), atol=1e-6)
    slow = np.mean([np.cov(v.T) for v in views], axis=0)
    assert np.allclose(covariance, slow, rtol=1e-5, atol=1e-6)
    white = (views - views.mean(axis=1, keepdims=True)) @ whitened.whitening(covariance, shrink=1e-9).T
    assert np.allclose(np.einsum("mvi,mvj->ij", white, white) / (4000 * 2), np.eye(4), atol=1e-3)


@pytest.mark.parametrize("method", ["whitened-lr", "whitened-proto"])
def test_whitened_methods_run_and_encode_the_views_once(shop, cache, method):
    record = run(method, shop, max_images=8)
    assert record.pretraining.startswith("ImageNet-1k, ") and "(unlabelled)" in record.pretraining
    assert record.training["timings"]["whitening"]["seconds"] > 0
    (folder,) = (cache / "checkpoints").glob("whitening-*")
    stamp = (folder / "arrays.npz").stat().st_mtime_ns
    assert run(method, shop, max_images=8, shrink=0.5).scores_sha256 != record.scores_sha256
    assert (folder / "arrays.npz").stat().st_mtime_ns == stamp
    with pytest.raises(UsageError, match="views of the method .* must be at least 2, not 1"):
        run(method, shop, views=1)


def test_teacher_and_student_are_as_short_as_their_mathematics():
    package = Path(methods.__file__).parent
    files = [path for path in package.glob("*.py") if path.name != "whitened.py"]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 350
