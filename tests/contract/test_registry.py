"""The registry: lazy, one broken plugin breaks itself only, clashes name both distributions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fewshot_bench.cli import listing
from fewshot_bench.contract import registry
from fewshot_bench.errors import FsbenchError, UsageError

GOOD = """
from fewshot_bench.api import EmbeddingMethod

class Toy(EmbeddingMethod):
    api_version = 1
    name = "toy"
    summary = "a toy"

    def setup(self, context):
        pass
"""


def test_a_method_of_a_third_party_is_found_and_loaded(make_plugin):
    make_plugin("toy-plugin", GOOD, toy="Toy")
    assert registry.load(registry.METHODS, "toy").summary == "a toy"
    assert registry.entry(registry.METHODS, "toy").distribution == "toy-plugin"


def test_listing_names_imports_no_plugin(make_plugin):
    make_plugin("unimported-plugin", "raise SystemError('imported')", unimported="Toy")
    assert "unimported" in registry.entries(registry.METHODS)
    assert "unimported_plugin" not in sys.modules


def test_a_plugin_that_raises_on_import_is_listed_as_broken_and_breaks_nothing_else(make_plugin):
    make_plugin("broken-plugin", "raise ImportError('libfoo is missing')", broken="Toy")
    make_plugin("toy-plugin", GOOD, toy="Toy")
    rows = {row["method"]: row for row in listing.list_methods()}
    assert rows["toy"]["broken"] == ""
    assert "libfoo is missing" in rows["broken"]["broken"]
    assert "broken-plugin 1.0" in rows["broken"]["broken"]
    with pytest.raises(FsbenchError, match=r"'broken' of broken-plugin 1\.0 cannot be loaded"):
        registry.load(registry.METHODS, "broken")


def test_two_plugins_with_one_name_are_an_error_that_names_both_distributions(make_plugin):
    make_plugin("first-plugin", GOOD, toy="Toy")
    make_plugin("second-plugin", GOOD, toy="Toy")
    with pytest.raises(FsbenchError, match=r"first-plugin 1\.0 .* and second-plugin 1\.0"):
        registry.load(registry.METHODS, "toy")
    rows = {row["method"]: row for row in listing.list_methods()}
    assert "first-plugin" in rows["toy"]["broken"] and "second-plugin" in rows["toy"]["broken"]


def test_one_distribution_seen_twice_is_no_clash(make_plugin, monkeypatch):
    site = make_plugin("toy-plugin", GOOD, toy="Toy")
    monkeypatch.syspath_prepend(str(site))
    registry.entries.cache_clear()
    assert registry.load(registry.METHODS, "toy")


def test_an_unknown_name_suggests_the_closest(make_plugin):
    make_plugin("toy-plugin", GOOD, prototypes="Toy")
    with pytest.raises(UsageError, match=r"no method named 'protypes'; did you mean prototypes( or \w+)*\?"):
        registry.load(registry.METHODS, "protypes")


@pytest.mark.parametrize(
    ("line", "words"), [("", "states no api_version"), ("    api_version = 99", "version 99")]
)
def test_a_plugin_for_another_api_version_is_refused(make_plugin, line, words):
    make_plugin("old-plugin", f"class Toy:\n    summary = 'x'\n{line}\n", old="Toy")
    with pytest.raises(FsbenchError, match=words):
        registry.load(registry.METHODS, "old")


@pytest.mark.subprocess
def test_help_and_the_list_of_methods_import_no_torch():
    code = (
        "import sys\n"
        "from fewshot_bench.cli import guarded\n"
        "assert guarded(['--help'], False) == 0 and guarded(['methods'], False) == 0\n"
        "heavy = {'torch', 'torchvision', 'timm', 'sklearn', 'skimage', 'faiss', 'pandas', 'scipy'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []")
    assert "Usage: fsbench" in done.stdout
