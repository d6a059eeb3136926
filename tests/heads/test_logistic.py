"""Logistic regression against scikit-learn at a tiny tolerance, and against its objective in D dimensions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression as ScikitLearn

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads import gather, logistic
from fewshot_bench.heads.axes import principal_axes
from fewshot_bench.heads.logistic import LogisticRegression, balance
from fewshot_bench.heads.newton import minimise

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of unique classes"),
    pytest.mark.filterwarnings("ignore:(The l|L)ine (s|S)earch.*"),
]


def embeddings(rng, ways, images, width, scale, centres=1.0):
    """Non-negative, with class structure and channels of unequal size; class-major [ways · images, width]."""
    x = centres * rng.normal(size=(ways, 1, width)) + rng.normal(size=(ways, images, width))
    return (
        (scale * np.maximum(x * np.exp(0.5 * rng.normal(size=width)), 0))
        .reshape(-1, width)
        .astype(np.float32)
    )


def one_table(ways, shots, queries, episodes):
    """Tasks whose episodes lie one after the other in a class-major table each."""
    rows = np.arange(episodes * ways * (shots + queries)).reshape(episodes, ways, shots + queries)
    return Tasks(rows[..., :shots].copy(), rows[..., shots:].reshape(episodes, -1).copy())


def scikit_learn(x, tasks, e, c=1.0):
    """Probabilities of episode e, classes absent from it left out.

    By Newton's method: lbfgs leaves probabilities off by up to 0.05 where embeddings are large.
    """
    support = tasks.support[e]
    present = support >= 0
    labels = np.nonzero(present)[0]
    model = ScikitLearn(C=c, tol=1e-9, max_iter=1000, solver="newton-cg", class_weight="balanced")
    model.fit(x[support[present]].astype(np.float64), labels)
    return model.predict_proba(x[tasks.query[e][tasks.query[e] >= 0]].astype(np.float64))


def compare(x, tasks, c=1.0):
    """Probabilities within 1e-3 of scikit-learn's; returns (equal predictions, predictions)."""
    scores, report = LogisticRegression(C=c).scores(torch.from_numpy(x), tasks)
    assert not report["not_converged"].any()
    equal = total = 0
    for e in range(len(tasks)):
        wanted = scikit_learn(x, tasks, e, c)
        found = scores[e].numpy()[tasks.query[e] >= 0][:, (tasks.support[e] >= 0).any(1)]
        np.testing.assert_allclose(found, wanted, atol=1e-3)
        equal += int((found.argmax(1) == wanted.argmax(1)).sum())
        total += len(found)
    return equal, total


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ways", "shots", "width", "scale"),
    [
        (20, 1, 1280, 0.5),
        (5, 5, 1280, 1.0),
        (10, 10, 64, 1.0),
        (50, 2, 20, 0.3),
        (2, 5, 30, 1.0),
        (5, 1, 8, 30.0),
    ],
)
def test_probabilities_and_predictions_equal_scikit_learn(route, ways, shots, width, scale):
    episodes, queries = 3, 10
    tasks = one_table(ways, shots, queries, episodes)
    rng = np.random.default_rng(5)
    x = np.concatenate([embeddings(rng, ways, shots + queries, width, scale) for _ in range(episodes)])
    equal, total = compare(x, tasks)
    assert equal >= 0.998 * total


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    ways=st.integers(2, 12),
    shots=st.integers(1, 8),
    width=st.sampled_from([3, 17, 128, 1280]),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    c=st.sampled_from([0.1, 1.0, 10.0]),
    duplicates=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_episode_equals_scikit_learn(ways, shots, width, scale, c, duplicates, seed):
    rng = np.random.default_rng(seed)
    tasks = one_table(ways, shots, 4, 1)
    x = embeddings(rng, ways, shots + 4, width, scale)
    for _ in range(duplicates):
        x[rng.choice(tasks.support.ravel())] = x[rng.choice(tasks.support.ravel())]
    compare(x, tasks, c)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("ways", "shots", "width"), [(5, 1, 40), (6, 5, 40), (4, 20, 7), (2, 3, 40), (3, 2, 40)]
)
def test_the_gradient_of_the_objective_vanishes_in_the_embedding_space(
    make_tasks, monkeypatch, ways, shots, width, normalize
):
    monkeypatch.setattr(gather, "gram_is_cheaper", lambda tasks, rows: False)
    x = np.random.default_rng(1).normal(size=(200, width)) + 3
    if ways * shots > 12:
        x[1::2] = x[::2]
    tasks = make_tasks(200, 3, ways, shots, 1)
    inner = gather.inner_products(torch.from_numpy(x), tasks, normalize=normalize)
    if normalize:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    head = LogisticRegression(C=2.0, tol=1e-9)
    rows = torch.tensor(tasks.support)
    support = principal_axes(inner, rows.flatten(1))
    solution = minimise(head._problem(support, rows), 100)
    for e in range(3):
        z = x[tasks.support[e].ravel()]
        y = np.eye(ways).repeat(shots, 0)
        w = (z - z.mean(0)).T @ solution.residual[e].numpy()
        logits = (z - z.mean(0)) @ w + solution.intercept[e].numpy()
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        c = 2.0 / (2 if ways == 2 else 1)
        assert np.abs(c * z.T @ (p - y) + w).max() < 1e-7
        assert np.abs(c * (p - y).sum(0)).max() < 1e-7
        found = support.evaluate(solution.residual, torch.tensor(tasks.query))[e, :, 0]
        np.testing.assert_allclose(found, (x[tasks.query[e, 0]] - z.mean(0)) @ w, atol=1e-8)


