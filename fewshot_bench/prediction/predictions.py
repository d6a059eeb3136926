"""Predictions: what was found of each picture, as a table, as JSON, as rows of a CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics.openset import Threshold
from fewshot_bench.prediction.neighbours import Neighbours

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predictions:
    """The best classes of P pictures.

    Parameters
    ----------
    paths : [P], as they were named.
    defects : [P], "" or why the picture cannot be read.
    classes : int32 [P, T], indices into ``class_names``, the best first; −1 where there is no picture.
    scores : float64 [P, T], the scores of ``classes``; NaN where there is no picture.
    best : float64 [P], what the threshold is compared with.
    copies : [P], the path of a reference picture with the same content, or "".
    nearest : [P], the path of the reference picture whose embedding is nearest, or "" where there are no embeddings.
    cosines : float64 [P], the cosine similarity of the two embeddings, −1 to 1; NaN where there is none.
    score_name : ``probability`` where the method is calibrated, else ``score``, of which only the order counts.
    facts : what was asked and with what, for the header.
    notes : sentences that a person should read before relying on it.
    neighbours : the nearest references of each picture and of its second class, or None where there are no embeddings.
    """

    paths: list[str]
    defects: list[str]
    classes: NDArray[np.int32]
    scores: NDArray[np.float64]
    best: NDArray[np.float64]
    copies: list[str]
    nearest: list[str]
    cosines: NDArray[np.float64]
    class_names: tuple[str, ...]
    score_name: str = "score"
    facts: dict[str, Any] = field(default_factory=dict)
    threshold: Threshold | None = None
    notes: tuple[str, ...] = ()
    neighbours: Neighbours | None = None

    @classmethod
    def none_yet(cls, paths: Sequence[Path | str], top: int, class_names: tuple[str, ...]) -> Predictions:
        """Returns predictions of P pictures of which nothing is known yet."""
        many = len(paths)
        return cls(
            paths=[str(path) for path in paths],
            defects=[""] * many,
            classes=np.full((many, top), -1, dtype=np.int32),
            scores=np.full((many, top), np.nan),
            best=np.full(many, np.nan),
            copies=[""] * many,
            nearest=[""] * many,
            cosines=np.full(many, np.nan),
            class_names=class_names,
        )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """bool [P], the pictures whose best score is below the threshold; all are False without a threshold."""
        if self.threshold is None:
            return np.zeros(len(self), dtype=bool)
        return np.asarray(self.best < self.threshold.value)

    def header(self) -> dict[str, Any]:
        """Returns everything that does not belong to one picture."""
        reject = None if self.threshold is None else asdict(self.threshold)
        unreadable = sum(map(bool, self.defects))
        return {
            **self.facts,
            "score": self.score_name,
            "pictures": len(self),
            "unreadable": unreadable,
            "reject": reject,
            "notes": list(self.notes),
        }

    def picture(self, i: int) -> dict[str, Any]:
        """Returns what was found of picture ``i``.

        It has the path, then why the picture is unreadable, or its best classes and their scores. With embeddings there
        are the ``nearest`` reference and its ``similarity``, the three nearest ones (``neighbours``), and the nearest
        one of the second class (``runner_up``).
        """
        if self.defects[i]:
            return {"path": self.paths[i], "unreadable": self.defects[i]}
        top = zip(self.classes[i].tolist(), self.scores[i].tolist(), strict=True)
        found: dict[str, Any] = {
            "path": self.paths[i],
            "top": [{"class": self.class_names[c], self.score_name: _number(score)} for c, score in top],
        }
        if self.threshold is not None:
            best = float(self.best[i])
            found |= {"rejected": best < self.threshold.value, "best": _number(best)}
        if self.nearest[i]:
            found |= {"nearest": self.nearest[i], "similarity": float(self.cosines[i])}
        if self.neighbours is not None:
            found["neighbours"] = self.neighbours.of(i)
            if second := self.neighbours.runner_up(i):
                found["runner_up"] = second
        if self.copies[i]:
            found["reference"] = self.copies[i]
        return found

    def frame(self) -> pd.DataFrame:
        """Returns one row a picture.

        The columns are ``path``, then ``class_1``, ``score_1`` or ``probability_1`` and so on, ``reference`` and
        ``unreadable``. With a threshold there are also ``rejected`` and ``best``, with embeddings ``nearest`` and
        ``similarity``. ``attrs`` holds the header.
        """
        import pandas as pd

        names = np.array([*self.class_names, ""], dtype=object)
        sound = np.array([not defect for defect in self.defects])
        columns: dict[str, Any] = {"path": self.paths}
        for t in range(self.classes.shape[1]):
            columns[f"class_{t + 1}"] = names[self.classes[:, t]]
            columns[f"{self.score_name}_{t + 1}"] = self.scores[:, t]
        if self.threshold is not None:
            columns["rejected"] = np.where(sound, self.rejected.astype(object), "")
            columns["best"] = self.best
        if any(self.nearest):
            columns["nearest"], columns["similarity"] = self.nearest, self.cosines
        columns["reference"], columns["unreadable"] = self.copies, self.defects
        texts = {name for name, column in columns.items() if np.asarray(column).dtype.kind in "OU"}
        # pandas keeps texts as objects: its own type for them, on pyarrow, holds no file name that is not UTF-8
        frame = pd.DataFrame(
            {
                name: pd.Series(column, dtype=object if name in texts else None)
                for name, column in columns.items()
            }
        )
        frame.attrs.update(self.header())
        return frame

    def json_lines(self) -> Iterator[str]:
        """Yields one JSON object, a line a picture: the fields of the header, then ``results``."""
        head = json.dumps(self.header(), indent=1, ensure_ascii=False)
        yield head.removesuffix("\n}") + ',\n "results": [\n'
        for i in range(len(self)):
            comma = "," if i < len(self) - 1 else ""
            yield f"  {json.dumps(self.picture(i), ensure_ascii=False)}{comma}\n"
        yield " ]\n}\n"


def _number(value: float) -> float | str:
    """Returns a number as JSON knows it, or its name."""
    return value if math.isfinite(value) else str(value)
