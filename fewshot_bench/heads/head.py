"""Head: an embedding table and index arrays become class scores, thousands of episodes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fewshot_bench.episodes.tasks import Tasks

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Head(Protocol):
    """Solves episodes from embeddings; frozen dataclass, no state between calls.

    ``scores(table [M, D], tasks) -> float [E, Q, N]`` on the table's device: higher is better; −inf for
    padded classes; the values of padded queries carry no meaning. A head may report
    diagnostics of each episode beside them, arrays [E] (or one number for all): of a boolean one the record holds
    for how many episodes it is true, of another one the largest value.
    A head that ranks support images itself also has ``item_scores(table, tasks) -> [E, Q, N·K]``.
    """

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Class scores and a (possibly empty) dictionary of numbers for the record."""
        ...
