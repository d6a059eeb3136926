"""Whether exported files say what the recogniser says, of the same pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

Floats = NDArray[np.floating[Any]]

TIE = 1e-5
"""Two classes whose scores differ by less are a numerical tie, of which either is the same answer."""

MOST = 1e-3
"""The largest difference of a score, or of a cosine, with which files are written."""


@dataclass(frozen=True)
class Parity:
    """A certificate: of the ``asked`` pictures or references (``compared``), ``equal`` have equal labels.

    ``tied`` are numerical ties among those whose labels differ. ``scores`` and ``similarity`` are the largest absolute
    differences, and ``decisions`` counts equal answers to whether a picture is accepted.
    """

    compared: str
    asked: int
    equal: int
    tied: int
    decisions: int
    scores: float
    similarity: float

    @property
    def holds(self) -> bool:
        """Whether every prediction is the same, ties aside, and no number differs by more than ``MOST``."""
        same = self.equal + self.tied == self.asked and self.decisions == self.asked
        return same and max(self.scores, self.similarity) <= MOST

    def to_json(self) -> dict[str, Any]:
        """Returns the fields, and the two bounds that they were held to."""
        return {**asdict(self), "tie": TIE, "most": MOST}

    def __str__(self) -> str:
        """Returns a sentence for a person."""
        return (
            f"Of {self.asked} {self.compared}, {self.equal} have the same product and {self.tied} a numerical tie, "
            f"{self.decisions} the same answer to whether they are known; scores differ by {self.scores:.1e} at most, "
            f"cosines by {self.similarity:.1e}."
        )

    def require(self) -> None:
        """Raises FsbenchError where predictions differ."""
        if not self.holds:
            raise FsbenchError(
                f"The exported files do not say what the recogniser says, and nothing was written. {self} Fit it again "
                "on this machine: `fsbench fit FOLDER -o FILE`."
            )


def parity(
    compared: str,
    ours: tuple[Floats, Floats],
    theirs: tuple[Floats, Floats],
    threshold: float | None,
) -> Parity:
    """Returns the certificate of scores [Q, N] and cosines [Q], of the recogniser and of the exported files."""
    (scores, cosines), (other, near) = ours, theirs
    rows = np.arange(len(scores))
    labels, found = scores.argmax(1), other.argmax(1)
    gap = scores[rows, labels] - scores[rows, found]
    limit = -np.inf if threshold is None else threshold
    decided = ((cosines >= limit) == (near >= limit)) | (np.abs(cosines - limit) < TIE)
    return Parity(
        compared=compared,
        asked=len(scores),
        equal=int((labels == found).sum()),
        tied=int(((labels != found) & (gap < TIE)).sum()),
        decisions=int(decided.sum()),
        scores=float(np.abs(scores - other).max(initial=0)),
        similarity=float(np.abs(cosines - near).max(initial=0)),
    )
