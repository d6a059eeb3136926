"""GDA, ridge, kernel cache, α-TIM, PADDLE, transductive fine-tuning: equations, other libraries, properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fsbench_heads.alpha_tim import AlphaInformation
from fsbench_heads.gda import SupportDiscriminant, whitening, within
from fsbench_heads.kernel_cache import KernelCache
from fsbench_heads.paddle import Partition
from fsbench_heads.ridge import Ridge
from fsbench_heads.tim import InformationMaximization
from fsbench_heads.transductive_finetune import TransductiveSteps
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.api import Prototype, Tasks, import_torchvision

HEADS = [
    SupportDiscriminant(0.3), Ridge(0.7), KernelCache(), Partition(penalty=1.0), TransductiveSteps(rate=1e-3),
    AlphaInformation(steps=20, rate=1e-3, alpha=3.0, conditional=1.0),
    TransductiveSteps(rate=1e-3, distance="cosine", temperature=5.0),
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


def class_means(x, y):
    return np.stack([x[y == n].mean(0) for n in range(y.max() + 1)])


def discriminant(x, y, q):
    """``w_n·q + b_n`` by an inverse in all dimensions, in the head's scale."""
    c = class_means(x, y)
    apart = x - c[y]
    spread = apart.T @ apart / len(x)
    level = 0.3 * np.trace(spread) / len(spread)
    if level < 1e-9:
        return q @ c.T - 0.5 * (c**2).sum(1)
    inverse = level * np.linalg.inv(0.7 * spread + level * np.eye(len(spread)))
    return q @ inverse @ c.T - 0.5 * np.einsum("nd,de,ne->n", c, inverse, c)


def ridge(x, y, q):
    """Weighted normal equations in all dimensions."""
    x, q, hot = unit(x), unit(q), np.eye(y.max() + 1)[y]
    weight = len(y) / (hot.shape[1] * hot.sum(0))[y]
    inner = x.T @ (weight[:, None] * x) + 0.7 * np.eye(x.shape[1])
    return q @ np.linalg.solve(inner, x.T @ (weight[:, None] * hot))


def cache(x, y, q):
    x, q = unit(x), unit(q)
    return np.log(
        [[np.mean([np.exp(-5.5 * (1 - z @ v)) for v in x[y == n]]) for n in range(y.max() + 1)] for z in q]
    )


def partition(x, y, q):
    x, q, hot = unit(x), unit(q), np.eye(y.max() + 1)[y]
    c, share = class_means(x, y), None
    for r in range(21):
        u = np.stack([[-5 * ((z - w) ** 2).sum() for w in c] for z in q])
        u = u if share is None else u + np.log(share)
        u = np.exp(u) / np.exp(u).sum(1, keepdims=True)
        if r < 20:
            c, share = (hot.T @ x + u.T @ q) / (hot.sum(0) + u.sum(0))[:, None], u.mean(0)
    return np.log(u)


def by_autograd(x, y, q, logits, loss, steps):
    x, q, y = (torch.from_numpy(a) for a in (unit(x), unit(q), y))
    weight = torch.stack([x[y == n].mean(0) for n in range(int(y.max()) + 1)]).requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=1e-3)
    for _ in range(steps):
        value = torch.nn.functional.cross_entropy(logits(x, weight), y) + loss(logits(q, weight).softmax(1))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return logits(q, weight).detach().numpy()


def cosine(factor):
    return lambda z, w: factor * z @ torch.nn.functional.normalize(w, dim=1).T


def entropy(p):
    return -(p * (p + 1e-12).log()).sum(1).mean()


def tsallis(p):
    return (1 - (p**3).sum(-1)).mean() / 2


def alpha(x, y, q):
    return by_autograd(x, y, q, cosine(10), lambda p: tsallis(p) - tsallis(p.mean(0)), 20)


def finetuned(x, y, q):
    return by_autograd(x, y, q, lambda z, w: -torch.cdist(z, w), entropy, 25)


def finetuned_by_cosine(x, y, q):
    return by_autograd(x, y, q, cosine(5), entropy, 25)


SLOW = [discriminant, ridge, cache, partition, finetuned, alpha, finetuned_by_cosine]


@pytest.mark.parametrize(("head", "slow"), list(zip(HEADS, SLOW, strict=True)))
@pytest.mark.parametrize(("shots", "ragged"), [(1, False), (3, True)])
def test_scores_are_those_of_the_equations(head, slow, shots, ragged):
    table, tasks = made(shots, ragged=ragged)
    scores = head.scores(table, tasks)[0].numpy()
    for e, (x, y, q) in enumerate(tasks.each(table)):
        found = scores[e, tasks.query[e] >= 0]
        expected = slow(x.double().numpy(), y.numpy(), q.double().numpy())
        ways = expected.shape[1]
        assert np.all(found[:, ways:] == -np.inf)
        assert np.abs(found[:, :ways] - expected).max() < 2e-3


@pytest.mark.parametrize("head", HEADS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), shots=st.integers(1, 4))
def test_order_moves_scores_along_and_padding_and_episodes_beside_change_nothing(head, seed, shots):
    table, tasks = made(shots, episodes=3, seed=seed)
    scores = head.scores(table, tasks)[0]
    rng = np.random.default_rng(seed)
    n, k, q = (rng.permutation(size) for size in (tasks.ways, tasks.shots, tasks.query.shape[1]))
    moved = head.scores(table, Tasks(tasks.support[:, n][:, :, k], tasks.query[:, q]))[0]
    assert torch.allclose(moved, scores[:, q][:, :, n], atol=2e-3)
    wide = np.pad(tasks.support, ((0, 0), (0, 1), (0, 1)), constant_values=-1)
    padded = head.scores(table, Tasks(wide, np.pad(tasks.query, ((0, 0), (0, 2)), constant_values=-1)))[0]
    assert torch.allclose(padded[:, :-2, :-1], scores, atol=2e-3)
    assert bool((padded[:, :-2, -1] == -torch.inf).all())
    assert torch.allclose(head.scores(table, tasks[1:2])[0], scores[1:2], atol=2e-3)


