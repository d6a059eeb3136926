"""Each head against its equations written out an episode at a time, against easyfsl, and reordered and padded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fsbench_heads.bd_cspn import Rectification
from fsbench_heads.laplacianshot import Laplacian
from fsbench_heads.pt_map import Transport
from fsbench_heads.simpleshot import NearestCentroid
from fsbench_heads.soft_kmeans import SoftMeans
from fsbench_heads.tim import InformationMaximization

from fewshot_bench.api import Tasks, import_torchvision

HEADS = [
    NearestCentroid(), Rectification(), Laplacian(), Transport(sharpness=2.0), SoftMeans(),
    InformationMaximization(steps=20, rate=1e-3),
]  # fmt: skip


def made(shots, episodes=8, ways=5, queries=6, width=24, seed=0, ragged=False):
    """Returns clustered features, not negative, and episodes; ``ragged`` takes shots and queries away."""
    rng = np.random.default_rng(seed)
    table = np.maximum(0.6 * rng.normal(size=(10, 1, width)) + rng.normal(size=(10, 40, width)), 0)
    support, query = [], []
    for _ in range(episodes):
        rows = [c * 40 + rng.permutation(40)[: shots + queries] for c in rng.choice(10, ways, replace=False)]
        support.append([r[:shots] for r in rows])
        query.append(rng.permutation(np.concatenate([r[shots:] for r in rows])))
    support, query = np.array(support), np.array(query)
    if ragged:
        support[:, 0, 1:] = -1
        support[::2, -1] = -1
        query[::2, -3:] = -1
    return torch.from_numpy(table.reshape(-1, width)).float(), Tasks(support, query)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def squares(x, c):
    return ((x[:, None] - c[None]) ** 2).sum(2)


def class_means(x, y):
    return np.stack([x[y == n].mean(0) for n in range(y.max() + 1)])


def simple(x, y, q):
    return -squares(unit(q), class_means(unit(x), y))


def rectify(x, y, q, scale=unit):
    x, q = scale(x), scale(q)
    q = q + x.mean(0) - q.mean(0)
    c = class_means(x, y)
    known, near = np.exp(unit(x) @ unit(c).T), np.exp(unit(q) @ unit(c).T)
    new = []
    for n in range(len(c)):
        rows = np.concatenate([x[y == n], q[near.argmax(1) == n]])
        weight = np.concatenate([known[y == n, n], near[near.argmax(1) == n, n]])
        new.append((weight[:, None] * rows).sum(0) / weight.sum())
    return q, np.stack(new)


def bd_cspn(x, y, q):
    q, c = rectify(x, y, q)
    return unit(q) @ unit(c).T


def laplacian(x, y, q):
    q, c = rectify(x, y, q)
    unary, between = squares(q, c), squares(q, q)
    np.fill_diagonal(between, np.inf)
    graph = np.zeros_like(between)
    for i, row in enumerate(between):
        graph[i, np.argsort(row)[:3]] = 1
    soft = softmax(-unary)
    for _ in range(20):
        soft = softmax(-unary + 0.7 * graph @ soft)
    return np.log(soft)


def kmeans(x, y, q):
    x, q = unit(x), unit(q)
    c, hot = class_means(x, y), np.eye(y.max() + 1)[y]
    z = softmax(-squares(q, c))
    c = (hot.T @ x + z.T @ q) / (hot.sum(0) + z.sum(0))[:, None]
    return -squares(q, c)


def transport(x, y, q):
    x, q = (unit((a + 1e-6) ** 0.5) for a in (x, q))
    x, q = unit(x - x.mean(0)), unit(q - q.mean(0))
    c, hot = class_means(x, y), np.eye(y.max() + 1)[y]

    def plan():
        p = np.exp(-2 * squares(q, c))
        for _ in range(500):
            p = p / p.sum(1, keepdims=True)
            p = p / p.sum(0) * len(q) / len(c)
        return p

    for _ in range(20):
        p = plan()
        c = c + 0.2 * ((hot.T @ x + p.T @ q) / (hot.sum(0) + p.sum(0))[:, None] - c)
    return np.log(plan())


def maximization(x, y, q):
    x, q, y = (torch.from_numpy(a) for a in (unit(x), unit(q), y))
    weight = torch.stack([x[y == n].mean(0) for n in range(int(y.max()) + 1)]).requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=1e-3)

    def logits(z):
        return 10 * z @ torch.nn.functional.normalize(weight, dim=1).T

    for _ in range(20):
        p = logits(q).softmax(1)
        marginal = p.mean(0)
        loss = torch.nn.functional.cross_entropy(logits(x), y) + (marginal * marginal.log()).sum()
        loss = loss - 0.1 * (p * p.log()).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return logits(q).detach().numpy()


@pytest.mark.parametrize(
    ("head", "slow"),
    list(zip(HEADS, [simple, bd_cspn, laplacian, transport, kmeans, maximization], strict=True)),
)
@pytest.mark.parametrize(("shots", "ragged"), [(1, False), (3, True)])
def test_scores_are_those_of_the_equations(head, slow, shots, ragged):
    table, tasks = made(shots, ragged=ragged)
    scores = head.scores(table, tasks)[0].numpy()
    for e, (x, y, q) in enumerate(tasks.each(table)):
        found = scores[e, tasks.query[e] >= 0]
        expected = slow(x.double().numpy(), y.numpy(), q.double().numpy())
        ways = expected.shape[1]
        assert np.all(found[:, ways:] == -np.inf)
        found = found[:, :ways]
        assert np.abs(found - expected).max() < 2e-3


@pytest.mark.parametrize("head", HEADS)
def test_order_of_classes_and_queries_moves_scores_along_and_padding_changes_nothing(head):
    table, tasks = made(2)
    scores = head.scores(table, tasks)[0]
    rng = np.random.default_rng(1)
    n, q = rng.permutation(tasks.ways), rng.permutation(tasks.query.shape[1])
    moved = head.scores(table, Tasks(tasks.support[:, n], tasks.query[:, q]))[0]
    assert torch.allclose(moved, scores[:, q][:, :, n], atol=1e-4)
    wide = np.pad(tasks.support, ((0, 0), (0, 1), (0, 1)), constant_values=-1)
    padded = head.scores(table, Tasks(wide, np.pad(tasks.query, ((0, 0), (0, 2)), constant_values=-1)))[0]
    assert torch.allclose(padded[:, :-2, :-1], scores, atol=1e-4)
    assert bool((padded[:, :-2, -1] == -torch.inf).all())


PEERS = [
    ("SimpleShot", {"feature_normalization": 2.0}, NearestCentroid()),
    ("LaplacianShot", {}, Laplacian(k=2, normalize=False)),
    ("TIM", {}, InformationMaximization(normalize=False)),
]
"""easyfsl's LaplacianShot with knn=3 takes two neighbours."""


