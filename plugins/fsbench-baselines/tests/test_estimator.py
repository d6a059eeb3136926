"""``sklearn``: estimators by their import path, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.contract.config import build, parse_settings
from fewshot_bench.contract.context import Context
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.estimator import make_estimator
from fewshot_bench.testing import parametrize_with_checks

estimator = pytest.importorskip("fsbench_baselines.estimator")
svm = pytest.importorskip("sklearn.svm")


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("sklearn.svm.SVC", "C=10,kernel=linear", {"C": 10, "kernel": "linear"}),
        (
            "sklearn.svm.SVC",
            "C=0.5, kernel='poly', shrinking=False",
            {"C": 0.5, "kernel": "poly", "shrinking": False},
        ),
        (
            "sklearn.neural_network.MLPClassifier",
            "hidden_layer_sizes=(64, 32)",
            {"hidden_layer_sizes": (64, 32)},
        ),
        (
            "sklearn.linear_model.LogisticRegression",
            "class_weight=None, C=1e-3",
            {"class_weight": None, "C": 1e-3},
        ),
        ("sklearn.neighbors.KNeighborsClassifier", "", {}),
    ],
)
def test_parameters_are_typed_as_in_a_call(path, params, expected):
    made = make_estimator(path, params, seed=5)
    assert f"{type(made).__module__}.{type(made).__name__}".startswith(".".join(path.split(".")[:2]))
    assert {name: made.get_params()[name] for name in expected} == expected
    assert made.get_params().get("random_state", 5) == 5


def test_a_random_state_that_is_given_stays():
    assert make_estimator("sklearn.svm.SVC", "random_state=3", seed=5).random_state == 3


@pytest.mark.parametrize(
    "path",
    ["os.system", "sklearn", "sklearn.svm", "sklearn.svm.SVX", "sklearn.nothing.SVC", "sklearn.linear_model.Ridge",
     "sklearn.cluster.KMeans", "sklearn.base.clone", "sklearn.os.system", "SVC", ""],
)  # fmt: skip
def test_what_is_no_classifier_of_scikit_learn_is_refused(path):
    with pytest.raises(
        UsageError, match=r"^estimator=.* is no classifier of scikit-learn; give a path such as"
    ):
        make_estimator(path, "", seed=0)


@pytest.mark.parametrize(
    "params", ["zap=1", "C=", "C=open('x')", "C=1,C=2", ") or (", "10", "**{'C': 1}", "C=1+[]"]
)
def test_parameters_that_do_not_suit_are_refused(params):
    with pytest.raises(
        UsageError, match=r"^params=.* do not suit sklearn.svm.SVC \(.*write name=value,name=value\.$"
    ):
        make_estimator("sklearn.svm.SVC", params, seed=0)


def test_the_method_is_built_from_settings(tmp_path: Path):
    settings = parse_settings(["estimator=sklearn.svm.SVC", "params=C=10,kernel=linear", "normalize=false"])
    method = estimator.Sklearn(build(estimator.Config, "sklearn", settings))
    method.setup(Context(device="cpu", seed=2, cache=tmp_path))
    other = estimator.Sklearn(build(estimator.Config, "sklearn", settings))
    other.setup(Context(device="cpu", seed=3, cache=tmp_path))
    head = method.head
    assert isinstance(head.estimator, svm.SVC) and not head.normalize
    assert (head.estimator.C, head.estimator.kernel) == (10, "linear")
    assert head.estimator.random_state != other.head.estimator.random_state


@pytest.mark.slow
def test_a_whole_run_is_scikit_learn_s_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The record's accuracy is that of SVC.predict on the same embeddings and episodes."""
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    parameters = {"estimator": "sklearn.svm.SVC", "params": "kernel=linear", "normalize": False}
    counts = {"ways": 2, "shots": 2, "queries": 3, "episodes": 3, "seed": 4}
    record = fb.run("sklearn", "digits", parameters=parameters, device="cpu", **counts)
    index = fb.dataset("digits")
    tasks, labels = fb.sample(index, **counts).tasks()
    context = Context(device="cpu", seed=0, cache=tmp_path)
    rows = np.unique(np.concatenate([tasks.support.ravel(), tasks.query.ravel()]))
    table = np.zeros((len(index), 1280), dtype=np.float32)
    encoder = context.encoder(view="both")
    batch = np.stack([encoder.prepare(index.reader(int(row))) for row in rows])
    table[rows] = encoder.encode(batch)
    right = []
    for e in range(3):
        support = table[tasks.support[e].ravel()].astype(np.float64)
        fitted = svm.SVC(kernel="linear").fit(support, np.repeat([0, 1], 2))
        right.append(fitted.predict(table[tasks.query[e]].astype(np.float64)) == labels[e])
    assert record.accuracy.mean == pytest.approx(np.mean(right))
    assert record.method == "sklearn"


SIZES: dict[str, Any] = {"without": ("setup-process",), "ways": 3, "episodes": 2}


@pytest.mark.slow
@parametrize_with_checks("sklearn", parameters={"estimator": "sklearn.svm.SVC"}, **SIZES)
def test_a_support_vector_machine_keeps_its_contract(check):
    check()


@pytest.mark.slow
@parametrize_with_checks(
    "sklearn", parameters={"estimator": "sklearn.ensemble.RandomForestClassifier"}, **SIZES
)
def test_a_forest_keeps_its_contract(check):
    """A forest is drawn from its random state, so that the order of pictures may change some predictions."""
    check()
