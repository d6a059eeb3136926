"""The report of a check of a data set, as lines for a terminal."""

from __future__ import annotations

import textwrap
from typing import Any

WORDS = {
    "sound": "An evaluation on it is sound, as far as it was checked.",
    "misleads": "An evaluation on it would mislead.",
    "impossible": "Episodes as asked for cannot be drawn from it.",
}
WIDTH = 110


def verdict(report: dict[str, Any]) -> str:
    """Returns what ``Audit.to_json`` gives as text: each finding with its verdict, then what was not checked."""
    counts = ", ".join(f"{option} {report[option]}" for option in ("ways", "shots", "queries"))
    title = f"{report['dataset']} ({report['variant']}), split {report['split']}"
    lines = [f"{title}: {report['classes']:,} classes, {report['images']:,} images; {counts}"]
    for finding in report["findings"]:
        lines += wrapped(f"{finding['verdict']:<10} {finding['check']:<12}", finding["text"])
        if finding["verdict"] in ("note", "misleads"):
            for pair in finding["examples"]:
                lines += wrapped(" " * 23, " = ".join(pair))
    lines += wrapped(f"{'':<10} {'not checked':<12}", "; ".join(report["not_checked"]) + ".")
    return "\n".join([*lines, WORDS[report["verdict"]]])


def wrapped(head: str, text: str) -> list[str]:
    """Returns a text beside its head, on as many lines as it needs."""
    first, *rest = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    return [f"{head} {first}", *(f"{'':<{len(head)}} {line}" for line in rest)]