def by_easyfsl(name, arguments, table, tasks):
    """Its predictions, one episode after the other."""
    import_torchvision()
    peer = getattr(pytest.importorskip("easyfsl.methods"), name)(**arguments)
    labels = torch.arange(tasks.ways).repeat_interleave(tasks.shots)
    found = []
    for support, query in zip(tasks.support, tasks.query, strict=True):
        peer.process_support_set(table[torch.from_numpy(support.ravel())], labels)
        found.append(peer(table[torch.from_numpy(query)]))
    return torch.stack(found)


@pytest.mark.parametrize(("name", "arguments", "head"), PEERS)
def test_predictions_are_those_of_easyfsl(name, arguments, head):
    table, tasks = made(1, episodes=20, queries=15, width=640)
    mine, theirs = head.scores(table, tasks)[0].argmax(2), by_easyfsl(name, arguments, table, tasks).argmax(2)
    assert float((mine == theirs).double().mean()) >= 0.998


@pytest.mark.parametrize("shots", [1, 5])
def test_rectified_means_are_those_of_easyfsl_which_scores_the_queries_unshifted(shots):
    """The paper compares the shifted queries with the rectified means; easyfsl's BDCSPN the queries as they were."""
    table, tasks = made(shots, episodes=20, queries=15, width=640)
    theirs = by_easyfsl("BDCSPN", {}, table, tasks).argmax(2).numpy()
    mine = Rectification(normalize=False).scores(table, tasks)[0].argmax(2).numpy()
    unshifted = []
    for x, y, q in tasks.each(table):
        moved, means = rectify(x.double().numpy(), y.numpy(), q.double().numpy(), scale=lambda a: a)
        unshifted.append((unit(q.double().numpy()) @ unit(means).T).argmax(1))
        assert ((unit(moved) @ unit(means).T).argmax(1) == mine[len(unshifted) - 1]).mean() > 0.998
    assert (np.array(unshifted) == theirs).mean() > 0.998


def test_transport_is_right_where_easyfsl_s_divides_by_zero():
    """Its PTMAP multiplies plans in floating point: on rectified features of 640 numbers all are NaN."""
    table, tasks = made(1, episodes=10, queries=15, width=640)
    truth = [[list(support[:, 0] // 40).index(q // 40) for q in query] for support, query in
             zip(tasks.support, tasks.query, strict=True)]  # fmt: skip
    theirs = by_easyfsl("PTMAP", {}, table, tasks)
    mine = Transport(rounds=10, centre=False).scores(table, tasks)[0]
    assert theirs.isnan().all() and mine.isfinite().all()
    assert float((mine.argmax(2).numpy() == np.array(truth)).mean()) > 0.95


@pytest.mark.parametrize("shots", [1, 5])
def test_transport_without_unit_length_is_easyfsl_s_where_that_is_finite(shots):
    """Its PTMAP leaves out the unit length after the power transform; done so too, all predictions are equal."""
    table, tasks = made(shots, episodes=20, queries=15, width=64)
    table = 0.05 * table
    theirs = by_easyfsl("PTMAP", {}, table, tasks)
    mine = Transport(rounds=10, centre=False, normalize=False).scores(table, tasks)[0]
    assert theirs.isfinite().all()
    assert torch.equal(mine.argmax(2), theirs.argmax(2))


def test_an_episode_does_not_depend_on_those_beside_it():
    table, tasks = made(2, episodes=6)
    together = Transport().scores(table, tasks)[0]
    alone = torch.cat([Transport().scores(table, tasks[e : e + 1])[0] for e in range(len(tasks))])
    assert torch.allclose(together, alone, atol=1e-9)
