"""What weights have seen: the list is that of the content digests, and finds every picture, and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import FsbenchError
from fewshot_bench.training.seen import check_unseen, keys_of, read_seen, seen_file, write_seen


@pytest.fixture(scope="module")
def digits() -> ImageIndex:
    return fb.dataset("digits")


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "trunk.safetensors"
    path.write_bytes(b"weights")
    return path


def test_the_list_is_sorted_and_compact_and_holds_every_picture_once(digits, weights):
    half = digits.take_classes(np.arange(5))
    write_seen(weights, [half, digits, half])
    keys = read_seen(weights)
    slow = sorted({int.from_bytes(digest.tobytes()[:8]) for digest in digits.digests})
    assert keys.tolist() == slow
    assert seen_file(weights).stat().st_size == 128 + 8 * len(slow)


def test_an_evaluated_picture_that_the_weights_saw_is_one_sentence(digits, weights):
    old, new = digits.take_classes(np.arange(5)), digits.take_classes(np.arange(5, 10))
    write_seen(weights, [old])
    words = (
        rf"trunk.safetensors were trained on {len(old)} of the evaluated pictures of digits, {old.paths[0]!r}"
    )
    with pytest.raises(FsbenchError, match=words):
        check_unseen(weights, digits)
    facts = check_unseen(weights, new)
    assert facts["seen"] == f"{len(old)} pictures, none of them evaluated" and len(facts["weights"]) == 16
    one = old.digests.copy()
    one[:, 0] ^= 1
    one[7] = old.digests[7]
    with pytest.raises(FsbenchError, match=f"trained on 1 of .* {old.paths[7]!r} first"):
        check_unseen(weights, replace(old, digests=one))


def test_what_the_weights_saw_before_is_kept(digits, weights, tmp_path):
    old, new = digits.take_classes(np.arange(5)), digits.take_classes(np.arange(5, 10))
    write_seen(weights, [old])
    write_seen(tmp_path / "next.safetensors", [new], start=[weights])
    assert np.array_equal(read_seen(tmp_path / "next.safetensors"), np.unique(keys_of(digits.digests)))
    write_seen(tmp_path / "fresh.safetensors", [new], start=[tmp_path / "published.pth"])
    assert len(read_seen(tmp_path / "fresh.safetensors")) == len(np.unique(keys_of(new.digests)))


def test_without_a_list_the_record_says_that_it_is_unknown_and_without_weights_nothing(digits, weights):
    assert check_unseen(weights, digits)["seen"].startswith("unknown: no list trunk.safetensors.seen.npy")
    assert check_unseen(None, digits) == {}


@pytest.mark.parametrize("content", [b"nonsense", np.array([3, 2, 2], "<u8"), np.array([1.5]), b""])
def test_a_damaged_list_is_one_sentence(digits, weights, content):
    if isinstance(content, bytes):
        seen_file(weights).write_bytes(content)
    else:
        with seen_file(weights).open("wb") as stream:
            np.save(stream, content)
    with pytest.raises(FsbenchError, match=r"trunk.safetensors.seen.npy .*(remove it)"):
        check_unseen(weights, digits)
