"""What a machine can hold of how this code speaks: docstrings are plain sentences, a name has one meaning."""

from __future__ import annotations

import ast
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "fewshot_bench").rglob("*.py"))
PLUGINS = sorted(p for p in (ROOT / "plugins").rglob("*.py") if not {"build", "tests"} & set(p.parts))

ROOMS = sorted({path.relative_to(ROOT / "fewshot_bench").parts[0].removesuffix(".py") for path in CORE})
"""The rooms of the core whose docstrings are held to these rules."""

SPOKEN = sorted({path.relative_to(ROOT).parts[2] for path in PLUGINS})
"""The plugins whose docstrings are held to these rules."""

SHARED: dict[str, str] = {}
"""Names of several public classes of the core, each with its reason."""

BEGINNINGS = r"(Of|As|The same|Nor|None:|Those)\b"
"""Beginnings of a sentence that needs another one to be understood."""

SAID_ABOVE = {
    "data", "loss", "schedule", "validation", "projection", "train_size", "make_head", "start", "teachers", "shown",
    "saw", "open", "batch", "images", "read", "draw", "vectors",
}  # fmt: skip
"""Methods of a plugin's class without a docstring: the contract, or the docstring of their class, has the sentence."""

Node = ast.ClassDef | ast.FunctionDef


def room(path: Path) -> str:
    """The room of a file of the core, or the package of a plugin."""
    inside = path.relative_to(ROOT).parts
    return (inside[1] if inside[0] == "fewshot_bench" else inside[2]).removesuffix(".py")


def public(node: ast.AST, above: str = "") -> Iterator[tuple[str, Node]]:
    """Public classes and functions, with their methods and without what is defined inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            yield f"{above}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{above}{child.name}.")


def told(node: Node) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def decorators(node: Node) -> str:
    return " ".join(ast.unparse(decorator) for decorator in node.decorator_list)


FILES = [path for path in [*CORE, *PLUGINS] if room(path) in (*ROOMS, *SPOKEN)]
ONE_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def spoken(path: Path) -> list[tuple[str, Node]]:
    """The public classes and functions of a file that need a docstring of their own, by their names."""
    found = public(ast.parse(path.read_text(encoding="utf-8")))
    return [
        (name, node)
        for name, node in found
        if ast.get_docstring(node) or not said_elsewhere(path, name, node)
    ]


def said_elsewhere(path: Path, name: str, node: Node) -> bool:
    """Whether it is an attribute of a protocol, or a method whose docstring is above it."""
    above = path in PLUGINS and "." in name and name.rpartition(".")[2] in SAID_ABOVE
    return ast.unparse(node.body[-1]) == "..." or above


@ONE_FILE
def test_a_docstring_is_a_plain_sentence(path: Path):
    wrong = [
        name
        for name, node in spoken(path)
        if not told(node).endswith((".", ":")) or re.match(BEGINNINGS, told(node))
    ]
    assert not wrong, (
        "no docstring, one that does not end with a full stop, or one that needs another sentence"
    )


@ONE_FILE
def test_what_a_function_does_begins_with_a_verb(path: Path):
    """A property is a thing, and click's help speaks to a person; all else says 'Returns the …', 'Draws …'."""
    wrong = [
        name
        for name, node in spoken(path)
        if isinstance(node, ast.FunctionDef)
        and not re.search(r"property|command\(|group\(|\.setter", decorators(node))
        and not re.match(r"[A-Z][a-z]+s\b", told(node))
    ]
    assert not wrong


@ONE_FILE
def test_the_docstring_of_a_constant_stands_by_itself(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        body = getattr(node, "body", None)
        for before, after in itertools.pairwise(body) if isinstance(body, list) else ():
            if not isinstance(before, ast.Assign | ast.AnnAssign) or not isinstance(after, ast.Expr):
                continue
            if isinstance(after.value, ast.Constant) and isinstance(text := after.value.value, str):
                assert not re.match(rf"{BEGINNINGS}|…", text), text
                assert text.rstrip().endswith("."), text


def test_a_class_has_a_name_of_its_own():
    homes = defaultdict(list)
    for path in CORE:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in homes.items() if len(places) > 1 and name not in SHARED} == {}
    assert all(len(homes[name]) > 1 for name in SHARED), "an exception that is no longer needed"
