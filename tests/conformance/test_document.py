"""docs/checks.md is what the checks declare."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.conformance.document import page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_made_from_the_declarations():
    made = "run `python -m fewshot_bench.conformance.document > docs/checks.md`"
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == page(), made
