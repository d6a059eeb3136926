"""The documentation site: generated pages name everything, and docstrings become reStructuredText."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.site import catalogue, reference
from benchmarks.site.docstrings import rewritten
from fewshot_bench.cli.listing import list_datasets, list_methods
from fewshot_bench.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_method_and_every_data_set_has_a_section() -> None:
    methods, datasets = catalogue.methods(), catalogue.datasets()
    assert all(f"\n## {row['method']}\n" in methods for row in catalogue.own(list_methods()))
    assert all(f"\n## {row['dataset']}\n" in datasets for row in catalogue.own(list_datasets()))
    assert all(f"`{name}`" in catalogue.protocols() or name in catalogue.protocols() for name in PROTOCOLS)


def test_the_reference_has_every_public_name() -> None:
    text = reference.api()
    import fewshot_bench as fb

    assert all(
        f"\n### {name}\n" in text for name in ("run", "compare", "EmbeddingMethod", "Sampler", "Metric")
    )
    assert f"autofunction:: {fb.run.__module__}.run" in text


def test_parameters_become_a_list() -> None:
    text = "What.\n\nParameters\n----------\na, b : first\n    goes on\nc : |x| ``*y*``\n\nAfter *it*."
    made = (
        "What.\n\n**Parameters**\n\n- **a, b**: first\n  goes on\n- **c**: \\|x\\| ``*y*``\n\nAfter \\*it\\*."
    )
    assert rewritten(text.split("\n")) == made.split("\n")


def test_every_page_is_in_the_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= set(re.findall(r"^(\w[\w-]*)$", index, flags=re.MULTILINE))
