"""Any classifier of scikit-learn's kind as a head: one estimator an episode."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.per_episode import MAX_BATCH, PerEpisode

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class EstimatorHead:
    """Fits a fresh clone of a scikit-learn classifier to the support of each episode.

    Parameters
    ----------
    estimator : a classifier or a pipeline that ends in one. It is cloned and never fitted itself.
    normalize : whether embeddings are scaled to unit length first.
    max_batch : episodes that the engine gives at once.
    """

    estimator: Any
    normalize: bool = False
    max_batch: int = MAX_BATCH

    @property
    def draws_per_episode(self) -> bool:
        """Whether the estimator draws random numbers, as one with a random state may."""
        states = {
            k: v for k, v in self.estimator.get_params().items() if k.rpartition("__")[2] == "random_state"
        }
        return any(value is not None for value in states.values())

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns ``class_scores`` of each query: ``table [M, D]`` -> float64 ``[E, Q, N]``.

        A class without support has the score −inf. Raises UsageError when the estimator refuses an episode.
        """
        return PerEpisode(self.solve).scores(table, tasks)

    def solve(self, support: Tensor, labels: Tensor, query: Tensor) -> NDArray[np.float64]:
        """Returns the scores ``[Q, n]`` of one episode; UsageError when the estimator refuses it."""
        from sklearn.base import clone
        from sklearn.preprocessing import normalize

        sides = [part.cpu().double().numpy() for part in (support, query)]
        known, asked = (normalize(side) if self.normalize and len(side) else side for side in sides)
        classes = labels.cpu().numpy()
        scores = np.full((len(asked), int(classes.max()) + 1), -np.inf)
        try:
            fitted = clone(self.estimator).fit(known, classes)
            scores[:, fitted.classes_] = class_scores(fitted, asked)
        except ValueError as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise UsageError(f"{type(self.estimator).__name__} refuses an episode ({reason}).") from error
        return scores


def class_scores(fitted: Any, query: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns float ``[Q, C]``: how much a fitted classifier is for each of its C ``classes_``.

    These are its probabilities, else its decision values, else 1 for the class that it predicts and 0 for others.
    The class that it predicts has the highest score of its row, also where the estimator decides in another way than by
    these values (an SVC with more than two classes counts votes).
    """
    predicted = np.asarray(fitted.predict(query)[:, None] == fitted.classes_)
    values = predicted.astype(np.float64)
    if hasattr(fitted, "predict_proba"):
        values = np.array(fitted.predict_proba(query), dtype=np.float64)
    elif hasattr(fitted, "decision_function"):
        decided = np.array(fitted.decision_function(query), dtype=np.float64)
        decided = np.stack([-decided, decided], axis=1) if decided.ndim == 1 else decided
        values = decided if decided.shape == values.shape else values
    overruled = predicted & ~(values.argmax(axis=1)[:, None] == np.arange(values.shape[1]))
    values[overruled] = np.nextafter(values.max(axis=1), np.inf)[overruled.any(axis=1)]
    return values


def make_estimator(path: str, params: str, seed: int) -> Any:
    """Returns the scikit-learn classifier at an import path, seeded where it takes a ``random_state``.

    ``params`` are its parameters as in a call in Python, ``C=10,kernel=linear``; they are parsed and never evaluated.
    Raises UsageError for anything but a classifier of scikit-learn, and for parameters that it does not take.
    """
    from sklearn.base import ClassifierMixin

    module, _, name = path.rpartition(".")
    try:
        kind = getattr(import_module(module), name) if module.startswith("sklearn.") else None
    except (ImportError, AttributeError):
        kind = None
    if not (isinstance(kind, type) and issubclass(kind, ClassifierMixin)):
        raise UsageError(
            f"estimator={path} is no classifier of scikit-learn; give a path such as sklearn.svm.SVC."
        )
    try:
        words: Any = ast.parse(f"f({params})", mode="eval").body
        given = {w.arg: getattr(w.value, "id", None) or ast.literal_eval(w.value) for w in words.keywords}
        if len(given) < len(words.keywords):
            raise ValueError("one is given twice")
        own: Any = {"random_state": seed} if "random_state" in signature(kind).parameters else {}
        return kind(*words.args, **own | given)
    except (SyntaxError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"params={params} do not suit {path} ({error}); write name=value,name=value."
        ) from error
