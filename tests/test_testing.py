"""``fewshot_bench.testing``: each check of a method's contract is a test of its own."""

from __future__ import annotations

import pytest

from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype
from fewshot_bench.errors import UsageError
from fewshot_bench.testing import parametrize_with_checks

pytest_plugins = ("pytester",)

NAMED = """
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype

class Named(EmbeddingMethod):
    api_version = 1
    name = "another"
    summary = "long " * 50
    expected_failures = {"summary": "a poem", "parameters": "nobody knows"}

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), Prototype("euclidean")
"""

TEST = """
from fewshot_bench.testing import parametrize_with_checks

IDS = ("name", "summary", "parameters", "probabilities", "query-order")

@parametrize_with_checks("named", only=IDS, episodes=2)
def test_contract(check):
    check()
"""


@pytest.mark.slow
@parametrize_with_checks("pixels", without=("setup-process",), episodes=2)
def test_pixels_keeps_its_contract(check):
    check()


@pytest.mark.slow
def test_each_way_a_check_can_end(make_plugin, pytester, monkeypatch):
    make_plugin("named-plugin", NAMED, named="Named")
    pytester.makepyfile(TEST)
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-v", "-rs")
    done.assert_outcomes(passed=1, skipped=1, xfailed=1, failed=2)
    done.stdout.fnmatch_lines(
        [
            "*[[]named-name[]] FAILED*",
            "*[[]named-summary[]] XFAIL*",
            "*[[]named-parameters[]] FAILED*",
            "*[[]named-probabilities[]] SKIPPED*",
            "*[[]named-query-order[]] PASSED*",
        ]
    )
    done.stdout.fnmatch_lines(["*It is declared to fail (nobody knows); remove that.*"])


def test_an_unknown_check_is_refused():
    with pytest.raises(
        UsageError, match=r"There is no check 'class-ordre'; `fsbench check --list` shows them\."
    ):
        parametrize_with_checks("pixels", only=["class-ordre"])


class Unregistered(EmbeddingMethod):
    api_version = 1
    name = "nowhere"
    summary = "registered nowhere"

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), Prototype("euclidean")


@pytest.mark.slow
@parametrize_with_checks(Unregistered, only=["name", "own-rows"], episodes=2)
def test_a_class_that_is_registered_nowhere_is_tried_too(check):
    check()
