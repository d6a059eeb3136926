"""Head: an embedding table and index arrays become class scores, thousands of episodes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fewshot_bench.episodes.tasks import Tasks

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Head(Protocol):
    """Solves episodes from embeddings. A head is a frozen dataclass and keeps no state between calls.

    ``scores(table [M, D], tasks) -> float [E, Q, N]`` is on the table's device. A higher score is better, a
    padded class has −inf, and the scores of padded queries have no meaning. A head that ranks support images
    itself also has ``item_scores(table, tasks) -> [E, Q, N·K]``.

    With ``items_at_one_shot = True`` it says that at one support image a class those are the class scores, so that the
    engine does not ask for them. It says so of the methods of its own class: a subclass that changes one of the two is
    asked (``items_are_scores``).

    A head that draws random numbers for each episode has ``draws_per_episode = True`` (see ``Method``).

    A head that solves one episode after another has ``max_batch``, the number of episodes that it is given at once; the
    engine shows progress, and keeps what is finished, after each of these. Others are given as many as fit into memory.

    A head may report diagnostics beside the scores: arrays [E], or one number for all episodes. The record holds
    for how many episodes a boolean one is true, and the largest value of any other.
    """

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns the class scores and a dictionary of numbers for the record.

        The dictionary may be empty. It holds, for example, the most iterations of an episode and the number of
        episodes that did not converge.
        """
        ...


def items_are_scores(head: object) -> bool:
    """Returns whether at one support image a class the item scores of a head are its class scores, so it says.

    ``items_at_one_shot`` holds for the methods that its class has or inherits. Where a subclass has other ``scores`` or
    ``item_scores``, it has to say so again.
    """
    for each in type(head).__mro__:
        if "items_at_one_shot" in vars(each):
            return bool(getattr(head, "items_at_one_shot", False))
        if {"scores", "item_scores"} & vars(each).keys():
            return False
    return False