def test_ragged_episodes_equal_scikit_learn_and_padding_changes_nothing(route, pad):
    tasks = one_table(5, 4, 6, 4)
    x = np.concatenate([embeddings(np.random.default_rng(s), 5, 10, 60, 0.5) for s in range(4)])
    tasks.support[0, 2:] = -1
    tasks.support[1, :, 1:] = -1
    tasks.support[2, 1, 2:] = -1
    tasks.support[2, 4] = -1
    tasks.query[3, 20:] = -1
    equal, total = compare(x, tasks)
    assert equal == total
    plain = LogisticRegression().scores(torch.from_numpy(x), tasks)[0]
    padded = LogisticRegression().scores(torch.from_numpy(x), pad(tasks, 2, 1, 3))[0]
    np.testing.assert_allclose(padded[:, :30, :5], plain, atol=1e-5)
    assert (padded[:, :, 5:] == -np.inf).all()


@pytest.mark.parametrize("c", [0.1, 1.0, 30.0])
def test_classes_count_alike_however_many_images_each_has(route, c):
    shots = (1, 2, 5, 9, 40)
    rng = np.random.default_rng(3)
    tasks = one_table(len(shots), max(shots), 8, 2)
    for place, count in enumerate(shots):
        tasks.support[:, place, count:] = -1
    x = np.concatenate([embeddings(rng, len(shots), max(shots) + 8, 40, 0.5) for _ in range(2)])
    compare(x, tasks, c)


def test_the_weights_of_a_class_add_up_alike_and_are_one_where_shots_are_equal(make_tasks):
    rows = torch.tensor([[[0, 1, 2], [3, -1, -1], [-1, -1, -1]], [[0, 1, 2], [3, 4, 5], [6, 7, 8]]])
    assert balance(rows).tolist() == [[4 / 6, 2.0, 1.0], [1.0, 1.0, 1.0]]
    for ways, shots in ((3, 1), (7, 3), (49, 11)):
        equal = torch.tensor(make_tasks(1000, 4, ways, shots, 1).support)
        assert torch.equal(balance(equal), torch.ones(4, ways, dtype=torch.float64))


@pytest.mark.parametrize(("width", "normalize"), [(60, True), (60, False), (4, True), (4, False)])
def test_a_fitted_regression_gives_the_probabilities_of_the_scores(width, normalize):
    tasks = one_table(5, 4, 6, 1)
    tasks.support[0, 1, 1:] = -1
    x = torch.from_numpy(embeddings(np.random.default_rng(2), 5, 10, width, 0.5))
    head = LogisticRegression(C=10, normalize=normalize, tol=1e-6)
    found = head.fitted(x, tasks.support[0])(x[tasks.query[0]])
    np.testing.assert_allclose(found, head.scores(x, tasks)[0][0], atol=1e-5)
    tasks.support[0, 2] = -1
    with pytest.raises(FsbenchError, match="needs a support image"):
        head.fitted(x, tasks.support[0])


def test_scores_are_the_same_bytes_each_time_and_for_any_number_of_episodes(route, make_tasks):
    x = torch.from_numpy(embeddings(np.random.default_rng(0), 25, 20, 64, 0.5))
    tasks = make_tasks(500, 60, 6, 2, 20)
    whole, report = LogisticRegression().scores(x, tasks)
    again, same = LogisticRegression().scores(x, tasks)
    assert torch.equal(whole, again) and all(np.array_equal(report[key], same[key]) for key in report)
    assert torch.equal(whole[:7], LogisticRegression().scores(x, tasks[:7])[0])


