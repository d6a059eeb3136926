"""The metrics that come with the package; they are found by their entry points, as any other's."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fewshot_bench.metrics.classification import expected_calibration_error, macro_f1, top_k_hits
from fewshot_bench.metrics.metric import Metric


class Top5(Metric):
    """Top-5 accuracy."""

    api_version = 1
    name = "top5"
    summary = "share of queries whose class is among the 5 of highest score (1 with 5 ways or fewer)"

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns 1 where the class of a query is among the five of highest score, [E, Q]."""
        return top_k_hits(scores, labels, 5)


class MacroF1(Metric):
    """Macro-averaged F1."""

    api_version = 1
    name = "macro-f1"
    summary = "mean over an episode's classes of F1, the harmonic mean of precision and recall"

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns the mean of F1 over the classes of each episode, [E]."""
        return macro_f1(scores, labels)


class CalibrationError(Metric):
    """Expected calibration error."""

    api_version = 1
    name = "ece"
    summary = "expected calibration error of an episode, 15 bins (0 is best; of methods with probabilities)"
    reference = "Guo et al. 2017, On Calibration of Modern Neural Networks"
    calibrated = True

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns the expected calibration error of each episode, [E]."""
        return expected_calibration_error(scores, labels)
