"""The inner loop against a slow loop of autograd and against learn2learn; queries apart from each other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.functional import cross_entropy, linear  # noqa: E402

from fewshot_bench.episodes.image_tasks import ImageTasks  # noqa: E402
from fewshot_bench.episodes.tasks import Tasks  # noqa: E402
from fewshot_bench.errors import UsageError  # noqa: E402

pytestmark = pytest.mark.training

adapt = pytest.importorskip("fsbench_maml.adapt").adapt
network = pytest.importorskip("fsbench_maml.network")
scores = pytest.importorskip("fsbench_maml.scores")
learner = pytest.importorskip("fsbench_maml.learner")
Rule = pytest.importorskip("fsbench_maml.config").Rule

RULES = [
    pytest.param(Rule(3, 0.1), id="maml"),
    pytest.param(Rule(3, 0.1, second_order=False), id="fomaml"),
    pytest.param(Rule(3, 0.1, whole=False), id="anil"),
    pytest.param(Rule(3, 0.1, second_order=False, whole=False), id="first-order anil"),
]


@pytest.fixture(scope="module")
def l2l():
    """learn2learn; skipped, visibly, where it is not installed."""
    try:
        return learner.learn2learn()
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture
def episode():
    """Pictures of one 3-way 2-shot episode with four queries, and a network in float64."""
    random = torch.Generator().manual_seed(1)
    net = network.make(4, 16, 1, seed=0).double()
    return SimpleNamespace(
        net=net,
        support=torch.rand(6, 3, 16, 16, generator=random, dtype=torch.float64),
        query=torch.rand(4, 3, 16, 16, generator=random, dtype=torch.float64),
        labels=torch.tensor([0, 0, 1, 1, 2, 2]),
        wanted=torch.tensor([2, 0, 1, 1]),
    )


def slow(params, loss, steps, lr, second_order):
    """The same by autograd and a loop over steps and weights."""
    names = list(params)
    for _ in range(steps):
        gradients = torch.autograd.grad(loss(params), [params[n] for n in names], create_graph=second_order)
        params = {n: params[n] - lr * g for n, g in zip(names, gradients, strict=True)}
    return params


def meta_gradient(net, value):
    """∂value/∂θ of a network by name; zeros where a weight is not used."""
    found = torch.autograd.grad(value, list(net.parameters()), allow_unused=True)
    return {
        name: torch.zeros_like(p) if g is None else g
        for (name, p), g in zip(net.named_parameters(), found, strict=True)
    }


def assert_equal(first, second, within):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.allclose(first[name], second[name], atol=within, rtol=within), name


@pytest.mark.parametrize("second_order", [True, False])
def test_gradient_descent_on_a_parabola_is_what_it_is_by_hand(second_order):
    theta = {"x": torch.tensor(2.0, requires_grad=True)}
    adapted = adapt(theta, lambda p: 1.5 * p["x"] ** 2, steps=3, lr=0.1, second_order=second_order)["x"]
    assert adapted.item() == pytest.approx(2 * 0.7**3)
    (slope,) = torch.autograd.grad(adapted, theta["x"])
    assert slope.item() == pytest.approx(0.7**3 if second_order else 1.0)


@pytest.mark.parametrize("second_order", [True, False])
def test_adapted_weights_and_meta_gradient_are_those_of_a_loop_of_autograd(episode, second_order):
    net, count = episode.net, len(episode.support)

    def loss(params):
        found = network.linear(params, network.features(net, params, episode.support, count))
        return cross_entropy(found, episode.labels)

    def outcome(inner):
        params = network.start(dict(net.named_parameters()), 3)
        adapted = inner(params, loss, steps=3, lr=0.1, second_order=second_order)
        value = cross_entropy(scores.answer(net, adapted, episode.support, episode.query), episode.wanted)
        return adapted, meta_gradient(net, value)

    fast, reference = outcome(adapt), outcome(slow)
    assert_equal(fast[0], reference[0], 1e-6)
    assert_equal(fast[1], reference[1], 1e-6)
    assert max(float(g.abs().max()) for g in fast[1].values()) > 1e-3


def test_second_order_and_first_order_differ(episode):
    def gradient(second_order):
        rule = Rule(3, 0.1, second_order=second_order)
        found = scores.by_torch(episode.net, episode.support[None], episode.labels, episode.query[None], rule)
        return meta_gradient(episode.net, cross_entropy(found[0], episode.wanted))

    a, b = gradient(True), gradient(False)
    assert any(not torch.allclose(a[name], b[name], rtol=1e-2) for name in a)


@pytest.mark.parametrize("rule", RULES)
def test_a_meta_batch_is_its_episodes_one_by_one(episode, rule):
    net = episode.net
    supports = torch.stack([episode.support, episode.support.flip(0), episode.support**2])
    queries = torch.stack([episode.query, episode.query**2, episode.query.flip(0)])
    found = scores.by_torch(net, supports, episode.labels, queries, rule)
    params = dict(net.named_parameters())
    alone = torch.stack([
        scores.answer(net, scores.learn(net, params, s, episode.labels, rule), s, q)
        for s, q in zip(supports, queries, strict=True)
    ])  # fmt: skip
    assert found.shape == (3, 4, 3) and torch.allclose(found, alone, atol=1e-9)
    assert_equal(meta_gradient(net, found.square().sum()), meta_gradient(net, alone.square().sum()), 1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_learn2learn_gives_the_same_scores_and_the_same_meta_gradient(l2l, episode, rule):
    def outcome(backend):
        found = backend(episode.net, episode.support[None], episode.labels, episode.query[None], rule)[0]
        return found, meta_gradient(episode.net, cross_entropy(found, episode.wanted))

    ours, theirs = outcome(scores.by_torch), outcome(learner.by_learn2learn)
    assert torch.allclose(ours[0], theirs[0], atol=1e-5)
    assert_equal(ours[1], theirs[1], 1e-5)


@pytest.mark.parametrize("second_order", [True, False])
def test_learn2learn_s_own_adapt_gives_the_same_weights_on_a_network_of_its_own(l2l, second_order):
    random = torch.Generator().manual_seed(0)
    model = torch.nn.Linear(5, 3).double()
    x, y = torch.randn(6, 5, generator=random, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2])
    z = torch.randn(4, 5, generator=random, dtype=torch.float64)
    clone = l2l.algorithms.MAML(model, lr=0.3, first_order=not second_order).clone()
    for _ in range(4):
        clone.adapt(cross_entropy(clone(x), y))
    theirs = dict(clone.module.named_parameters())
    ours = adapt(
        dict(model.named_parameters()),
        lambda p: cross_entropy(linear(x, p["weight"], p["bias"]), y),
        steps=4, lr=0.3, second_order=second_order,
    )  # fmt: skip
    assert_equal(ours, theirs, 1e-5)
    values = [linear(z, p["weight"], p["bias"]).square().sum() for p in (ours, theirs)]
    assert_equal(meta_gradient(model, values[0]), meta_gradient(model, values[1]), 1e-5)


def test_anil_moves_the_head_alone(episode):
    params = dict(episode.net.named_parameters())
    moved = scores.learn(episode.net, params, episode.support, episode.labels, Rule(2, 0.1, whole=False))
    for name, value in params.items():
        assert torch.equal(moved[name], value) == name.startswith("body.")


def test_norms_use_the_statistics_of_the_support_alone(episode):
    x = torch.randn(10, 4, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    norm = torch.nn.BatchNorm2d(4).double().train()
    weight, bias = torch.linspace(0.5, 2, 4).double(), torch.linspace(-1, 1, 4).double()
    ours = network.by_support(x, 6, weight, bias, norm.eps)
    assert torch.allclose(ours[:6], norm(x[:6]) * weight[:, None, None] + bias[:, None, None])
    fewer = network.by_support(torch.cat([x[:6], x[8:9]]), 6, weight, bias, norm.eps)
    assert torch.allclose(fewer[6], ours[8])
    assert not [b for b in episode.net.buffers() if b.numel() > 0]


def tasks_of(table, support, query):
    return ImageTasks(table, Tasks(np.asarray(support), np.asarray(query)), "cpu")


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(0).integers(0, 256, (30, 3, 16, 16), dtype=np.uint8)


SUPPORT = [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
QUERY = [[12, 13, 14, 15, 16], [17, 18, 19, 20, 21]]


@pytest.mark.parametrize("rule", RULES)
def test_a_query_alone_scores_as_in_company(table, rule):
    net = network.make(8, 16, 1, seed=0)
    whole = scores.score_tasks(net, tasks_of(table, SUPPORT, QUERY), rule, scores.by_torch)
    for q in range(5):
        alone = [[row[q]] for row in QUERY]
        found = scores.score_tasks(net, tasks_of(table, SUPPORT, alone), rule, scores.by_torch)
        assert np.allclose(found[:, 0], whole[:, q], atol=1e-5)
    assert np.ptp(whole) > 0.05


def test_other_class_order_gives_the_same_scores_in_that_order(table):
    net = network.make(8, 16, 1, seed=0)
    order = [2, 0, 1]
    rule = Rule(3, 0.1)
    whole = scores.score_tasks(net, tasks_of(table, SUPPORT, QUERY), rule, scores.by_torch)
    other = np.asarray(SUPPORT)[:, order]
    found = scores.score_tasks(net, tasks_of(table, other, QUERY), rule, scores.by_torch)
    assert np.allclose(found, whole[:, :, order], atol=1e-5)


def test_an_episode_of_fewer_classes_and_shots_scores_as_by_itself(table):
    net, rule = network.make(8, 16, 1, seed=0), Rule(2, 0.1)
    support = [SUPPORT[0], [[6, 7], [8, -1], [-1, -1]]]
    query = [QUERY[0], [17, 18, -1, -1, -1]]
    found = scores.score_tasks(net, tasks_of(table, support, query), rule, scores.by_torch)
    assert np.isneginf(found[1, :, 2]).all() and np.isfinite(found[0]).all()
    first = scores.score_tasks(net, tasks_of(table, SUPPORT[:1], QUERY[:1]), rule, scores.by_torch)
    assert np.allclose(found[0], first[0], atol=1e-5)
    x = scores.as_tensor(table[[6, 7, 8]], "cpu"), scores.as_tensor(table[[17, 18]], "cpu")
    alone = scores.by_torch(net, x[0][None], torch.tensor([0, 0, 1]), x[1][None], rule)[0]
    assert np.allclose(found[1, :2, :2], alone.detach().numpy(), atol=1e-5)


def test_pieces_change_nothing(table, monkeypatch):
    net, rule = network.make(8, 16, 1, seed=0), Rule(2, 0.1)
    whole = scores.score_tasks(net, tasks_of(table, SUPPORT, QUERY), rule, scores.by_torch)
    monkeypatch.setattr(scores, "PIXELS", 2 * 16 * 16)
    found = scores.score_tasks(net, tasks_of(table, SUPPORT, QUERY), rule, scores.by_torch)
    assert np.allclose(whole, found, atol=1e-5)


def test_a_head_of_its_own_rows_takes_that_many_classes_and_says_so(table):
    net, rule = network.make(8, 16, 5, seed=0), Rule(2, 0.1)
    with pytest.raises(UsageError, match="row for each of 5 classes and an episode has 3; .*head=shared"):
        scores.score_tasks(net, tasks_of(table, SUPPORT, QUERY), rule, scores.by_torch)


def test_initial_weights_are_a_function_of_the_seed():
    first, again, other = (network.make(8, 16, 1, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
