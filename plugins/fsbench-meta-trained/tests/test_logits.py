"""Each method's scores by the equations of its paper, episode after episode and picture after picture."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fsbench_meta_trained.baseline_plus import CosineClassifier  # noqa: E402
from fsbench_meta_trained.deepemd import DeepEmd, DeepEmdConfig  # noqa: E402
from fsbench_meta_trained.embedded import EmbeddedHead  # noqa: E402
from fsbench_meta_trained.feat import Feat, FeatConfig  # noqa: E402
from fsbench_meta_trained.frn import Frn, FrnConfig  # noqa: E402
from fsbench_meta_trained.matchingnet import MatchingConfig, MatchingNet  # noqa: E402
from fsbench_meta_trained.meta_baseline import MetaBaseline, MetaBaselineConfig  # noqa: E402
from fsbench_meta_trained.metaoptnet import MetaOptNet, MetaOptNetConfig, project  # noqa: E402
from fsbench_meta_trained.r2d2 import R2D2, R2D2Config  # noqa: E402
from fsbench_meta_trained.relationnet import RelationConfig, RelationNet  # noqa: E402

from fewshot_bench.api import Tasks, seeded  # noqa: E402

CHANNELS, SIDE = 4, 3
WIDTH = CHANNELS * SIDE * SIDE


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Sixty embeddings of four classes, all values positive as after a ReLU."""
    rng = np.random.default_rng(0)
    centres = rng.random((4, WIDTH))
    return np.abs(centres[np.arange(60) % 4] + 0.4 * rng.normal(size=(60, WIDTH))).astype(np.float32)


def ragged() -> Tasks:
    """Three episodes: four classes of three pictures; unequal classes; three classes with fewer queries."""
    support = np.arange(36).reshape(3, 4, 3)
    support[1, 1, 1:] = -1
    support[1, 2, 2:] = -1
    support[2, 3] = -1
    query = np.arange(36, 60).reshape(3, 8)
    query[2, 5:] = -1
    return Tasks(support, query)


def trained(kind, config):
    """A method with the learnt head that it begins with, away from its neutral values."""
    method = kind(config)
    method._start = SimpleNamespace(map_shape=(CHANNELS, SIDE, SIDE))
    if kind.learnt_head is not kind.__mro__[2].learnt_head:
        method.learnt = seeded(lambda: method.learnt_head(WIDTH), 0).eval()
    return method


def scores(method, table):
    return EmbeddedHead(lambda episodes: method.logits(episodes, method.learnt))


def compare(method, table, one, tolerance=1e-4):
    """``one(support of each class as a list, query)`` -> the scores of a query, in float64."""
    tasks = ragged()
    found, _ = scores(method, table).scores(torch.from_numpy(table), tasks)
    found = found.numpy()
    exact = table.astype(np.float64)
    for e in range(len(tasks)):
        classes = [exact[rows[rows >= 0]] for rows in tasks.support[e] if (rows >= 0).any()]
        for q, row in enumerate(tasks.query[e]):
            if row >= 0:
                expected = one(classes, exact[row])
                assert found[e, q, : len(classes)] == pytest.approx(expected, abs=tolerance, rel=tolerance)
        assert (found[e, :, len(classes) :] == -np.inf).all()


def cosine(a, b):
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def cells(x):
    return x.reshape(CHANNELS, SIDE * SIDE).T


def test_meta_baseline_is_the_cosine_to_class_means(table):
    compare(
        trained(MetaBaseline, MetaBaselineConfig(scale=7.0)),
        table,
        lambda classes, q: [7 * cosine(q, members.mean(0)) for members in classes],
    )


def test_matchingnet_sums_the_attention_of_each_class(table):
    def one(classes, q):
        attention = [[math.exp(5 * cosine(q, x)) for x in members] for members in classes]
        total = sum(map(sum, attention))
        return [math.log(sum(own) / total) for own in attention]

    compare(trained(MatchingNet, MatchingConfig(scale=5.0)), table, one)


