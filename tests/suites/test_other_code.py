"""A record of the same code is one of it whatever Python made it, and one of other code is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

import fewshot_bench as fb
from fewshot_bench.contract import registry
from fewshot_bench.identity import source_digest
from fewshot_bench.suites.plan import by_other_code


@pytest.fixture(scope="module")
def record() -> fb.Record:
    return fb.run("pixels", "digits", ways=3, queries=2, episodes=3)


@pytest.mark.parametrize("as_3_12", [False, True])
def test_the_digest_of_either_rule_is_that_of_the_code(record, as_3_12):
    known = source_digest(registry.load(registry.METHODS, "pixels"), as_3_12=as_3_12)
    assert not by_other_code(replace(record, data={**record.data, "method_source": known}))


def test_another_digest_is_other_code(record):
    assert by_other_code(replace(record, data={**record.data, "method_source": "0" * 64}))
    assert not by_other_code(replace(record, data={**record.data, "method_source": ""}))
