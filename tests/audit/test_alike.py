"""Near-duplicates among many pictures: the same as the brute force, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.audit import alike as module
from fewshot_bench.audit.alike import alike
from fewshot_bench.data.near import likeness, near_duplicates


def families(seed: int, count: int) -> np.ndarray:
    """Signatures [count, 776] of few originals, some bits and some grey levels away from them."""
    rng = np.random.default_rng(seed)
    originals = rng.integers(0, 256, (3, 776), dtype=np.uint8)
    signed = originals[rng.integers(0, 3, count)]
    bits = rng.random((count, 64)) < rng.choice([0.0, 0.04, 0.1], (count, 1))
    signed[:, :8] ^= np.packbits(bits, axis=1)
    noise = rng.integers(-1, 2, (count, 768)) * rng.choice([0, 10, 30], (count, 1))
    signed[:, 8:] = np.clip(signed[:, 8:].astype(int) + noise, 0, 255)
    return signed


def pairs(parts: list[module.Alike]) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for part in parts for a, b in zip(part.rows, part.others, strict=True)]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 90), block=st.sampled_from([1, 50, 2**20]))
def test_all_pairs_are_those_of_the_brute_force(seed: int, count: int, block: int) -> None:
    signed = families(seed, count)
    order = np.random.default_rng(seed).permutation(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "RESULTS", block)
        parts = list(alike(order, signed))
    expected = near_duplicates(signed).tolist()
    found = pairs(parts)
    assert sorted(found) == sorted([(a, b) for a, b in expected] + [(b, a) for a, b in expected])
    assert parts[-1].done == count and [p.done for p in parts] == sorted(p.done for p in parts)
    for part in parts:
        np.testing.assert_allclose(part.likeness, likeness(signed[part.rows], signed[part.others]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), ours=st.integers(1, 40), theirs=st.integers(1, 40))
def test_against_a_gallery(seed: int, ours: int, theirs: int) -> None:
    both = families(seed, ours + theirs)
    found = pairs(list(alike(np.arange(ours), both[:ours], both[ours:])))
    expected = [(a, b - ours) for a, b in near_duplicates(both).tolist() if a < ours <= b]
    assert sorted(found) == sorted(expected)


@pytest.mark.slow
def test_blocks_shrink_where_much_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESULTS", 3000)
    signed = np.zeros((200, 776), dtype=np.uint8)
    parts = list(alike(np.arange(200), signed))
    assert max(len(part.rows) for part in parts[1:]) <= 3000
    assert sum(len(part.rows) for part in parts) == 200 * 199
