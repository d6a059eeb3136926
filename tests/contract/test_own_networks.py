"""Networks, optimisers and learnt heads of an author's own: Baseline++ and a relation network, a screen each."""

from __future__ import annotations

import functools
import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.api import (  # noqa: E402
    BaseData,
    ClassBatches,
    Context,
    EpisodeBatch,
    Episodes,
    InputTransform,
    Loss,
    PictureBatch,
    Prototype,
    Schedule,
    ScheduledConfig,
    Tasks,
    TorchEncoder,
    TrainedMethod,
    Validation,
    seeded,
    setting,
)
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.training.base import split_base  # noqa: E402

pytestmark = pytest.mark.training


class Small(nn.Module):
    """Two convolutions, and the mean over places: pictures -> vectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, 2, 1), nn.ReLU()
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layers(pictures).mean(dim=(2, 3))


@dataclass(frozen=True, kw_only=True)
class BaselineConfig(ScheduledConfig):
    """An optimiser by its name, and a network by its width."""

    width: int = setting(8, "values of an embedding")
    optimiser: str = setting("sgd", "adamw, sgd, or a class of torch.optim")
    epochs: int = setting(2, "epochs")
    lr: float = setting(0.05, "learning rate")


class CosineClassifier(nn.Module):
    """Scale times the cosine between a vector and the weights of each class."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(classes, width)), nn.Parameter(torch.tensor(10.0))

    def forward(self, vectors: Tensor) -> Tensor:
        return self.scale * F.normalize(vectors, dim=1) @ F.normalize(self.weight, dim=1).mT


