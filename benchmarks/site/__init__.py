"""Pages of the documentation site that are made, not written: the catalogue, the API, figures of real records."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site import catalogue, figures, reference


def write_pages(folder: Path) -> None:
    """Writes the generated pages and figures into ``folder``, which ``docs/*.md`` link to."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "methods.md": catalogue.methods(), "datasets.md": catalogue.datasets(), "protocols.md": catalogue.protocols(),
        "api.md": reference.api(),
    }  # fmt: skip
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    results = Path(__file__).parents[2] / "results"
    for name, svg in (
        ("intervals.svg", figures.intervals(results)),
        ("differences.svg", figures.differences(results)),
    ):
        (folder / name).write_text(svg, encoding="utf-8")
