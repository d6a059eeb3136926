"""The source of a class or function that no file holds: made in a notebook, at a prompt, or by a program from text."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

SIMPLE = (str, bytes, int, float, complex, bool, type(None))

OWN = (
    "__init_subclass__",
    "__doc__",
    "__dict__",
    "__weakref__",
    "__module__",
    "__abstractmethods__",
    "_abc_impl",
)
"""Attributes of a class that say nothing of what it computes."""


def live_digest(thing: Any) -> str:
    """Returns the sha256 (hex) of what a class or function without a file does.

    That is the code of its functions, its attributes, and the functions, classes and plain values of the same
    notebook that they name. A text that is run anew without a change has the same digest. Names from modules with a
    file are covered by the name of their module alone.
    """
    sha = hashlib.sha256()
    for word in _words(thing, set()):
        data = word.encode("utf-8", "surrogateescape")
        sha.update(len(data).to_bytes(8, "little") + data)
    return sha.hexdigest()


def has_file(module: str) -> bool:
    """Returns whether a loaded module has a file that its source can be read from."""
    return bool(getattr(sys.modules.get(module), "__file__", None))


def _words(value: Any, seen: set[int]) -> Iterator[str]:
    """Yields texts that are equal for equal sources; each function and class is entered once."""
    value = inspect.unwrap(value) if isinstance(value, FunctionType) else value
    if isinstance(value, SIMPLE):
        yield repr(value)
    elif isinstance(value, ModuleType):
        yield f"module {value.__name__}"
    elif id(value) in seen:
        yield f"again {getattr(value, '__qualname__', '')}"
    elif isinstance(value, CodeType):
        yield from _code_words(value, seen)
    elif isinstance(value, FunctionType):
        seen.add(id(value))
        yield from _function_words(value, seen)
    elif isinstance(value, type):
        seen.add(id(value))
        yield from _class_words(value, seen)
    elif isinstance(value, tuple | list | frozenset | set):
        items = sorted(value, key=repr) if isinstance(value, frozenset | set) else value
        yield f"{type(value).__name__} {len(value)}"
        for item in items:
            yield from _words(item, seen)
    elif isinstance(value, dict):
        yield f"dict {len(value)}"
        for key, item in value.items():
            yield from _words(key, seen)
            yield from _words(item, seen)
    elif isinstance(value, staticmethod | classmethod):
        yield type(value).__name__
        yield from _words(value.__func__, seen)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _words(part, seen)
    elif isinstance(value, BuiltinFunctionType):
        yield f"builtin {value.__module__}.{value.__qualname__}"
    else:
        seen.add(id(value))
        yield f"{type(value).__module__}.{type(value).__qualname__}"
        yield from _words(
            {k: v for k, v in getattr(value, "__dict__", {}).items() if isinstance(v, SIMPLE)}, seen
        )


def _class_words(value: type, seen: set[int]) -> Iterator[str]:
    yield f"class {value.__module__}.{value.__qualname__}"
    if has_file(value.__module__) or value.__module__ == "builtins":
        return
    for base in value.__bases__:
        yield from _words(base, seen)
    for name, attribute in sorted(vars(value).items()):
        if name not in OWN:
            yield name
            yield from _words(attribute, seen)


def _function_words(value: FunctionType, seen: set[int]) -> Iterator[str]:
    yield f"def {value.__module__}.{value.__qualname__}"
    if has_file(value.__module__):
        return
    yield from _words((value.__defaults__, value.__kwdefaults__), seen)
    yield from _code_words(value.__code__, seen)
    for cell in value.__closure__ or ():
        try:
            yield from _words(cell.cell_contents, seen)
        except ValueError:
            yield "empty"
    for name in sorted(_names(value.__code__)):
        if name in value.__globals__:
            yield name
            yield from _words(value.__globals__[name], seen)


def _code_words(code: CodeType, seen: set[int]) -> Iterator[str]:
    yield code.co_code.hex()
    yield from (*code.co_names, *code.co_varnames)
    for constant in code.co_consts:
        yield from _words(constant, seen)


def _names(code: CodeType) -> set[str]:
    """Returns the names that a code and the codes in it use."""
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)
