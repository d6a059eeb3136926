"""Shops for the measurements of the recogniser: products, their references, and pictures that are asked later.

Each situation says which pictures of which data set are references and which are asked. In each draw 40 products are
drawn, with unequal numbers of references; the pictures of all other classes are unknown ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.recogniser.references import References

PRODUCTS = 40
"""Products of a draw."""

HELD = 30
"""The most pictures of a product that are asked."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Situation:
    """Describes where references and asked pictures come from.

    References of a product are 1 to ``most`` pictures of ``dataset``, or with ``icons`` the picture of that data set
    and 0 to ``most`` more. ``elsewhere``: asked pictures are those of the query pool, which were taken elsewhere.
    """

    title: str
    dataset: str
    most: int
    elsewhere: bool = False
    icons: str = ""


SITUATIONS = (
    Situation("Grocery Store, photos like the references", "grocery-store:natural", 5),
    Situation("Grocery Store, photos taken elsewhere", "grocery-store:natural", 5, elsewhere=True),
    Situation(
        "Grocery Store, an icon and 0 to 3 photos; fruit is unknown", "grocery-store:natural", 3,
        elsewhere=True, icons="grocery-store:iconic",
    ),
    Situation("GroZi-120 in situ, 1 to 6 crops", "grozi120:in-situ", 6),
    Situation("Kaggle Fashion, types of article", "kaggle-fashion:article", 5),
)  # fmt: skip


@dataclass(frozen=True)
class Draw:
    """A draw: rows of a table for the references (``rows``), the pictures that are asked, and unknown ones.

    ``labels`` [R] and ``truth`` [Q] are numbers of products.
    """

    rows: Rows
    labels: NDArray[np.int32]
    asked: Rows
    truth: Rows
    unknown: Rows


class Pictures:
    """The pictures of a situation: those of its data set, and then the icons, as one table."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        names = [situation.dataset, *([situation.icons] if situation.icons else [])]
        self.indices = [open_dataset(name) for name in names]
        first = self.indices[0]
        self.class_names = first.class_names
        assert all(index.class_names == first.class_names for index in self.indices)
        self.labels = np.concatenate([index.labels for index in self.indices])
        self.digests = np.concatenate([index.digests for index in self.indices])
        self.groups = np.concatenate(
            [first.groups, np.arange(sum(map(len, self.indices[1:]))) + first.groups.max() + 1]
        )
        self.icon = np.arange(len(self.labels)) >= len(first)
        pools = np.concatenate([index.pools for index in self.indices])
        self.can_refer = (pools & SUPPORT) > 0
        self.can_ask = ~self.icon & ((pools & (QUERY if situation.elsewhere else SUPPORT)) > 0)
        paths = sum((index.paths for index in self.indices), ())
        self.fruit = np.array(["/Fruit/" in f"/{path}" for path in paths])

    def table(self, embed: Callable[[Any], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Returns the embeddings of all pictures, where ``embed`` gives those of an index."""
        return np.concatenate([embed(index) for index in self.indices])

    def draw(self, rng: np.random.Generator) -> Draw:
        """Returns products with their references, the pictures that are asked, and the unknown ones."""
        rows, labels, asked, truth, used = [], [], [], [], []
        for chosen in rng.permutation(len(self.class_names)).tolist():
            mine = self.labels == chosen
            if len(used) == PRODUCTS or (self.situation.icons and self.fruit[mine].any()):
                continue
            kept = self._references(np.flatnonzero(mine & self.can_refer), rng)
            rest = np.flatnonzero(mine & self.can_ask & ~np.isin(self.groups, self.groups[kept]))
            if not len(kept) or not len(rest):
                continue
            rows.append(kept)
            labels.append(np.full(len(kept), len(used), dtype=np.int32))
            asked.append(rng.permutation(rest)[:HELD])
            truth.append(np.full(len(asked[-1]), len(used)))
            used.append(chosen)
        unknown = self.can_ask & ~np.isin(self.labels, used)
        if self.situation.icons:
            unknown &= self.fruit
        return Draw(*map(np.concatenate, (rows, labels, asked, truth)), np.flatnonzero(unknown))

    def _references(self, own: Rows, rng: np.random.Generator) -> Rows:
        """Returns the references of a product: icons, and one picture of each group that is drawn."""
        icons, photos = own[self.icon[own]], own[~self.icon[own]]
        groups = rng.permutation(np.unique(self.groups[photos]))
        most = min(self.situation.most, len(groups) - (0 if self.situation.elsewhere else 2))
        least = 0 if self.situation.icons else 1
        if most < least:
            return own[:0]
        drawn = groups[: rng.integers(least, most + 1)]
        return np.array(
            [*icons, *(int(rng.permutation(photos[self.groups[photos] == group])[0]) for group in drawn)],
            dtype=np.int64,
        )

    def references(self, table: NDArray[np.float32], draw: Draw) -> References:
        """Returns the references of a draw as an encoder's ``table`` [M, D] sees them."""
        names = tuple(f"product {number:02}" for number in range(int(draw.labels.max()) + 1))
        paths = tuple(map(str, draw.rows.tolist()))
        return References(table[draw.rows], draw.labels, self.digests[draw.rows], paths, names)
