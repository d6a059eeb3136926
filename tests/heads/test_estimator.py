"""An estimator an episode, against scikit-learn's own loop."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.estimator import EstimatorHead, class_scores
from fewshot_bench.heads.head import Head

torch = pytest.importorskip("torch")
base = pytest.importorskip("sklearn.base")
linear = pytest.importorskip("sklearn.linear_model")
neighbors = pytest.importorskip("sklearn.neighbors")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")
svm = pytest.importorskip("sklearn.svm")

TABLE = np.random.default_rng(0).normal(size=(60, 8))

KINDS = {
    "probabilities": linear.LogisticRegression(C=3.0),
    "decision values": svm.SVC(C=10, kernel="linear"),
    "one against one": svm.SVC(decision_function_shape="ovo"),
    "predictions": neighbors.NearestCentroid(),
    "pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), svm.LinearSVC(random_state=0)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ways", [2, 4])
def test_it_predicts_what_scikit_learn_predicts(make_tasks, kind, ways):
    tasks, estimator = make_tasks(60, 6, ways, 3, 10), KINDS[kind]
    head = EstimatorHead(estimator)
    scores, report = head.scores(torch.from_numpy(TABLE), tasks)
    assert isinstance(head, Head) and report == {}
    assert scores.shape == (6, 10, ways) and scores.dtype == torch.float64
    assert not hasattr(estimator, "classes_")
    labels = np.repeat(np.arange(ways), 3)
    for e in range(6):
        known = base.clone(estimator).fit(TABLE[tasks.support[e].ravel()], labels)
        query = TABLE[tasks.query[e]]
        assert scores[e].numpy().argmax(axis=1).tolist() == known.predict(query).tolist()
        if kind == "decision values" and ways > 2:  # votes decide what it predicts, sums what it prefers
            decided = np.isclose(scores[e], known.decision_function(query), atol=1e-12)
            assert decided.mean() > 0.8
        if kind == "probabilities":
            assert np.allclose(scores[e], known.predict_proba(query))


def test_padding_and_classes_without_support_have_no_score(make_tasks, pad):
    tasks = make_tasks(60, 3, 3, 2, 5)
    plain, _ = EstimatorHead(linear.LogisticRegression()).scores(torch.from_numpy(TABLE), tasks)
    padded, _ = EstimatorHead(linear.LogisticRegression()).scores(
        torch.from_numpy(TABLE), pad(tasks, 2, 1, 4)
    )
    assert torch.equal(padded[:, :5, :3], plain)
    assert bool((padded[:, :, 3:] == -float("inf")).all())
    support = tasks.support.copy()
    support[:, 1] = -1
    missing, _ = EstimatorHead(svm.SVC()).scores(torch.from_numpy(TABLE), Tasks(support, tasks.query))
    assert bool((missing[:, :, 1] == -float("inf")).all())
    assert bool(missing[:, :, [0, 2]].isfinite().all())


def test_normalized_embeddings_have_unit_length(make_tasks):
    tasks = make_tasks(60, 3, 3, 2, 5)
    scale = np.random.default_rng(1).uniform(1, 9, size=(60, 1))
    head = EstimatorHead(svm.SVC(), normalize=True)
    first, _ = head.scores(torch.from_numpy(TABLE), tasks)
    second, _ = head.scores(torch.from_numpy(TABLE * scale), tasks)
    assert torch.allclose(first, second)


def test_the_predicted_class_is_first_where_values_say_otherwise():
    class Voter:
        classes_ = np.array([3, 5, 8])

        def predict(self, query):
            return np.array([5, 3])

        def decision_function(self, query):
            return np.array([[2.0, 1.0, 0.0], [4.0, 1.0, 3.0]])

    first, second = class_scores(Voter(), TABLE[:2])
    assert first.argmax() == 1 and first[1] == np.nextafter(2.0, 3) and first[[0, 2]].tolist() == [2, 0]
    assert second.tolist() == [4, 1, 3]


def test_scores_of_two_classes_are_signed():
    fitted = svm.SVC().fit(TABLE[:6], [0, 1] * 3)
    scores = class_scores(fitted, TABLE[6:9])
    assert np.array_equal(scores, np.stack([-scores[:, 1], scores[:, 1]], axis=1))


def test_what_an_estimator_refuses_is_a_sentence(make_tasks):
    tasks = make_tasks(60, 2, 3, 1, 2)
    with pytest.raises(
        UsageError, match=r"^SVC refuses an episode \(The 'C' parameter of SVC must be .*\)\.$"
    ):
        EstimatorHead(svm.SVC(C=-1)).scores(torch.from_numpy(TABLE), tasks)
    with pytest.raises(UsageError, match="KNeighborsClassifier refuses an episode"):
        EstimatorHead(neighbors.KNeighborsClassifier(7)).scores(torch.from_numpy(TABLE), tasks)
