"""Modules that list their names in a stub beside them, and load each name when it is first used.

``lazy_loader`` does nearly the same, and keeps what it loads in the package; the names of ``fewshot_bench.api`` would
then turn up in ``fewshot_bench`` one by one, as they are used.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any


def front(module: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str], str]:
    """Returns ``__getattr__``, ``__dir__``, ``__all__`` and an outline of a module with a stub.

    The stub is ``file`` with the ending ``.pyi``. Each ``from m import name as name`` in it is a name of ``module``;
    a comment line begins a group of names, and the outline is these comments with the names below them. The
    ``__getattr__`` raises AttributeError for any other name and suggests similar ones.
    """
    text = Path(file).with_suffix(".pyi").read_text(encoding="utf-8")
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    home = {alias.name: str(node.module) for node in imports for alias in node.names}

    def load(name: str) -> Any:
        if name not in home:
            close = difflib.get_close_matches(name, home, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(sorted(home))}."
            message = f"{module} has no {name!r}; {hint}"
            raise AttributeError(message, name=name, obj=sys.modules[module])
        value = getattr(importlib.import_module(home[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    return load, lambda: sorted(home), sorted(home), outline(text)


def outline(text: str) -> str:
    """Returns the comments of a stub's text, each above the names that are imported below it."""
    parts = re.split(r"^# *", text, flags=re.MULTILINE)[1:]
    lines = []
    for part in parts:
        comment, _, rest = part.partition("\n")
        names = re.findall(r" as (\w+)$", rest, flags=re.MULTILINE)
        if names:
            lines += [comment, textwrap.indent(textwrap.fill(", ".join(names), 100), "    "), ""]
    return "\n".join(lines)