def test_matchingnet_reads_the_support_by_an_lstm_with_attention(table):
    method = trained(MatchingNet, MatchingConfig(scale=5.0, context=2))
    w = {name: value.detach().double().numpy() for name, value in method.learnt.named_parameters()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def read(q, support):
        h = c = r = np.zeros(WIDTH)
        for _ in range(2):
            gates = w["weight_ih"] @ q + w["bias_ih"] + w["weight_hh"] @ (h + r) + w["bias_hh"]
            i, f, g, o = np.split(gates, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c) + q
            a = np.exp(support @ h - (support @ h).max())
            r = (a / a.sum()) @ support
        return h

    def one(classes, q):
        q = read(q, np.concatenate(classes))
        attention = [[math.exp(5 * cosine(q, x)) for x in members] for members in classes]
        total = sum(map(sum, attention))
        return [math.log(sum(own) / total) for own in attention]

    compare(method, table, one)


def test_relationnet_asks_its_module_about_each_pair(table):
    method = trained(RelationNet, RelationConfig())

    def one(classes, q):
        pairs = [np.concatenate([c.mean(0), q]).reshape(1, 2 * CHANNELS, SIDE, SIDE) for c in classes]
        with torch.no_grad():
            return [float(method.learnt(torch.from_numpy(pair).float())) for pair in pairs]

    compare(method, table, one)


def test_r2d2_is_scikit_learn_s_ridge_regression(table):
    from sklearn.linear_model import Ridge

    method = trained(R2D2, R2D2Config(penalty=2.0, scale=3.0))
    with torch.no_grad():
        method.learnt["bias"].fill_(0.5)
        method.learnt["log_penalty"].fill_(0.3)

    def one(classes, q):
        labels = np.repeat(np.arange(len(classes)), [len(c) for c in classes])
        ridge = Ridge(2.0 * math.exp(0.3), fit_intercept=False)
        ridge.fit(np.concatenate(classes), np.eye(len(classes))[labels])
        return 3 * ridge.predict(q[None])[0] + 0.5

    compare(method, table, one)


@pytest.mark.parametrize("C", [0.01, 0.1, 1.0])
def test_metaoptnet_is_the_machine_of_liblinear(table, C):
    from sklearn.svm import LinearSVC

    method = trained(MetaOptNet, MetaOptNetConfig(C=C, scale=1.0, solver_steps=2000))
    scale = math.sqrt(WIDTH)

    def one(classes, q):
        labels = np.repeat(np.arange(len(classes)), [len(c) for c in classes])
        machine = LinearSVC(
            multi_class="crammer_singer", C=C, fit_intercept=False, tol=1e-8, max_iter=200_000, random_state=0
        )
        machine.fit(np.concatenate(classes) / scale, labels)
        return machine.decision_function(q[None] / scale)[0]

    compare(method, table, one, tolerance=1e-3)


def test_metaoptnet_s_default_steps_are_enough(table):
    """The predictions of the default steps are those of twenty times as many."""
    few, many = (trained(MetaOptNet, MetaOptNetConfig(solver_steps=n)) for n in (100, 2000))
    rng = np.random.default_rng(1)
    support = rng.permuted(np.tile(np.arange(40), (50, 1)), axis=1)[:, :20]
    support = np.stack([np.sort(row)[np.argsort(np.sort(row) % 4, kind="stable")] for row in support])
    tasks = Tasks(support.reshape(50, 4, 5), np.tile(np.arange(40, 60), (50, 1)))
    a, b = (scores(m, table).scores(torch.from_numpy(table), tasks)[0].argmax(2) for m in (few, many))
    assert (a == b).float().mean() >= 0.998


def test_projection_is_the_nearest_point_of_the_feasible_set():
    rng = np.random.default_rng(0)
    point = torch.from_numpy(rng.normal(size=(2, 6, 4)))
    bound = torch.eye(4, dtype=torch.float64)[torch.arange(6) % 4].expand(2, -1, -1) * 0.7
    found = project(point, bound, torch.ones(2, 4, dtype=torch.bool), 0.7)
    assert (found <= bound + 1e-12).all() and found.sum(2).abs().max() < 1e-12
    for _ in range(200):
        other = torch.from_numpy(rng.dirichlet(np.ones(4), size=(2, 6)))
        other = bound - 0.7 * other
        assert ((other - point).square().sum(2) >= (found - point).square().sum(2) - 1e-9).all()


def test_feat_s_means_attend_to_each_other(table):
    method = trained(Feat, FeatConfig(temperature=3.0))
    w = {name: value.detach().double().numpy() for name, value in method.learnt.named_parameters()}

    def adapted(means):
        q, k, v = (
            means @ m.T + b
            for m, b in zip(
                np.split(w["attention.in_proj_weight"], 3),
                np.split(w["attention.in_proj_bias"], 3),
                strict=True,
            )
        )
        a = np.exp(q @ k.T / math.sqrt(WIDTH))
        out = (a / a.sum(1, keepdims=True)) @ v @ w["attention.out_proj.weight"].T + w[
            "attention.out_proj.bias"
        ]
        x = means + out
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        return x * w["norm.weight"] + w["norm.bias"]

    compare(
        method,
        table,
        lambda classes, q: -np.square(q - adapted(np.stack([c.mean(0) for c in classes]))).sum(1) / 3,
    )


def test_frn_rebuilds_the_query_by_the_equation_in_the_cells_of_a_class(table):
    method = trained(Frn, FrnConfig())
    values = {"alpha": 0.4, "beta": -0.2, "scale": 5.0}
    with torch.no_grad():
        for name, value in values.items():
            method.learnt[name].fill_(value)

    def one(classes, q):
        found = []
        for members in classes:
            s = np.concatenate([cells(x) for x in members]) / math.sqrt(CHANNELS)
            own = cells(q) / math.sqrt(CHANNELS)
            penalty = len(s) / CHANNELS * math.exp(0.4)
            weights = own @ s.T @ np.linalg.inv(s @ s.T + penalty * np.eye(len(s)))
            error = own - math.exp(-0.2) * weights @ s
            found.append(-5 * np.square(error).sum() / len(own))
        return found

    compare(method, table, one)


def test_deepemd_s_flow_is_that_of_a_linear_programme(table):
    from scipy.optimize import linprog

    def distance(u, v):
        similar = np.array([[cosine(a, b) for b in v] for a in u])
        a = np.maximum(u @ v.mean(0), 0) + 1e-6
        b = np.maximum(v @ u.mean(0), 0) + 1e-6
        n = len(u)
        rows = np.kron(np.eye(n), np.ones(n))
        columns = np.kron(np.ones(n), np.eye(n))
        solved = linprog(
            (1 - similar).ravel(),
            A_eq=np.concatenate([rows, columns]),
            b_eq=np.concatenate([a / a.sum(), b / b.sum()]),
        )
        return 12.5 * float((solved.x.reshape(n, n) * similar).sum())

    compare(
        trained(DeepEmd, DeepEmdConfig()),
        table,
        lambda classes, q: [distance(cells(q), cells(members.mean(0))) for members in classes],
    )


def test_baseline_plus_plus_takes_the_gradient_s_steps(table):
    """The gradient that is written out is that of automatic differentiation, with weights of unit length."""
    tasks = ragged()
    head = CosineClassifier(scale=8.0, steps=5, rate=0.2)
    found, _ = head.scores(torch.from_numpy(table), tasks)
    unit = torch.nn.functional.normalize
    for e, (support, labels, query) in enumerate(tasks.each(torch.from_numpy(table).double())):
        classes = labels.unique()
        x = unit(support, dim=1)
        weight = unit(torch.stack([x[labels == c].mean(0) for c in classes]), dim=1)
        for _ in range(5):
            weight.requires_grad_()
            loss = torch.nn.functional.cross_entropy(8 * x @ unit(weight, dim=1).T, labels, reduction="none")
            total = sum(loss[labels == c].mean() for c in classes) / len(classes)
            (gradient,) = torch.autograd.grad(total, weight)
            weight = unit(weight.detach() - 0.2 * gradient, dim=1)
        expected = 8 * unit(query, dim=1) @ weight.T
        torch.testing.assert_close(
            found[e, : len(query), : len(classes)].double(), expected, rtol=1e-4, atol=1e-4
        )