class BaselinePlus(TrainedMethod[BaselineConfig]):
    """Classification of base classes by a cosine classifier (Chen et al. 2019), on batches of classes."""

    api_version = 1
    name = "baseline-plus"
    summary = "classification of base classes by cosines"
    arguments: ClassVar[dict[str, Any]] = {}

    def start(self, context: Context) -> TorchEncoder:
        module = seeded(lambda: Small(self.config.width), context.seed)
        transform = InputTransform(size=16, resize=18, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        return TorchEncoder(module, transform, "small 1", device=context.device)

    def data(self, base: BaseData) -> ClassBatches:
        return ClassBatches(base.train, classes=4, pictures=3)

    def learnt_head(self, width: int) -> nn.Module:
        return CosineClassifier(width, classes=8)

    def loss(self, network: nn.Module, batch: PictureBatch) -> Loss:
        logits = network.head(network(batch.images))
        return F.cross_entropy(logits, torch.from_numpy(batch.labels)), {}

    def schedule(self) -> Schedule:
        return self.config.schedule(4, warmup=1, optimiser=self.config.optimiser, arguments=self.arguments)

    def validation(self, base: BaseData) -> Validation:
        return Validation(2, 1, 2, episodes=3)

    def make_head(self, context: Context) -> Prototype:
        return Prototype("cosine")


class Relation(nn.Module):
    """r(a, b) of two feature maps ``[..., C·h·w]``: a convolution of both, one on the other, and a layer behind it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(
            nn.Conv2d(2 * shape[0], 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * shape[1] * shape[2], 1)
        )  # fmt: skip

    def forward(self, query: Tensor, means: Tensor) -> Tensor:
        """The relations ``[..., Q, N]`` of ``query [..., Q, D]`` and ``means [..., N, D]``."""
        a, b = torch.broadcast_tensors(query.unsqueeze(-2), means.unsqueeze(-3))
        maps = torch.cat([x.reshape(-1, *self.shape) for x in (a, b)], dim=1)
        return self.layers(maps).sigmoid().reshape(a.shape[:-1])


@dataclass(frozen=True)
class RelationHead:
    """Scores a query by the learnt relation to the mean of each class's support."""

    module: nn.Module = field(repr=False)

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        scores = table.new_full((*tasks.query.shape, tasks.ways), -torch.inf)
        with torch.no_grad():
            for episode, (support, labels, query) in enumerate(tasks.each(table)):
                classes = labels.unique()
                means = torch.stack([support[labels == c].mean(dim=0) for c in classes])
                scores[episode, : len(query), classes] = self.module(query, means)
        return scores, {}


@dataclass(frozen=True, kw_only=True)
class RelationConfig(ScheduledConfig):
    """A small network whose feature maps stay as they are."""

    backbone: str = setting("conv4-4", "network")
    pooling: str = setting("flatten", "of the feature map")
    size: int = setting(32, "side", unit="pixels")
    epochs: int = setting(1, "epochs")


class RelationNet(TrainedMethod[RelationConfig]):
    """L = Σ (r(f(q), c_n) − [q of class n])², r a network that is learnt with f (Sung et al. 2018, eq. 2)."""

    api_version = 1
    name = "relation"
    summary = "a learnt relation of feature maps"

    def data(self, base: BaseData) -> Episodes:
        return Episodes(base.train, ways=3, shots=2, queries=2)

    def learnt_head(self, width: int) -> nn.Module:
        assert width == np.prod(self.map_shape)
        return Relation(self.map_shape)

    def loss(self, network: nn.Module, batch: EpisodeBatch) -> Loss:
        support, query = batch.embedded(network)
        relations = network.head(query, support.mean(dim=2))
        wanted = torch.eye(3).repeat_interleave(2, dim=0).expand_as(relations)
        return (relations - wanted).square().mean(), {}

    def schedule(self) -> Schedule:
        return self.config.schedule(3, warmup=1)

    def validation(self, base: BaseData) -> Validation:
        return Validation(2, 1, 2, episodes=2)

    def make_head(self, context: Context) -> RelationHead:
        assert self.learnt is not None
        return RelationHead(self.learnt)


@pytest.fixture(scope="module")
def digits() -> BaseData:
    index = fb.dataset("digits")
    return BaseData("digits", *split_base(index), index)


def fitted(kind: type[Any], base: BaseData, folder: Path, seed: int = 0, **parameters: Any) -> Any:
    method, context = kind(kind.Config(**parameters)), Context(device="cpu", seed=seed, cache=folder)
    method.facts = method.fit(base, context)
    method.setup(context)
    return method


def batch_of(method: Any, rows: range = range(6)) -> Any:
    index = fb.dataset("digits")
    return np.stack([method.encoder.prepare(index.reader(row)) for row in rows])


def test_a_module_is_trained_stored_found_and_named_by_its_content(digits, tmp_path):
    method = fitted(BaselinePlus, digits, tmp_path)
    again = fitted(BaselinePlus, digits, tmp_path)
    start = method.start(Context(device="cpu", seed=0, cache=tmp_path))
    assert method.encoder.fingerprint() == again.encoder.fingerprint() != start.fingerprint()
    assert again.facts == method.facts and again.encoder.map_shape == (8,)
    batch = batch_of(method)
    vectors = method.encoder.encode(batch)
    np.testing.assert_array_equal(again.encoder.encode(batch), vectors)
    assert vectors.shape == (6, 8) and not np.allclose(start.encode(batch), vectors)
    np.testing.assert_allclose(
        np.concatenate([method.encoder.encode(batch[i : i + 1]) for i in range(6)]), vectors, atol=1e-6
    )
    assert method.learnt.weight.shape == (8, 8) and method.encoder.pretraining == "digits (base classes)"
    trunk = next((tmp_path / "checkpoints").glob("*/trunk.safetensors"))
    given = BaselinePlus(BaselineConfig(checkpoint=str(trunk)))
    given.setup(Context(device="cpu", seed=0, cache=tmp_path))
    assert given.encoder.fingerprint() == method.encoder.fingerprint()
    with pytest.raises(FsbenchError, match=r"trunk.safetensors are not those of small 1 \("):
        _ = (
            BaselinePlus(BaselineConfig(width=4))
            .start(Context("cpu", 0, tmp_path))
            .changed(weights=trunk)
            .trunk
        )


def test_the_fingerprint_of_a_module_is_of_all_that_its_vectors_depend_on():
    transform = InputTransform(size=16, resize=18, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    module = seeded(lambda: Small(4), 0)
    first = TorchEncoder(module, transform, "small 1")
    others = [
        TorchEncoder(seeded(lambda: Small(4), 1), transform, "small 1"),
        TorchEncoder(module, transform.at(18, "pad"), "small 1"),
        TorchEncoder(module, transform, "small 2"),
        TorchEncoder(module, transform, "small 1", pooling="flatten"),
        first.changed(view="crop"),
    ]
    assert len({first.fingerprint(), *(other.fingerprint() for other in others)}) == 6
    assert (
        TorchEncoder(seeded(lambda: Small(4), 0), transform, "small 1").fingerprint() == first.fingerprint()
    )
    with torch.no_grad():
        first.own().trunk.layers[0].weight.zero_()
    assert TorchEncoder(module, transform, "small 1").fingerprint() == first.fingerprint(), (
        "it stays as it is"
    )


def test_a_module_that_gives_maps_is_pooled_and_both_views_are_summed():
    transform = InputTransform(size=8, resize=9, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    maps = nn.Conv2d(3, 5, 1)
    average = TorchEncoder(maps, transform, "one")
    assert average.map_shape == (5, 8, 8)
    picture = fb.dataset("digits").reader(0)
    prepared = np.stack([average.prepare(picture)])
    expected = maps(torch.from_numpy(prepared).float() / 255).mean(dim=(2, 3)).detach().numpy()
    np.testing.assert_allclose(average.encode(prepared), expected, atol=1e-6)
    both = average.changed(view="both")
    assert both.encode(np.stack([both.prepare(picture)])).shape == (1, 5)


def test_a_learnt_relation_is_trained_with_its_maps_and_stored_beside_them(digits, tmp_path):
    method = fitted(RelationNet, digits, tmp_path)
    again = fitted(RelationNet, digits, tmp_path)
    assert method.map_shape == (4, 2, 2)
    tasks, _ = fb.sample(fb.dataset("digits"), ways=3, shots=2, queries=3, episodes=2).tasks()
    table = torch.from_numpy(np.random.default_rng(0).normal(size=(1797, 16)).astype(np.float32))
    (scores, _), (same, _) = (found.head.scores(table, tasks) for found in (method, again))
    assert scores.shape == (2, 9, 3) and torch.equal(scores, same)
    fresh = seeded(lambda: Relation((4, 2, 2)), 0)
    assert not torch.equal(fresh.layers[0].weight, method.learnt.layers[0].weight)


def key_of(kind: type[Any], digits: BaseData, folder: Path, monkeypatch: Any, **parameters: Any) -> str:
    found: dict[str, Any] = {}

    def once(label, folder, key, facts, progress, **_):
        found.update(facts)
        raise KeyboardInterrupt

    monkeypatch.setattr("fewshot_bench.training.kept.train_once", once)
    with pytest.raises(KeyboardInterrupt):
        fitted(kind, digits, folder, **parameters)
    return json.dumps(found, sort_keys=True)


def lion(parameters: Any, lr: float) -> Any:
    return torch.optim.SGD(parameters, lr)


def test_the_optimiser_is_in_the_identity_by_its_content(digits, tmp_path, monkeypatch):
    def key(**changes):
        with monkeypatch.context() as patch:
            for name, value in changes.items():
                patch.setattr(BaselinePlus, name, value)
            return key_of(BaselinePlus, digits, tmp_path, patch, optimiser="RAdam")

    keys = [
        key(),
        key(arguments={"betas": (0.8, 0.9)}),
        key_of(BaselinePlus, digits, tmp_path, monkeypatch),
        *(
            key(schedule=lambda self, o=o: self.config.schedule(4, optimiser=o))
            for o in (lion, torch.optim.Adam, functools.partial(torch.optim.Adam, amsgrad=True))
        ),
    ]
    assert len(set(keys)) == len(keys)
    assert "optimiser" not in json.loads(keys[2]), "a training by SGD or AdamW keeps the key that it had"
    assert json.loads(keys[3])["optimiser"]["source"] and "amsgrad" in keys[5]


@pytest.mark.parametrize("optimiser", ["sgd", "RAdam", "Adagrad", "NAdam"])
def test_every_optimiser_goes_on_after_a_kill_as_if_there_had_been_none(
    digits, tmp_path, monkeypatch, optimiser
):
    whole = fitted(BaselinePlus, digits, tmp_path / "whole", optimiser=optimiser)
    loss, calls = BaselinePlus.loss, []

    def killed(self, network, batch):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return loss(self, network, batch)

    monkeypatch.setattr(BaselinePlus, "loss", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(BaselinePlus, digits, tmp_path / "killed", optimiser=optimiser)
    resumed = fitted(BaselinePlus, digits, tmp_path / "killed", optimiser=optimiser)
    assert len(calls) == 6 + 4, "the first epoch is not done again"
    assert resumed.encoder.fingerprint() == whole.encoder.fingerprint()


class Counting(torch.optim.SGD):
    """Counts in its groups, as some optimisers do."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            group["momentum"] += 0.1


class Numbering(torch.optim.SGD):
    """Keeps a Python number of each parameter, or a text."""

    kept: Any = 0

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["k"] = state.get("k", 0) + 1 if self.kept == 0 else self.kept


@pytest.mark.parametrize(("optimiser", "kept", "name"), [(Counting, 0, "momentum"), (Numbering, "x", "k")])
def test_state_that_no_checkpoint_holds_is_a_sentence(digits, tmp_path, monkeypatch, optimiser, kept, name):
    monkeypatch.setattr(Numbering, "kept", kept)
    monkeypatch.setattr(BaselinePlus, "schedule", lambda self: self.config.schedule(4, optimiser=optimiser))
    with pytest.raises(FsbenchError, match=rf"keeps {name} = .*, which no checkpoint can hold"):
        fitted(BaselinePlus, digits, tmp_path)


def test_numbers_of_a_parameter_are_kept(digits, tmp_path, monkeypatch):
    from fewshot_bench.training.checkpoint import load_checkpoint

    monkeypatch.setattr(BaselinePlus, "schedule", lambda self: self.config.schedule(4, optimiser=Numbering))
    fitted(BaselinePlus, digits, tmp_path)
    state = load_checkpoint(next((tmp_path / "checkpoints").glob("*/last.safetensors")))
    assert {int(v) for k, v in state.tensors.items() if k.startswith("number/k/")} == {8}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("radam", r"no optimiser 'radam'; did you mean RAdam"), ("zzzz", r"it has adamw, sgd, ASGD"), ("LBFGS", "no opt")],
)  # fmt: skip
def test_an_unknown_optimiser_is_a_sentence(digits, tmp_path, name, sentence):
    with pytest.raises(UsageError, match=sentence):
        fitted(BaselinePlus, digits, tmp_path, optimiser=name)


def test_arguments_that_an_optimiser_does_not_take_are_a_sentence(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(BaselinePlus, "arguments", {"speed": 3})
    with pytest.raises(UsageError, match=r"The optimiser 'SGD' does not take its arguments \(.*speed"):
        fitted(BaselinePlus, digits, tmp_path)


@pytest.mark.parametrize("kinds", [(Small, BaselineConfig, CosineClassifier, BaselinePlus),
                                   (Relation, RelationHead, RelationConfig, RelationNet)])  # fmt: skip
def test_a_method_is_a_screen_or_two(kinds):
    assert sum(len(inspect.getsource(kind).splitlines()) for kind in kinds) <= 120
