"""ProtoNet: its loss by the paper's equations, predictions equal to easyfsl's, whole runs on drawn packages."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.embed import PretrainedEncoder  # noqa: E402
from fewshot_bench.embed.torchvision_guard import import_torchvision  # noqa: E402
from fewshot_bench.episodes import EpisodeSpec, sample  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.testing import parametrize_with_checks  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.batches import EpisodeBatch  # noqa: E402
from fewshot_bench.training.export import trained_encoder  # noqa: E402
from fewshot_bench.training.network import make_network  # noqa: E402

pytestmark = pytest.mark.training

protonet = pytest.importorskip("fsbench_protonet.protonet")
ProtoNet, Config = protonet.ProtoNet, protonet.ProtoNetConfig

TINY = {
    "backbone": "conv4-32", "size": 28, "train_ways": 4, "queries": 2, "epochs": 2, "episodes": 3,
    "validation_episodes": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def one_cache_for_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(cache))
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def digits() -> BaseData:
    """Ten classes of small pictures that cost nothing to draw."""
    index = fb.dataset("digits")
    return BaseData("digits", *split_base(index), index)


@pytest.fixture(scope="module")
def easyfsl():
    """easyfsl's prototypical networks, fed with embeddings; it imports torchvision."""
    import_torchvision()
    methods = pytest.importorskip("easyfsl.methods")
    return methods.PrototypicalNetworks(torch.nn.Identity())


def run(**parameters):
    return fb.run("protonet", "packshots", ways=3, queries=2, episodes=2, parameters={**TINY, **parameters})


def batch(tasks=2, ways=3, shots=2, queries=4, side=28):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (tasks, ways, shots + queries, 3, side, side), dtype=np.uint8)
    return EpisodeBatch(images[:, :, :shots], images[:, :, shots:])


def euclidean(x, centre):
    return -(math.dist(x, centre) ** 2)


def cosine(x, centre):
    return 10 * float(np.dot(x, centre) / np.linalg.norm(x) / np.linalg.norm(centre))


@pytest.mark.parametrize(("metric", "score"), [("euclidean", euclidean), ("cosine", cosine)])
def test_the_loss_is_that_of_the_paper(metric, score):
    """One query after the other: c = mean of the support, −log softmax of the scores."""
    encoder, episodes = PretrainedEncoder("conv4-32", "flatten", size=28), batch()
    with torch.no_grad():
        loss, numbers = ProtoNet(Config(metric=metric)).loss(make_network(encoder).eval(), episodes)

    def vectors(images):
        found = encoder.encode(images.reshape(-1, 3, 28, 28)).astype(np.float64)
        return found.reshape(*images.shape[:3], -1)

    support, query = vectors(episodes.support), vectors(episodes.query)
    if metric == "cosine":
        support = support / np.linalg.norm(support, axis=3, keepdims=True)
    slow, correct = [], []
    for t in range(2):
        centres = [support[t, n].mean(axis=0) for n in range(3)]
        for n in range(3):
            for x in query[t, n]:
                scores = [score(x, centre) for centre in centres]
                slow.append(math.log(sum(math.exp(s - scores[n]) for s in scores)))
                correct.append(scores[n] == max(scores))
    assert float(loss) == pytest.approx(np.mean(slow), abs=1e-4)
    assert numbers["accuracy"] == pytest.approx(np.mean(correct))


