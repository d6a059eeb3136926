"""Fine-tuning: its loss by hand, one code for an episode and for a train split, ensembles, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract import registry  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.episodes.image_tasks import ImageTasks  # noqa: E402
from fewshot_bench.episodes.tasks import Tasks  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402

pytestmark = pytest.mark.training

methods = pytest.importorskip("fsbench_finetune.methods")
config = pytest.importorskip("fsbench_finetune.config")
task = pytest.importorskip("fsbench_finetune.task")

TINY = {"size": 32, "epochs": 1, "least_steps": 2, "batch": 8, "precision": "float32"}
NAMES = [
    "finetune", "ensemble", "finetune-vgg16", "finetune-resnet18", "finetune-resnet50", "finetune-resnext-wsl",
    "ensemble-resnet50",
]  # fmt: skip


def test_the_loss_is_cross_entropy_minus_the_entropy():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    log_p = log_softmax(logits, axis=1)
    expected = -log_p[np.arange(6), labels] + 0.3 * (np.exp(log_p) * log_p).sum(axis=1)
    found = task.maxent_loss(torch.from_numpy(logits), torch.from_numpy(labels), 0.3)
    assert float(found) == pytest.approx(expected.mean(), rel=1e-5)
    plain = task.maxent_loss(torch.from_numpy(logits), torch.from_numpy(labels), 0.0)
    reference = torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
    assert float(plain) == pytest.approx(float(reference), rel=1e-5)


def test_pictures_are_held_out_of_classes_of_ten_and_more_alone():
    labels = np.repeat([0, 1, 2], [9, 10, 40])
    apart = task.held_out(labels, 0.1, 0)
    assert [int(apart[labels == c].sum()) for c in range(3)] == [0, 1, 4]
    assert np.array_equal(apart, task.held_out(labels, 0.1, 0))


@pytest.mark.parametrize("count", [3, 8, 19])
def test_an_epoch_shows_every_picture_before_any_is_shown_again(count):
    c = config.Config(batch=8, epochs=2, least_steps=10, held_out=0)
    support = task.SupportTask(np.arange(count)[:, None].astype(np.float32), np.arange(count) % 2, c, 5)
    shown = np.concatenate([support.batch(1, n).inputs[:, 0].numpy() for n in range(support.steps)])
    assert support.steps == max(-(-count // 8), 5)
    for turn in range(len(shown) // count):
        assert sorted(shown[turn * count : (turn + 1) * count]) == list(range(count))
    again = np.concatenate([support.batch(1, n).inputs[:, 0].numpy() for n in range(support.steps)])
    assert np.array_equal(shown, again)


@pytest.fixture
def coloured():
    """Forty pictures of four colours, with noise."""
    rng = np.random.default_rng(0)
    colours = np.array([[220, 30, 30], [30, 220, 30], [30, 30, 220], [200, 200, 40]])
    noise = rng.integers(-20, 20, (40, 3, 32, 32))
    return (colours[np.arange(40) % 4][:, :, None, None] + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("tune", ["whole", "head"])
def test_it_learns_colours_and_tells_padding_apart(tune, coloured, tmp_path):
    fast = {"backbone": "conv4-32", "pretrained": False, "lr": 0.01 if tune == "whole" else 0.5}
    kind = methods.Three(**{**TINY, **fast, "n_networks": 2, "epochs": 2, "least_steps": 40}, tune=tune)
    method = methods.Ensemble(kind)
    method.setup(Context("cpu", 0, tmp_path))
    rows = np.arange(40)
    support = np.full((2, 4, 3), -1)
    support[0] = rows[:12].reshape(3, 4).T
    support[1, :3, :2] = rows[:8].reshape(2, 4).T[:3]
    query = np.tile(rows[20:], (2, 1))
    query[1] = np.where(query[1] % 4 == 3, -1, query[1])
    query[1] = np.sort(query[1])[::-1]
    scores = method.solve(ImageTasks(coloured, Tasks(support, query), "cpu"))
    assert scores.shape == (2, 20, 4)
    assert np.isneginf(scores[1, :, 3]).all() and np.allclose(scores[0].sum(axis=1), 1)
    assert (scores[0].argmax(axis=1) == query[0] % 4).mean() > 0.8
    assert not list(tmp_path.rglob("best.safetensors"))
    alone = method.solve(ImageTasks(coloured, Tasks(support[:1], query[:1, :3]), "cpu"))
    assert np.allclose(alone[0], scores[0, :3], atol=1e-6), "a score depends on another query"


def test_a_large_support_is_trained_once_and_found_again(coloured, tmp_path, monkeypatch):
    monkeypatch.setattr(methods, "KEPT_FROM", 10)
    seen: list[str] = []
    context = Context("cpu", 0, tmp_path, progress=lambda stage, *_: seen.append(stage))
    tasks = ImageTasks(
        coloured, Tasks(np.arange(20).reshape(1, 5, 4).swapaxes(1, 2), np.arange(20, 40)[None]), "cpu"
    )
    scores = []
    for kind in (methods.FineTune, methods.FineTune, methods.Ensemble):
        method = kind(kind.Config(**TINY, backbone="conv4-32", pretrained=False))
        method.setup(context)
        before = len(seen)
        scores.append(method.solve(tasks))
        seen.append(f"{len(seen) - before} steps")
    assert np.array_equal(scores[0], scores[1])
    steps = [int(s.split()[0]) for s in seen if s.endswith("steps")]
    assert steps[0] > 0 and steps[1] == 0 and steps[2] == 2 * steps[0], "two members are new, one is found"
    assert len(list(tmp_path.rglob("best.safetensors"))) == 3


@pytest.mark.parametrize("name", NAMES)
def test_every_method_runs_on_packshots(name, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    kind = registry.load(registry.METHODS, name)
    assert kind.name == name
    backbone = {"finetune-vgg16": "vgg11", "finetune-resnet18": "resnet18"}.get(name, "conv4-32")
    parameters = {**TINY, "pretrained": False, "backbone": backbone, "pooling": "lca", "gamma": 0.1}
    record = fb.run(name, "packshots", ways=3, queries=2, episodes=2, parameters=parameters)
    assert record.pretraining == "none" and 0 <= record.accuracy.mean <= 1 and record.calibrated


def test_a_train_split_is_learnt_by_the_same_code(tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    options = {
        "parameters": {
            **TINY,
            "tune": "head",
            "epochs": 10,
            "backbone": "conv4-32",
            "pretrained": False,
            "lr": 0.1,
        },
        "protocol": "classification",
    }
    record = fb.run("finetune", "digits", **options)
    assert record.accuracy.mean > 0.7 and record.protocol == "classification" and record.map is None
    again = fb.run("finetune", "digits", **options)
    assert again.scores_sha256 == record.scores_sha256


def test_wrong_parameters_and_missing_weights_are_a_sentence(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="held_out from 0 and below 1, not 1"):
        fb.run("finetune", "packshots", episodes=1, parameters={"held_out": 1.0})
    with pytest.raises(FsbenchError, match="vgg16-397923af.pth"):
        fb.run("finetune-vgg16", "packshots", episodes=1, parameters={"size": 32})
