"""Several nearest references, and the nearest one of a class: by products, by a shortlist, against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fewshot_bench.prediction import nearest as module
from fewshot_bench.prediction.nearest import (
    contents_of,
    nearest,
    nearest_of_class,
    nearest_several,
    several_of_blocks,
    unit,
)
from fewshot_bench.recogniser.blocks import Blocks

ROW = st.lists(st.integers(-4, 4), min_size=3, max_size=3)
"""A row in eighths: products are exact, and ties are many."""


def eighths(rows: list[list[int]]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32).reshape(-1, 3) / 8


def slow(
    table: NDArray[np.float32], query: NDArray[np.float32], k: int, groups: list[int]
) -> list[tuple[int, float]]:
    """Goes through all rows, the nearest first, and takes k of different groups."""
    found: dict[int, tuple[int, float]] = {}
    for row in sorted(range(len(table)), key=lambda row: (-float(table[row] @ query), row)):
        found.setdefault(groups[row], (row, float(table[row] @ query)))
    several = [*found.values()][:k]
    return several + [(-1, -np.inf)] * (k - len(several))


@given(
    st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(ROW, min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from([1, 20, 1 << 24]),
    st.booleans(),
)
def test_several_are_those_of_a_loop_over_all_rows(rows, asked, k, products, grouped) -> None:
    table, queries = eighths([row for row, _ in rows]), eighths(asked)
    numbers = [number if grouped else place for place, (_, number) in enumerate(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PRODUCTS", products)
        found, cosines = nearest_several(table, queries, k, np.array(numbers) if grouped else None)
        alone = nearest(table, queries)
        blocks = several_of_blocks(
            np.split(table, range(2, len(table), 2)), queries, k, np.array(numbers) if grouped else None
        )
    assert np.array_equal(blocks[0], found) and np.array_equal(blocks[1], cosines)
    wanted = [slow(table, query, k, numbers) for query in queries]
    assert [[*zip(*one, strict=True)] for one in zip(found.tolist(), cosines.tolist(), strict=True)] == wanted
    assert np.array_equal(found[:, 0], alone[0]) and np.array_equal(cosines[:, 0], alone[1])


@given(
    st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(st.tuples(ROW, st.integers(0, 3)), min_size=1, max_size=6),
    st.sampled_from([1, 6, 1 << 24]),
)
def test_the_nearest_of_a_class_is_that_of_a_loop_over_its_rows(rows, asked, products) -> None:
    table, queries = eighths([row for row, _ in rows]), eighths([row for row, _ in asked])
    support = np.full((4, len(rows)), -1)
    for number in range(4):
        own = [place for place, (_, label) in enumerate(rows) if label == number]
        support[number, : len(own)] = own
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PRODUCTS", products)
        labels = np.array([label for _, label in asked])
        found, cosines = nearest_of_class(lambda part: table[part], queries, support, labels)
    for query, (_, label), row, cosine in zip(queries, asked, found.tolist(), cosines.tolist(), strict=True):
        own = support[label][support[label] >= 0]
        (place, wanted), *_ = slow(table[own], query, 1, [*range(len(own))])
        assert (row, cosine) == (own[place] if place >= 0 else -1, wanted)


@pytest.mark.parametrize(("many", "copies"), [(2, 1), (900, 1), (900, 5), (900, 60)])
def test_several_of_a_shortlist_are_those_of_all_products(many: int, copies: int) -> None:
    """Copies of one picture may fill a list of 32, and there may be fewer references than are asked for."""
    rng = np.random.default_rng(many)
    table = unit(rng.standard_normal((many, 16)).repeat(copies, axis=0))
    queries = unit(np.concatenate([table[:3], rng.standard_normal((20, 16))]))
    groups = np.arange(many).repeat(copies)
    rows, cosines = Blocks.of(table).several_listed(queries, 3, groups)
    wanted, exact = nearest_several(table, queries, 3, groups)
    found = np.where(rows >= 0, groups[rows], -1)
    assert np.array_equal(found, np.where(wanted >= 0, groups[wanted], -1))
    assert all(len(set(one)) == min(3, many) + (many < 3) for one in found.tolist())
    np.testing.assert_allclose(cosines, exact, atol=1e-6)


def test_contents_are_equal_in_one_class_alone() -> None:
    digests = np.zeros((4, 32), dtype=np.uint8)
    digests[3, 31] = 1
    contents = contents_of(digests, np.array([0, 0, 1, 0]))
    assert contents[0] == contents[1] and len(set(contents.tolist())) == 3
