"""The catalogue of methods, data sets and protocols, from what they declare of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fewshot_bench.cli.listing import list_datasets, list_methods, list_protocols, show_method
from fewshot_bench.contract import registry

OWN = "fewshot-bench", "fsbench-"
"""How the names of the distributions of this repository begin."""


def cell(value: object) -> str:
    """One value as a cell of a Markdown table."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return [*lines, *(f"| {' | '.join(map(cell, row))} |" for row in rows), ""]


def link(name: str) -> str:
    """A link to the section of a name."""
    return f"[{name}](#{name})"


def sentence(text: str) -> str:
    """A summary as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def own(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of this repository that can be loaded."""
    return [row for row in rows if not row["broken"] and row["distribution"].startswith(OWN)]


def parameter(row: dict[str, Any]) -> tuple[str, ...]:
    """The row of one parameter."""
    meaning = f"{row['help']}{', in ' + row['unit'] if row['unit'] else ''}"
    return f"`{row['parameter']}`", f"`{row['default']}`" if row["default"] else "", row["search"], meaning


def methods() -> str:
    """One section a method: what it is, its paper, its parameters."""
    rows = own(list_methods())
    lines = [
        "# Methods", "",
        "This page is made from what the methods of this repository declare. `fsbench methods` lists those that are",
        "installed, and `fsbench methods NAME` shows one.", "",
        *table(("method", "what it is", "kind", "plugin"),
               [(link(r["method"]), r["summary"], r["kind"], r["distribution"].split()[0]) for r in rows]),
    ]  # fmt: skip
    for row in rows:
        shown = show_method(row["method"])
        lines += [f"## {row['method']}", "", sentence(shown["summary"]), ""]
        lines += [sentence(f"Reference: {shown['reference']}"), ""] if shown["reference"] else []
        lines += [f"Kind: {shown['kind']}. Scores: {shown['scores']}.", ""]
        if shown["parameters"]:
            lines += table(
                ("parameter", "default", "searched", "meaning"), map(parameter, shown["parameters"])
            )
    return "\n".join(lines)


def datasets() -> str:
    """One section a data set: what it is, licence, source, layout, variants."""
    rows = own(list_datasets())
    lines = [
        "# Data sets", "",
        "This page is made from the cards of the data sets. `fsbench datasets NAME` shows a card and what of the set",
        "is found on a machine. Nothing is downloaded.", "",
        *table(("data set", "what it is"), [(link(r["dataset"]), r["summary"]) for r in rows]),
    ]  # fmt: skip
    for row in rows:
        source = registry.load(registry.DATASETS, row["dataset"])
        facts = [
            (name, getattr(source.card, name, "")) for name in ("licence", "published", "layout", "reference")
        ]
        lines += [f"## {row['dataset']}", "", sentence(row["summary"]), ""]
        lines += table(("", ""), [(name, text) for name, text in facts if text])
        lines += table(
            ("variant", "what it is"), [(f"`{name}`", text) for name, text in source.variants.items()]
        )
    return "\n".join(lines)


def protocols() -> str:
    """The table of protocols."""
    columns = ("protocol", "summary", "ways", "shots", "queries", "ranked by")
    rows = [[row[name] for name in columns] for row in own(list_protocols())]
    heads = ("`--protocol`", "what is asked", "ways", "shots", "queries of a class", "its table is ranked by")
    lines = [
        "# Protocols", "",
        "This page is made from the table of protocols in the code. [Samplers and protocols of your",
        "own](../samplers.md) says how a plugin adds one.", "",
    ]  # fmt: skip
    return "\n".join([*lines, *table(heads, rows)])
