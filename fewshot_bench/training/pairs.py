"""Annotated pairs: two pictures of one product, from a CSV or derived from labels; negatives of a batch."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import FsbenchError


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of rows of an index ``[P, 2]``, and the known product of every image ``[M]`` (−1: none)."""

    rows: NDArray[np.int64]
    products: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


def pairs_of_labels(index: ImageIndex, count: int, rng: np.random.Generator) -> Pairs:
    """Returns ``count`` pairs of two different images of one class, each class equally often, from any labelled set.

    Raises FsbenchError when no class has two images.
    """
    members = [np.flatnonzero(index.labels == c) for c in range(len(index.class_names))]
    members = [m for m in members if len(m) > 1]
    if not members:
        raise FsbenchError(f"{index.name} has no class with two images: no pair can be made of it.")
    sizes = np.array([len(m) for m in members])
    table = np.zeros((len(members), sizes.max()), dtype=np.int64)
    for place, rows in zip(table, members, strict=True):
        place[: len(rows)] = rows
    # whole rounds over the classes in random order: every class as often as any other, but for the last round
    rounds = -(-count // len(members))
    classes = rng.permuted(np.tile(np.arange(len(members)), (rounds, 1)), axis=1).ravel()[:count]
    first = rng.integers(sizes[classes])
    second = (first + rng.integers(1, sizes[classes])) % sizes[classes]
    rows = np.stack([table[classes, first], table[classes, second]], axis=1)
    return Pairs(rows, index.labels.astype(np.int64))


def pairs_of_csv(path: Path, index: ImageIndex) -> Pairs:
    """Pairs of a CSV with the columns ``image_a,image_b[,same]`` (paths of ``index``; ``same`` 1 or 0).

    Pairs with ``same`` 0 only say that the two are different: they are not pairs to pull together, and are
    left out. Images linked by pairs, over any number of steps, are one known product. Raises FsbenchError,
    naming the line, for a missing column, an unknown image or another value of ``same``.
    """
    row_of = {name: row for row, name in enumerate(index.paths)}
    parent = np.arange(len(index), dtype=np.int64)

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    found: list[tuple[int, int]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if not {"image_a", "image_b"} <= set(reader.fieldnames or ()):
                raise FsbenchError(
                    f"{path} lacks the columns image_a and image_b; it has {reader.fieldnames}."
                )
            for line in reader:
                where = f"{path}, line {reader.line_num}"
                for key in ("image_a", "image_b"):
                    if line[key] not in row_of:
                        raise FsbenchError(f"{where}: the image {line[key]!r} is not in {index.name}.")
                same = (line.get("same") or "1").strip()
                if same not in ("0", "1"):
                    raise FsbenchError(f"{where}: same must be 1 or 0, not {same!r}.")
                if same == "1":
                    a, b = row_of[line["image_a"]], row_of[line["image_b"]]
                    found.append((a, b))
                    parent[root(a)] = root(b)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FsbenchError(f"Cannot read the pairs of {path}: {error}.") from error
    if not found:
        raise FsbenchError(f"{path} holds no pair with same = 1.")
    rows = np.array(found, dtype=np.int64)
    products = np.full(len(index), -1, dtype=np.int64)
    touched = np.unique(rows)
    products[touched] = [root(int(row)) for row in touched]
    return Pairs(rows, products)


def batch_pairs(
    products: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Returns the pairs of a mini-batch of B pairs: their rows ``first``, ``second`` [P] and whether ``same`` [P].

    ``products`` [2B] names the product of each picture, the pairs being (i, B + i). Positives are those B
    pairs. Negatives are all pairs of pictures of two different products: pictures drawn at random, with their
    pairs, from outside the pair, and never of the same known product.
    """
    half = len(products) // 2
    first, second = np.triu_indices(len(products), k=1)
    apart = products[first] != products[second]
    pairs = np.arange(half)
    return (
        np.concatenate([pairs, first[apart]]),
        np.concatenate([pairs + half, second[apart]]),
        np.arange(half + int(apart.sum())) < half,
    )
