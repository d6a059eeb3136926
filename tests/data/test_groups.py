"""Groups: union-find against the obvious reference, identical contents found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fewshot_bench.data.groups import join, same_content


@given(st.data())
def test_join_gives_the_connected_components(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    rows = st.integers(0, count - 1)
    names = data.draw(st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=count, max_size=count))
    links = data.draw(st.lists(st.tuples(rows, rows), max_size=20))
    edges = links + [(i, j) for i in range(count) for j in range(i) if names[i] == names[j] is not None]
    a, b = np.array(edges, dtype=int).reshape(-1, 2).T
    _, expected = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(count, count)))
    found = join(names, links)
    assert np.array_equal(found[:, None] == found, expected[:, None] == expected)
    _, first = np.unique(found, return_index=True)
    assert (np.diff(first) > 0).all()  # counted from 0 in order of appearance
    assert found[0] == 0


def test_same_content_is_linked_within_a_class_and_counted_across() -> None:
    digests = np.repeat(np.array([[1], [2], [1], [1], [3], [2]], dtype=np.uint8), 32, axis=1)
    links, across = same_content(digests, np.array([0, 0, 0, 1, 1, 0]))
    assert links == [(0, 2), (1, 5)]
    assert across == 1
