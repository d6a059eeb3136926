"""Identity: what makes two results the same. Every key of everything that is kept is made here.

A key is the sha256 of a tree of named facts, each of them content and never a path:

    run        = protocol, episodes, method and digest of its source, resolved parameters, training, encoder,
                 device kind, precision, versions of the libraries that change numbers
    training   = method, version of its training and digest of its source, version of the core's training code,
                 the resolved parameters that training reads, base data, unlabelled data, pairs, start weights,
                 training seed, device kind, precision, versions
    embedding  = encoder (weights, transform, pooling, precision), its device kind and its libraries' versions

Records, parts of interrupted runs, checkpoints and embeddings take their keys from here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

from fewshot_bench.errors import FsbenchError
from fewshot_bench.live_source import live_digest

Tree = Mapping[str, Any]

LIBRARIES = ("numpy", "pillow", "scikit-learn", "scipy", "timm", "torch", "torchvision")
"""Distributions whose version may change a number of any method."""

CORE = "fewshot_bench"

PARSER = Lock()


def canonical(tree: Any) -> str:
    """Returns JSON text that is equal for equal trees: sorted keys, no space.

    A tree holds dictionaries with text keys, lists, tuples, text, finite numbers, booleans and None. Raises
    FsbenchError for anything else, a path above all: where a file lies says nothing of what it holds.
    """

    def checked(value: Any, where: str) -> Any:
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return value
        if isinstance(value, list | tuple):
            return [checked(v, f"{where}[{i}]") for i, v in enumerate(value)]
        if isinstance(value, Mapping):
            return {str(k): checked(v, f"{where}.{k}") for k, v in value.items()}
        raise FsbenchError(
            f"{where} is {value!r} ({type(value).__name__}), which cannot be part of an identity; name its content "
            "as text or numbers."
        )

    return json.dumps(checked(tree, "identity"), sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(kind: str, tree: Tree) -> str:
    """Returns the sha256 (hex) of ``kind`` (``run``, ``training``, ``embedding``) and ``tree`` as canonical text."""
    return hashlib.sha256(f"fsbench-{kind}-2\n{canonical(tree)}".encode()).hexdigest()


def versions(distributions: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Returns the installed version of each distribution, "" where one is not installed; by name, sorted."""
    return {name: _version(name) for name in sorted(set(distributions))}


@cache
def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def embedding_key(encoder: Any) -> str:
    """Returns the key of an encoder's vectors, of ``embedding_facts``."""
    return key("embedding", embedding_facts(encoder))


def embedding_facts(encoder: Any) -> dict[str, Any]:
    """Returns what an encoder's vectors depend on: its fingerprint, where it runs, and the versions of what it runs on.

    An encoder may have ``device`` (``cpu`` where it has none), ``backend`` (what computes it: ``torch``, …; ""
    where it has none) and ``libraries``, the names of the distributions whose version changes its vectors (all of
    ``LIBRARIES`` where it has none). One that is another encoder and a map behind it has what its ``inner`` has.
    """

    def of(name: str, default: Any) -> Any:
        found = encoder
        while found is not None:
            if hasattr(found, name):
                return getattr(found, name)
            found = getattr(found, "inner", None)
        return default

    return {
        "encoder": str(encoder.fingerprint()),
        "device": device_kind(str(of("device", "cpu"))),
        "backend": str(of("backend", "")),
        "versions": versions(of("libraries", LIBRARIES)),
    }


def device_kind(device: str) -> str:
    """Returns ``cuda`` of ``cuda:1``: which of several equal devices it was changes no number."""
    return device.partition(":")[0]


def source_digest(thing: type, *, as_3_12: bool = False) -> str:
    """Returns the sha256 (hex) of the source that a class is made of, comments, docstrings and layout left aside.

    It covers the modules of the class and of its bases outside of the core, and what those import from their own
    packages; of a program that was started, what it imports from its own folder. A class without a source file (made
    in a notebook) has the digest of what it does (see ``live_source.py``). With ``as_3_12`` it is the digest that
    records have which were made on Python 3.12 while it depended on the version.
    """
    files: dict[str, str] = {}
    for base in thing.__mro__:
        package = base.__module__.partition(".")[0]
        if package in (CORE, "builtins", "abc", "typing"):
            continue
        if _path_of(base.__module__) is None:
            files[f"{base.__module__}.{base.__qualname__}"] = live_digest(base)
        else:
            _collect(base.__module__, package, files, as_3_12=as_3_12)
    return key("source", files)


