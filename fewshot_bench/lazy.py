"""Modules that list their names in a stub beside them, and load each name when it is first used.

``lazy_loader`` does nearly the same, and keeps what it loads in the package; the names of ``fewshot_bench.api`` would
then turn up in ``fewshot_bench`` one by one, as they are used.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def front(module: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Returns ``__getattr__``, ``__dir__`` and ``__all__`` of a module with a stub.

    The stub is ``file`` with the ending ``.pyi``. Each ``from m import name as name`` in it is a name of ``module``;
    a comment line begins a group of names (see ``outline``). The ``__getattr__`` raises AttributeError for any other
    name and suggests similar ones.
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

    return load, lambda: sorted(home), sorted(home)


def document(module: str, file: str) -> None:
    """Lets ``help`` of a module with a stub show the outline below the module's own words, made when it is asked for.

    Nothing is imported for it: the line of each name is read from the source of the name's home.
    """
    words, stub = str(sys.modules[module].__doc__), Path(file).with_suffix(".pyi")

    class Front(ModuleType):
        @property
        def __doc__(self) -> str:  # type: ignore[override]
            return f"{words}{outline(stub.read_text(encoding='utf-8'))}"

    sys.modules[module].__class__ = Front


def outline(text: str) -> str:
    """Returns the comments of a stub's text, each above the names that are imported below it, one line each."""
    lines = []
    for part in re.split(r"^# *", text, flags=re.MULTILINE)[1:]:
        comment, _, rest = part.partition("\n")
        found = re.findall(r"^from ([\w.]+) import \w+ as (\w+)$", rest, flags=re.MULTILINE)
        if found:
            lines += [
                comment,
                *(f"    {name:<22} {first_line(home, name)}".rstrip() for home, name in found),
                "",
            ]
    return "\n".join(lines)


def first_line(module: str, name: str) -> str:
    """Returns the first sentence about ``name`` in the source of ``module``, cut to 90 characters; "" without one."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return ""
    body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        said = None
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return first_line(str(node.module), name)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            said = ast.get_docstring(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name in {
                part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
            }:
                said = str(ast.literal_eval(after.value))
        if said:
            sentence = re.split(r"(?<=[.])\s", " ".join(said.split("\n\n")[0].split()))[0]
            return textwrap.shorten(sentence.rstrip(":"), 90, placeholder=" …")
    return ""
