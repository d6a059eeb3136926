"""Published splits: each class stands once, in one split, with its source; base, validation and novel never meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib import resources

import pytest

from fewshot_bench.datasets import splits
from fewshot_bench.datasets.splits import read_split

SIZES = {"cub": (100, 50, 50), "miniimagenet": (64, 16, 20), "omniglot_vinyals": (1028, 172, 423)}


def classes(row: dict[str, str]) -> Iterable[str]:
    """The classes that a row of a split names."""
    if "class" in row:
        return [row["class"]]
    return [f"{row['alphabet']}/{c}" for c in range(int(row["first"]), int(row["last"]) + 1)]


def test_every_split_of_the_package_is_known_here() -> None:
    files = {path.name for path in resources.files(splits).iterdir() if path.name.endswith(".csv")}
    assert files == {f"{name}.csv" for name in SIZES}


@pytest.mark.parametrize("name", SIZES)
def test_no_class_stands_in_two_splits(name: str) -> None:
    named = [(c, row["split"]) for row in read_split(name) for c in classes(row)]
    assert len({c for c, _ in named}) == len(named)
    sizes = Counter(split for _, split in named)
    assert tuple(sizes[s] for s in ("base", "validation", "novel")) == SIZES[name]


@pytest.mark.parametrize("name", SIZES)
def test_every_split_names_its_source(name: str) -> None:
    text = (resources.files(splits) / f"{name}.csv").read_text(encoding="utf-8")
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert any("https://github.com/" in line for line in head)
    assert any(conference in line for line in head for conference in ("ICLR", "NeurIPS"))