@pytest.mark.parametrize("head", [SupportDiscriminant(0.3), Ridge(), KernelCache()])
def test_an_inductive_head_scores_a_query_alone_as_among_others(head):
    table, tasks = made(3, ragged=True)
    alone = head.scores(table, Tasks(tasks.support, tasks.query[:, :1]))[0]
    assert torch.allclose(alone, head.scores(table, tasks)[0][:, :1], atol=1e-5)


def by_sklearn(estimator, table, tasks):
    found = []
    for x, y, q in tasks.each(table):
        found.append(estimator.fit(x.double().numpy(), y.numpy()).predict(q.double().numpy()))
    return np.concatenate(found)


def flat(head, table, tasks):
    return head.scores(table, tasks)[0].argmax(2).numpy()[tasks.query >= 0]


def test_predictions_are_those_of_sklearn_s_discriminant_and_ridge():
    analysis = pytest.importorskip("sklearn.discriminant_analysis").LinearDiscriminantAnalysis
    classifier = pytest.importorskip("sklearn.linear_model").RidgeClassifier
    table, tasks = made(4, episodes=20, queries=15)
    theirs = by_sklearn(analysis(solver="lsqr", shrinkage=0.3), table, tasks)
    assert (flat(SupportDiscriminant(0.3), table, tasks) == theirs).mean() >= 0.998
    table, tasks = made(3, episodes=20, queries=15, ragged=True)
    table = torch.nn.functional.normalize(table, dim=1)
    theirs = by_sklearn(classifier(alpha=0.5, fit_intercept=False, class_weight="balanced"), table, tasks)
    assert (flat(Ridge(0.5), table, tasks) == theirs).mean() >= 0.998


def test_whitened_by_the_base_covariance_the_nearest_mean_is_the_discriminant():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 24)).astype(np.float32) @ rng.normal(size=(24, 24)).astype(np.float32)
    labels = rng.integers(0, 7, 300).astype(np.int32)
    spread = within(vectors, labels)
    slow = sum(np.cov(vectors[labels == n].T, bias=True) * (labels == n).mean() for n in range(7))
    assert np.allclose(spread, slow, rtol=1e-4, atol=1e-4)
    sigma = 0.8 * spread + 0.2 * np.trace(spread) / 24 * np.eye(24)
    matrix = whitening(spread, 0.2)
    assert np.allclose(matrix @ sigma @ matrix.T, np.eye(24), atol=1e-3)
    table, tasks = made(3)
    scores = Prototype("euclidean").scores(table @ torch.from_numpy(matrix).T, tasks)[0].numpy()
    for e, (x, y, q) in enumerate(tasks.each(table.double().numpy())):
        w = np.linalg.solve(sigma, class_means(x, y).T)
        line = q @ w - 0.5 * (class_means(x, y).T * w).sum(0)
        assert (line.argmax(1) == scores[e].argmax(1)).all()


@pytest.mark.parametrize("shots", [1, 5])
def test_transductive_fine_tuning_predicts_as_easyfsl_s(shots):
    import_torchvision()
    peer = pytest.importorskip("easyfsl.methods").TransductiveFinetuning()
    table, tasks = made(shots, episodes=20, queries=15, width=640)
    labels, found = torch.arange(tasks.ways).repeat_interleave(shots), []
    for support, query in zip(tasks.support, tasks.query, strict=True):
        peer.process_support_set(table[support.ravel()], labels)
        found.append(peer(table[query]))
    mine = TransductiveSteps(normalize=False).scores(table, tasks)[0]
    assert float((mine.argmax(2) == torch.stack(found).argmax(2)).double().mean()) >= 0.998


def test_alpha_1_is_tim_and_its_neighbour_is_near():
    table, tasks = made(2)
    tim = InformationMaximization(steps=10, rate=1e-3, conditional=0.5).scores(table, tasks)[0]
    same, near = (
        AlphaInformation(steps=10, rate=1e-3, conditional=0.5, alpha=a).scores(table, tasks)[0]
        for a in (1.0, 1.001)
    )
    assert torch.equal(tim, same)
    assert torch.allclose(tim, near, atol=1e-2)


def test_paddle_leaves_classes_without_queries_empty_where_k_means_does_not():
    table, tasks = made(1, episodes=20, queries=15)
    own = tasks.query // 40 == tasks.support[:, :1, 0] // 40
    few = Tasks(tasks.support, tasks.query[own].reshape(20, 15))
    share = [(Partition(penalty=p).scores(table, few)[0].argmax(2) == 0).double().mean() for p in (0.0, 1.0)]
    assert share[1] > share[0]


def test_a_mean_of_votes_does_not_favour_the_class_with_more_references():
    table = torch.eye(3)
    table[2] = (table[0] + table[1]) / 2
    scores = KernelCache().scores(table, Tasks(np.array([[[0, 0, 0], [1, -1, -1]]]), np.array([[2]])))[0]
    assert torch.allclose(scores[0, 0, 0], scores[0, 0, 1])