def test_some_steps_learn_an_episode(cache):
    context = Context(device="cpu", seed=0, cache=cache)
    method = ProtoNet(Config(**TINY))
    network, episode = make_network(method.start(context)).train(), batch(tasks=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(15):
        loss, _ = method.loss(network, episode)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize(("ways", "shots"), [(5, 1), (5, 5), (10, 3)])
def test_predictions_equal_easyfsl_s_on_embeddings_of_a_trained_network(cache, easyfsl, digits, ways, shots):
    """All predictions of 100 episodes, and the scores: easyfsl's are minus the distance, ours minus its square."""
    method = ProtoNet(Config(**TINY))
    context = Context(device="cpu", seed=0, cache=cache)
    method.fit(digits, context)
    method.setup(context)
    index = digits.unlabelled
    table = torch.from_numpy(context.embed(method.encoder, index))
    drawn = sample(index, EpisodeSpec(ways, shots, 5, 100, 7))
    tasks, _ = drawn.tasks(np.arange(len(index)))
    ours, _ = method.head.scores(table, tasks)
    labels = torch.arange(ways).repeat_interleave(shots)
    for e in range(len(tasks)):
        easyfsl.process_support_set(table[tasks.support[e].ravel()], labels)
        theirs = easyfsl(table[tasks.query[e]])
        assert torch.equal(ours[e].argmax(dim=1), theirs.argmax(dim=1))
        torch.testing.assert_close(-ours[e].clamp_max(0).neg().sqrt(), theirs, rtol=1e-3, atol=1e-2)


def test_it_is_trained_once_and_then_found(cache):
    first = run()
    assert first.training["classes"] == 160 and len(first.training["log"]["protonet"]["epoch"]) == 2
    assert first.pretraining == "packshots (base classes)"
    stamps = {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()}
    again = run()
    assert {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()} == stamps
    assert again.scores_sha256 == first.scores_sha256
    assert run(lr=2e-3).training["checkpoint"] != first.training["checkpoint"]
    (trunk,) = (
        p
        for p in (cache / "checkpoints").glob("protonet-*/trunk.safetensors")
        if p in stamps and is_of(first, p)
    )
    loaded = run(checkpoint=str(trunk))
    assert loaded.scores_sha256 == first.scores_sha256


def is_of(record, trunk):
    encoder = ProtoNet(Config(**TINY)).start(Context(device="cpu", seed=0, cache=trunk.parents[2]))
    return trained_encoder(encoder, trunk).fingerprint().startswith(record.training["checkpoint"])


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, digits, monkeypatch):
    def fit(folder):
        method = ProtoNet(Config(**TINY))
        method.fit(digits, Context(device="cpu", seed=0, cache=tmp_path / folder))
        return method.encoder.weights

    calls, loss = [], ProtoNet.loss

    def stopped(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return loss(*arguments)

    monkeypatch.setattr(ProtoNet, "loss", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit("parts")
    assert fit("parts").read_bytes() == fit("whole").read_bytes()
    assert len(calls) == 5 + 3 + 6, "of the second training the second epoch alone"


def test_backbones_begin_as_they_are_asked_for(cache):
    context = Context(device="cpu", seed=0, cache=cache)
    for parameters, pooling, size, pretraining in (
        ({}, "flatten", 84, "none"),
        ({"backbone": "resnet12", "size": 32}, "average", 32, "none"),
        ({"backbone": "resnet18", "pretrained": False}, "average", 84, "none"),
        ({"backbone": "efficientnet_lite0", "pooling": "lca"}, "lca", 224, "ImageNet-1k"),
    ):
        encoder = ProtoNet(Config(**parameters)).start(context)
        assert (encoder.pooling, encoder.found.transform.size) == (pooling, size)
        assert encoder.pretraining == pretraining


def test_a_pretrained_backbone_keeps_its_statistics_and_cosine_runs():
    record = run(backbone="efficientnet_lite0", size=32, metric="cosine", epochs=1, episodes=1, augment=True)
    assert record.pretraining.startswith("ImageNet-1k, packshots")
    ran = record.parameters
    assert (ran["pooling"], ran["size"], ran["backbone"]) == ("average", 32, "efficientnet_lite0")


def test_both_views_are_evaluated_by_the_training_on_padded_pictures():
    padded, both = run(), run(view="both")
    assert both.training["identity"] == padded.training["identity"]
    assert both.scores_sha256 != padded.scores_sha256


def test_the_parameters_of_a_record_are_those_that_ran(digits, tmp_path):
    assert Config().pooling == "flatten" and Config(backbone="resnet12").pooling == "average"
    method = ProtoNet(
        Config(backbone="conv4-8", epochs=1, episodes=1, train_ways=2, queries=1, validation_episodes=1)
    )
    method.fit(digits, Context(device="cpu", seed=0, cache=tmp_path))
    assert method.config.size == 84


def test_the_plugin_is_as_short_as_its_mathematics():
    package = Path(protonet.__file__).parent
    assert sum(len(path.read_text().splitlines()) for path in package.glob("*.py")) <= 90


def test_impossible_episodes_and_missing_checkpoints_are_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"of 161 classes .* packshots has \d+ base classes"):
        run(train_ways=161)
    with pytest.raises(FsbenchError, match="no checkpoint"):
        run(checkpoint=str(tmp_path / "nowhere"))


@parametrize_with_checks(
    "protonet", without=("setup-process",), queries=2, episodes=2, parameters={**TINY, "epochs": 1}
)
def test_it_keeps_its_contract(check):
    check()
