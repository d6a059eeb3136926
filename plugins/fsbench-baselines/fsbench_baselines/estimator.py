"""Any classifier of scikit-learn on frozen embeddings, fitted to the support of each episode."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

from fewshot_bench.api import Context, EstimatorHead, UsageError, setting
from fsbench_baselines.pretrained import Backbone, Pretrained


@dataclass(frozen=True, kw_only=True)
class Config(Backbone):
    """Parameters of ``sklearn``."""

    estimator: str = setting("sklearn.linear_model.LogisticRegression", "a classifier of scikit-learn")
    params: str = setting("", "its parameters as in a call in Python, such as C=10,kernel=linear")
    normalize: bool = setting(True, "scale embeddings to unit length first")


class Sklearn(Pretrained):
    """One scikit-learn classifier an episode: ``--set estimator=sklearn.svm.SVC --set params=C=10,kernel=linear``."""

    name = "sklearn"
    summary = "frozen ImageNet embeddings, any scikit-learn classifier on each episode's support"
    reference = "Pedregosa et al.: Scikit-learn: Machine Learning in Python, JMLR 2011"
    Config = Config

    def setup(self, context: Context) -> None:
        """Sets the encoder, and the estimator as the head; raises UsageError when it cannot be made."""
        super().setup(context)
        seed = int(context.generator("sklearn").integers(2**31))
        self.head = EstimatorHead(
            made(self.config.estimator, self.config.params, seed), self.config.normalize
        )


def made(path: str, params: str, seed: int) -> Any:
    """Returns the estimator at an import path with its parameters, seeded where it takes a ``random_state``."""
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
