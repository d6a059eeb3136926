"""A trained method: what its key is made of, one training of several runs, damage that is found, a learnt head."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench import training  # noqa: E402
from fewshot_bench.contract.config import TRAINING, setting, used_parameters  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.contract.trained import TrainedMethod  # noqa: E402
from fewshot_bench.contract.trained_config import ScheduledConfig  # noqa: E402
from fewshot_bench.embed.small import seeded  # noqa: E402
from fewshot_bench.errors import FsbenchError  # noqa: E402
from fewshot_bench.heads.prototype import Prototype  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.batches import PictureBatches  # noqa: E402
from fewshot_bench.training.kept import MANIFEST  # noqa: E402
from fewshot_bench.training.validation import Validation  # noqa: E402

pytestmark = pytest.mark.training


@dataclass(frozen=True, kw_only=True)
class Config(ScheduledConfig):
    """A small network, a few steps."""

    backbone: str = setting("conv4-4", "network")
    size: int = setting(16, "side", unit="pixels")
    epochs: int = setting(2, "epochs")
    list: str | None = setting(None, "a file whose content training reads", content=True)
    k: int = setting(1, "of the head", used_by="head")


class Baseline(TrainedMethod):
    """Classification of base classes by a linear layer, which is learnt with the encoder (Chen et al. 2019)."""

    api_version = 1
    name = "baseline"
    summary = "a toy"
    Config = Config
    losses: ClassVar[list[int]] = []

    def data(self, base):
        return PictureBatches(base.train, 16)

    def learnt_head(self, width):
        return torch.nn.Linear(width, 8)

    def loss(self, network, batch):
        self.losses.append(1)
        vectors = network(batch.images)
        assert not torch.is_autocast_enabled("cpu") and vectors.dtype == torch.float32
        logits = network.head(vectors)
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(batch.labels)), {}

    def schedule(self):
        return self.config.schedule(4, warmup=1, precision="bf16")

    def validation(self, base):
        return Validation(2, 1, 2, episodes=3)

    def make_head(self, context):
        assert self.learnt is not None and self.learnt.weight.shape[0] == 8
        return Prototype()


@pytest.fixture(scope="module")
def digits() -> BaseData:
    """Eight classes to train on and two to select on."""
    index = fb.dataset("digits")
    return BaseData("digits", *split_base(index), index)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)
    Baseline.losses.clear()


def context(folder: Path, seed: int = 0, **more) -> Context:
    return Context(device="cpu", seed=seed, cache=folder, **more)


def fit(base, where, **parameters):
    method = Baseline(Config(**parameters))
    return method, method.fit(base, where)


def folder_of(where: Context) -> Path:
    (folder,) = (where.cache / "checkpoints").iterdir()
    return folder


def test_a_learnt_head_is_trained_with_the_encoder_and_stored_beside_it(digits, tmp_path):
    where = context(tmp_path)
    method, facts = fit(digits, where)
    method.setup(where)
    start = seeded(lambda: torch.nn.Linear(4, 8), 0)
    trained = method.learnt.weight.detach()
    assert trained.shape == (8, 4) and not torch.equal(trained, start.weight)
    assert len(Baseline.losses) == 8 and len(facts["log"]["baseline"]["validation"]) == 2
    trunk = folder_of(where) / "trunk.safetensors"
    given = Baseline(Config(checkpoint=str(trunk), size=0))
    given.setup(context(tmp_path / "other"))
    assert not given.trains and torch.equal(given.learnt.weight, trained)
    assert given.encoder.fingerprint() == method.encoder.fingerprint() and given.config.size == 16
    (trunk.parent / "head.safetensors").unlink()
    with pytest.raises(FsbenchError, match="head.safetensors is damaged or missing"):
        Baseline(Config(checkpoint=str(trunk))).setup(where)


HEAD = ("C", "k", "head", "head_rate", "head_steps", "metric", "units", "shrink")
"""Parameters of heads, which no training reads."""


def test_every_parameter_is_in_the_key_or_says_who_reads_it(tmp_path, digits, monkeypatch):
    """Of all trained methods that are installed: a change of a parameter that training reads is another key."""
    registry = pytest.importorskip("fewshot_bench.contract.registry")
    found = 0
    for name in registry.entries(registry.METHODS):
        kind = registry.load(registry.METHODS, name)
        if not getattr(kind, "trains", False):
            continue
        read = set(used_parameters(kind.Config(), getattr(kind, "reads", (TRAINING,))))
        for f in fields(kind.Config):
            word = f.metadata.get("used_by", TRAINING)
            if f.name in read:
                found += 1
            elif f.name == "view":
                assert word == "start", "its pictures are in the fingerprint of the start"
            else:
                assert word in ("head", "loading", "presets", "student"), (name, f.name)
                assert (word == "head") == (f.name in HEAD), f.name
    assert found > 50


CHANGES = {
    "lr": 2e-3, "weight_decay": 0.5, "ema_decay": 0.5, "epochs": 3, "patience": 3, "backbone": "conv4-8",
    "pooling": "average", "size": 20, "view": "crop", "pretrained": False,
}  # fmt: skip
SAME = {"k": 3, "checkpoint": "nowhere"}


def key_of(base, where, monkeypatch, **parameters):
    """The key of a training, without the training."""
    found = {}

    def once(label, folder, key, facts, progress, **_):
        found.update(facts)
        raise KeyboardInterrupt

    monkeypatch.setattr("fewshot_bench.training.kept.train_once", once)
    with pytest.raises(KeyboardInterrupt):
        fit(base, where, **parameters)
    return json.dumps(found, sort_keys=True)


def test_the_key_is_of_everything_that_the_weights_depend_on(digits, tmp_path, monkeypatch):
    where = context(tmp_path)
    mine = tmp_path / "pairs.csv"
    mine.write_text("a,b\n")
    first = key_of(digits, where, monkeypatch)
    assert set(CHANGES) | set(SAME) | {"list"} == {f.name for f in fields(Config)}
    keys = {name: key_of(digits, where, monkeypatch, **{name: value}) for name, value in CHANGES.items()}
    keys["list"] = key_of(digits, where, monkeypatch, list=str(mine))
    mine.write_text("a,c\n")
    keys["content of the list"] = key_of(digits, where, monkeypatch, list=str(mine))
    keys["seed"] = key_of(digits, context(tmp_path, 1), monkeypatch)
    other = replace(digits, train=digits.train.take_classes(np.arange(7)))
    keys["base"] = key_of(other, where, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(training, "VERSION", 99)
        keys["core"] = key_of(digits, where, monkeypatch)
        patch.setattr(Baseline, "training_version", 2)
        keys["version"] = key_of(digits, where, monkeypatch)
        patch.setattr("fewshot_bench.identity.versions", lambda *_: {"torch": "0"})
        keys["versions"] = key_of(digits, where, monkeypatch)
    assert len({first, *keys.values()}) == 1 + len(keys)
    for name, value in SAME.items():
        assert key_of(digits, where, monkeypatch, **{name: value}) == first, name
    assert str(tmp_path) not in keys["list"]


def test_other_start_weights_train_anew(digits, tmp_path, monkeypatch):
    """Another file in FSBENCH_WEIGHTS under the same name is another start."""
    from safetensors.torch import save_file

    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    keys, path = [], tmp_path / "test_resnet.r160_in1k.safetensors"
    for number in (0, 1, 0):
        save_file({"weight": torch.full((3,), float(number))}, path)
        os.utime(path, ns=(10**18 + number, 10**18 + number))
        keys.append(
            key_of(digits, context(tmp_path / "cache"), monkeypatch, backbone="timm:test_resnet.r160_in1k")
        )
    assert keys[0] == keys[2] != keys[1]


def test_three_equal_runs_train_once(digits, tmp_path):
    """The others wait, say so, and find what the first one trained."""
    said: list[str] = []

    def progress(stage, done, total, note=""):
        said.append(stage)

    where, found = context(tmp_path, progress=progress), []
    runs = [threading.Thread(target=lambda: found.append(fit(digits, where)[1])) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(Baseline.losses) == 8 and len(found) == 3
    assert len({json.dumps(facts["log"]) + facts["checkpoint"] for facts in found}) == 1
    assert said.count("wait for another run that trains baseline") == 2


@pytest.mark.parametrize("name", ["trunk.safetensors", "head.safetensors", "trunk.safetensors.json",
                                  "trunk.safetensors.seen.npy", MANIFEST])  # fmt: skip
def test_a_flipped_bit_of_what_was_exported_heals_from_the_checkpoint(digits, tmp_path, name):
    where = context(tmp_path)
    first, _ = fit(digits, where)
    path = folder_of(where) / name
    content, steps = path.read_bytes(), len(Baseline.losses)
    for place in np.random.default_rng(0).integers(0, 8 * len(content), 8):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        if name != MANIFEST:
            with pytest.raises(FsbenchError, match="is damaged or missing"):
                Baseline(Config(checkpoint=str(path.with_name("trunk.safetensors")))).setup(where)
        again, _ = fit(digits, where)
        assert again.encoder.fingerprint() == first.encoder.fingerprint()
        assert name == MANIFEST or path.read_bytes() == content
    assert len(Baseline.losses) == steps, "nothing was trained again"


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_a_flipped_bit_of_a_checkpoint_is_a_sentence(digits, tmp_path, name):
    where = context(tmp_path)
    fit(digits, where)
    folder = folder_of(where)
    (folder / MANIFEST).unlink()  # as if it had been killed before the end
    path = folder / name
    content = path.read_bytes()
    for place in np.random.default_rng(1).integers(64, 8 * len(content), 12):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(FsbenchError, match="is damaged and cannot be read .* remove its folder"):
            fit(digits, where)
    path.write_bytes(content)
    fit(digits, where)


def test_a_damaged_log_is_a_sentence(digits, tmp_path):
    where = context(tmp_path)
    fit(digits, where)
    log = folder_of(where) / "log.csv"
    log.write_text(log.read_text().replace("1", "7"))
    with pytest.raises(FsbenchError, match="training log .* is damaged or missing; remove its folder"):
        fit(digits, where)


def test_trainings_take_deterministic_algorithms_and_leave_the_flags_as_they_were(
    digits, tmp_path, monkeypatch
):
    from torch.backends import cudnn

    seen, loss = [], Baseline.loss
    monkeypatch.setattr(
        Baseline, "loss", lambda *a: (seen.append((cudnn.deterministic, cudnn.benchmark)), loss(*a))[1]
    )
    before = (cudnn.deterministic, cudnn.benchmark)
    fit(digits, context(tmp_path))
    assert set(seen) == {(True, False)} and (cudnn.deterministic, cudnn.benchmark) == before
