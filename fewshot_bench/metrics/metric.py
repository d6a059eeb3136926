"""Metric: the contract of a number that is worked out from scores, one small class each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from numpy.typing import NDArray


class Metric(ABC):
    """What a metric declares, and ``__call__``, which works its values out.

    ``api_version`` is the version of the plugin API that it was written for (1). ``calibrated`` is True when it is
    of probabilities; a method that does not declare its scores as such is then refused. ``name`` is the name of the
    entry point in the group ``fewshot_bench.metrics``. Metrics are constructed without arguments.
    """

    api_version: ClassVar[int]
    name: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str] = ""
    calibrated: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns one value a query, [E, Q], or one an episode, [E], from scores [E, Q, N] and labels [E, Q].

        A label is a position among the N classes of its episode, or −1 for padding, whose scores are 0 and whose
        value is not looked at. A class that an episode does not have has −inf as its score. Both arrays are read-only.
        Episodes come in chunks, so that the value of one depends on no other.
        """
