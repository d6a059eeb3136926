"""Any classifier of scikit-learn on frozen embeddings, fitted to the support of each episode."""

from __future__ import annotations

from dataclasses import dataclass

from fewshot_bench.api import Context, EstimatorHead, make_estimator, setting
from fsbench_baselines.pretrained import Backbone, Pretrained


@dataclass(frozen=True, kw_only=True)
class Config(Backbone):
    """Parameters of ``sklearn``."""

    estimator: str = setting("sklearn.linear_model.LogisticRegression", "a classifier of scikit-learn")
    params: str = setting("", "its parameters as in a call in Python, such as C=10,kernel=linear")
    normalize: bool = setting(True, "scale embeddings to unit length first")


class Sklearn(Pretrained[Config]):
    """One scikit-learn classifier an episode: ``--set estimator=sklearn.svm.SVC --set params=C=10,kernel=linear``."""

    name = "sklearn"
    summary = "frozen ImageNet embeddings, any scikit-learn classifier on each episode's support"
    reference = "Pedregosa et al.: Scikit-learn: Machine Learning in Python, JMLR 2011"

    def setup(self, context: Context) -> None:
        """Sets the encoder, and the estimator as the head; raises UsageError when it cannot be made."""
        super().setup(context)
        seed = int(context.generator("sklearn").integers(2**31))
        estimator = make_estimator(self.config.estimator, self.config.params, seed)
        self.head = EstimatorHead(estimator, self.config.normalize)
