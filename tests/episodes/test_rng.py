import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.episodes.rng import philox, random_keys, smallest, uniform

WORD = st.integers(0, 2**32 - 1)


def slow_philox(counter, key, bits, multipliers, weyl):
    """Philox-4xW-10 as written in Salmon et al. (2011), on Python integers of W bits."""
    mask = (1 << bits) - 1
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = c0 * multipliers[0], c2 * multipliers[1]
        c0, c1, c2, c3 = (p1 >> bits) ^ c1 ^ k0, p1 & mask, (p0 >> bits) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + weyl[0]) & mask, (k1 + weyl[1]) & mask
    return c0, c1, c2, c3


def slow32(counter, key):
    return slow_philox(counter, key, 32, (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85))


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers_of_random123(counter, key, expected):
    words = tuple(np.array([int(word, 16)], dtype=np.uint64) for word in counter.split())
    result = philox(words, tuple(int(word, 16) for word in key.split()))
    assert " ".join(f"{int(word[0]):08x}" for word in result) == expected


def test_the_slow_reference_is_numpys_philox_at_64_bits():
    theirs = np.random.Philox(counter=[1, 2, 3, 4], key=[5, 6]).random_raw(4).tolist()
    multipliers, weyl = (0xD2E7470EE14C6C93, 0xCA5A826395121157), (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
    assert list(slow_philox((2, 2, 3, 4), (5, 6), 64, multipliers, weyl)) == theirs  # numpy counts up first


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_equals_the_slow_reference(counter, key):
    result = philox(tuple(np.array([word], dtype=np.uint64) for word in counter), key)
    assert tuple(int(word[0]) for word in result) == slow32(counter, key)


@given(st.integers(0, 2**64 - 1), WORD, st.integers(0, 2**64 - 1), WORD)
def test_keys_are_philox_of_seed_episode_stream_and_item(seed, stream, episode, item):
    first, second = random_keys(seed, stream, episode, item)
    c = slow32((item, stream, episode % 2**32, episode >> 32), (seed % 2**32, seed >> 32))
    assert (int(first), int(second)) == (c[0] | c[1] << 32, c[2] | c[3] << 32)


def test_keys_do_not_depend_on_what_is_drawn_beside_them():
    whole, _ = random_keys(3, 1, np.arange(300)[:, None], np.arange(200))
    part, _ = random_keys(3, 1, np.arange(100, 200)[:, None], [7, 199])
    assert (whole[100:200][:, [7, 199]] == part).all()


def test_uniform_is_in_range_and_even():
    numbers = uniform(random_keys(0, 0, 0, np.arange(100_000))[0])
    assert numbers.min() >= 0 and numbers.max() < 1
    assert np.histogram(numbers, bins=10, range=(0, 1))[0] == pytest.approx([10_000] * 10, abs=500)
    assert uniform(np.array([2**64 - 1], np.uint64))[0] < 1


@given(st.integers(1, 70), st.data())
def test_smallest_orders_admitted_columns_by_key(columns, data):
    count = data.draw(st.integers(0, columns))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    keys = generator.integers(0, 2**64, (3, columns), dtype=np.uint64)
    admitted = generator.random((3, columns)) < 0.7
    result = smallest(keys, count, admitted)
    for row in range(3):
        expected = sorted(range(columns), key=lambda c, r=row: (not admitted[r, c], keys[r, c]))
        assert result[row].tolist() == expected[:count]


def test_smallest_breaks_ties_by_column():
    assert smallest(np.zeros((1, 40), np.uint64), 3).tolist() == [[0, 1, 2]]