def code_facts(thing: Any) -> dict[str, Any]:
    """Returns the name of a class or function, and the digest of its module and what that imports from its package.

    There is no digest for what belongs to the core, or to one of ``LIBRARIES``, whose version is in every key.
    """
    package, files = thing.__module__.partition(".")[0], dict[str, str]()
    if package not in (CORE, *LIBRARIES):
        _collect(thing.__module__, package, files)
        if not files:
            files[thing.__qualname__] = live_digest(thing)
    return {"name": f"{thing.__module__}.{thing.__qualname__}", "source": files}


@cache
def core_digest() -> str:
    """Returns the sha256 (hex) of all files of the core, byte for byte: what an interrupted run's parts depend on.

    To leave comments aside, as ``source_digest`` does, would take a second for each run.
    """
    root, sha = Path(__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        sha.update(f"{path.relative_to(root)} {len(content)}\0".encode() + content)
    return sha.hexdigest()


def _collect(module: str, package: str, files: dict[str, str], *, as_3_12: bool = False) -> None:
    """Add the digest of ``module``, and of what it imports from ``package``, to ``files``."""
    if module in files:
        return
    path = _path_of(module)
    if path is None:
        return
    files[module] = file_digest(path, as_3_12=as_3_12)
    for name in _imported(path):
        beside = package == "__main__" and getattr(_path_of(name), "parent", None) == path.parent
        if beside or name.partition(".")[0] == package:
            _collect(name, package, files, as_3_12=as_3_12)


def _path_of(module: str) -> Path | None:
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is None:
        try:
            found = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return None
        loaded = None if found is None else found.origin
    return Path(loaded) if loaded and loaded.endswith(".py") and Path(loaded).is_file() else None


def _imported(path: Path) -> list[str]:
    """Names of modules that a file imports: of ``from a.b import c`` both ``a.b`` and ``a.b.c``."""
    names: list[str] = []
    for node in ast.walk(_parsed(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def file_digest(path: Path, *, as_3_12: bool = False) -> str:
    """Returns the sha256 (hex) of a Python file's statements, without comments, docstrings and layout."""
    return text_digest(path.read_text(encoding="utf-8"), as_3_12=as_3_12)


def _parsed(text: str | bytes) -> ast.Module:
    """The statements of a program; one thread at a time, since CPython 3.11's parser is not safe among several."""
    with PARSER:
        return ast.parse(text)


def text_digest(text: str, *, as_3_12: bool = False) -> str:
    """Returns the same of a program's text."""
    tree = _parsed(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)]  # type: ignore[attr-defined]
    return hashlib.sha256(tree_text(tree, as_3_12=as_3_12).encode()).hexdigest()


def tree_text(node: object, *, as_3_12: bool = False) -> str:
    """Returns a tree of statements as text, the same on every version of Python: ``ast.dump`` as 3.11 writes it.

    3.12 knows parameters of types, and adds an empty list of them to every class and function, as is done here with
    ``as_3_12``; 3.13 leaves empty lists out.
    """
    if isinstance(node, list):
        return f"[{', '.join(tree_text(one, as_3_12=as_3_12) for one in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for name in node._fields:
        value = getattr(node, name, None)
        optional = value is None and getattr(type(node), name, ...) is None
        if not (optional or (name == "type_params" and not value)):
            parts.append(f"{name}={tree_text(value, as_3_12=as_3_12)}")
    typed = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    if as_3_12 and typed and not getattr(node, "type_params", None):
        parts.append("type_params=[]")
    return f"{type(node).__name__}({', '.join(parts)})"


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text by itself: a docstring, or the words below an attribute."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
