"""Memo: what is remembered is what was found out, whatever happens to the file."""

from __future__ import annotations

import json

import pytest

from fewshot_bench.store.memo import Memo


@pytest.mark.parametrize("content", ["", "not json", "[1]", '{"key": 0}', '{"sha256": 1, "facts": []}'])
def test_a_file_that_cannot_be_read_is_forgotten(tmp_path, content):
    memo = Memo(tmp_path / "memo.json")
    memo.path.write_text(content)
    assert memo.get("key", lambda: 1) == 1
    assert memo.get("key", lambda: 2) == 1
    assert json.loads(memo.path.read_text())["facts"] == {"key": 1}


def test_a_file_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    assert Memo(tmp_path / "file" / "memo.json").get("key", lambda: 3) == 3


@pytest.mark.slow
def test_a_flipped_bit_anywhere_never_gives_another_fact(tmp_path):
    memo = Memo(tmp_path / "memo.json")
    facts = {"resnet18": {"size": 224, "mean": [0.485, 0.456]}, "file": "ab12" * 4}
    for key, value in facts.items():
        memo.get(key, lambda value=value: value)
    whole = memo.path.read_bytes()
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        memo.path.write_bytes(flipped)
        known = memo._read()
        assert all(known[key] == facts[key] for key in known if key in facts), (bit, known)