@pytest.mark.slow
def test_blocks_of_another_size_move_scores_by_rounding_only(route, with_memory, make_tasks):
    x = torch.from_numpy(embeddings(np.random.default_rng(0), 25, 20, 64, 0.5))
    tasks = make_tasks(500, 60, 6, 2, 20)
    whole = LogisticRegression().scores(x, tasks)[0]
    with_memory(5_000)
    np.testing.assert_allclose(LogisticRegression().scores(x, tasks)[0], whole, atol=1e-4)


def test_classes_in_another_order_give_the_probabilities_in_that_order(route, make_tasks):
    x = torch.from_numpy(embeddings(np.random.default_rng(0), 25, 20, 64, 0.5))
    tasks = make_tasks(500, 5, 6, 2, 20)
    order = np.random.default_rng(1).permutation(6)
    plain = LogisticRegression(tol=1e-8).scores(x, tasks)[0]
    turned = LogisticRegression(tol=1e-8).scores(x, Tasks(tasks.support[:, order], tasks.query))[0]
    np.testing.assert_allclose(turned, plain[..., order], atol=1e-5)


def test_normalising_is_logistic_regression_on_unit_vectors(route, make_tasks):
    x = embeddings(np.random.default_rng(0), 25, 20, 64, 0.5)
    tasks = make_tasks(500, 5, 6, 2, 20)
    found = LogisticRegression(C=30, normalize=True).scores(torch.from_numpy(x), tasks)[0]
    unit = torch.from_numpy(x / np.linalg.norm(x, axis=1, keepdims=True))
    np.testing.assert_allclose(found, LogisticRegression(C=30).scores(unit, tasks)[0], atol=1e-3)


def test_a_far_origin_changes_nothing(route, make_tasks):
    x = embeddings(np.random.default_rng(0), 25, 20, 64, 0.5).astype(np.float64)
    tasks = make_tasks(500, 5, 6, 2, 20)
    near = LogisticRegression().scores(torch.from_numpy(x), tasks)[0]
    far = LogisticRegression().scores(torch.from_numpy((x + 50).astype(np.float32)), tasks)[0]
    np.testing.assert_allclose(far, near, atol=1e-3)


def test_one_class_is_certain_and_identical_embeddings_are_undecided(route):
    tasks = one_table(3, 2, 1, 2)
    tasks.support[0, 1:] = -1
    scores = LogisticRegression().scores(torch.ones(18, 4), tasks)[0]
    np.testing.assert_allclose(scores[0, :, 0], 1)
    np.testing.assert_allclose(scores[1], 1 / 3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("c", [1e-3, 1e3])
@pytest.mark.parametrize("width", [3, 300])
@pytest.mark.parametrize("duplicates", [False, True])
def test_newton_converges_where_probabilities_saturate(make_tasks, scale, c, width, duplicates):
    x = torch.from_numpy(embeddings(np.random.default_rng(0), 10, 20, width, scale))
    if duplicates:
        x[:40] = x[0]
    scores, report = LogisticRegression(C=c).scores(x, make_tasks(200, 8, 5, 2, 10))
    assert not report["not_converged"].any()
    assert scores.isfinite().all()
    np.testing.assert_allclose(scores.sum(2), 1, rtol=1e-5)


def test_episodes_stopped_short_are_counted(make_tasks):
    x = torch.from_numpy(embeddings(np.random.default_rng(0), 25, 20, 64, 0.5))
    report = LogisticRegression(max_iter=1).scores(x, make_tasks(500, 5, 6, 2, 20))[1]
    assert report["not_converged"].sum() == 5
    assert report["iterations"].max() == 1
    assert report["gradient_norm"].max() > LogisticRegression.tol


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"C": 0.0}, "C above 0, not 0.0"),
        ({"tol": -1.0}, "tol above 0"),
        ({"max_iter": 0}, "at least 1, not 0"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(UsageError, match=message):
        LogisticRegression(**setting)


def test_an_episode_that_no_memory_holds_is_a_sentence(monkeypatch):
    monkeypatch.setattr(logistic, "CELLS", 5 * 5 * 2)
    table = torch.from_numpy(np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    head = LogisticRegression()
    fits = Tasks(np.arange(10).reshape(1, 5, 2), np.array([[20]]))
    assert head.scores(table, fits)[0].shape == (1, 1, 5)
    large = np.arange(12).reshape(6, 2)
    for call in (
        lambda: head.fitted(table, large),
        lambda: head.scores(table, Tasks(large[None], np.array([[20]]))),
    ):
        with pytest.raises(FsbenchError, match="does not take 6 classes of up to 2 support images at once"):
            call()
