"""The nearest reference: by products, and by a shortlist where references are many."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.prediction.nearest import Shortlist, nearest, unit


@pytest.mark.parametrize(("many", "width"), [(5, 3), (900, 16), (4000, 64)])
def test_a_shortlist_finds_what_all_products_find(many: int, width: int) -> None:
    rng = np.random.default_rng(many)
    table = unit(rng.standard_normal((many, width)))
    queries = unit(np.concatenate([table[:3], rng.standard_normal((20, width))]))
    rows, cosines = Shortlist(table).nearest(queries)
    wanted, exact = nearest(table, queries)
    assert np.array_equal(rows, wanted)
    np.testing.assert_allclose(cosines, exact, atol=1e-6)
    assert np.array_equal(rows[:3], [0, 1, 2]) and cosines.max() <= 1
