"""The nearest reference: by products, and by a shortlist where references are many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fewshot_bench.prediction import nearest as module
from fewshot_bench.prediction.nearest import nearest, nearest_of_blocks, nearest_other, unit
from fewshot_bench.recogniser.blocks import Blocks


@pytest.mark.parametrize(("many", "width"), [(5, 3), (900, 16), (4000, 64)])
def test_a_shortlist_finds_what_all_products_find(many: int, width: int) -> None:
    rng = np.random.default_rng(many)
    table = unit(rng.standard_normal((many, width)))
    queries = unit(np.concatenate([table[:3], rng.standard_normal((20, width))]))
    rows, cosines = Blocks.of(table).nearest_listed(queries)
    wanted, exact = nearest(table, queries)
    assert np.array_equal(rows, wanted)
    np.testing.assert_allclose(cosines, exact, atol=1e-6)
    assert np.array_equal(rows[:3], [0, 1, 2]) and cosines.max() <= 1


def few(rng: np.random.Generator, many: int) -> NDArray[np.float32]:
    """Rows of few kinds whose products are exact, many of them equal, some 0."""
    return (rng.integers(-1, 2, (many, 4)) / 2).astype(np.float32)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 5), st.sampled_from([1, 4, 2048]))
def test_each_product_once_finds_what_all_products_find(seed: int, many: int, kinds: int, side: int) -> None:
    rng = np.random.default_rng(seed)
    table = few(rng, many)
    labels = rng.integers(0, kinds, many).astype(np.int32)
    apart = labels.astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SIDE", side)
        rows, cosines = nearest_other(table, labels)
    wanted, exact = nearest(table, table, np.concatenate([apart, apart]))
    np.testing.assert_array_equal(rows, wanted)
    np.testing.assert_array_equal(cosines, exact)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 5), st.integers(1, 7))
def test_blocks_give_what_one_table_gives(seed: int, many: int, kinds: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    table, queries = few(rng, many), few(rng, 5)
    apart = rng.integers(0, kinds, 5 + many)
    for numbers in (None, apart):
        found = nearest_of_blocks([table[i : i + block] for i in range(0, many, block)], queries, numbers)
        for one, wanted in zip(found, nearest(table, queries, numbers), strict=True):
            np.testing.assert_array_equal(one, wanted)
