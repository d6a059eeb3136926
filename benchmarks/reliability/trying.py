"""Trying one input: what it is made of, how it is damaged, and how a command or a data set takes it."""

from __future__ import annotations

import contextlib
import copy
import io
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fewshot_bench.cli import guarded
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.errors import UNSEEN, FsbenchError

ODD = (
    "", " ", "0", "-1", "1", "2", "5", "1e9", "1e400", "nan", "inf", "-inf", "NaN", "9" * 30, "9" * 5000, "0x10", "1_0",
    "٣", "all", "none", "true", "x", "../x", "a/b", "x=y", "=", "==", "\x1b[31mred", "a\nb", "\x00", "\udcff",
    "\u202eb",    "ä" * 300, "--help", "%s", "{0}", "digits", "no-such:thing", ":", "digits:", "1.5", "None", "[]", '"',
)  # fmt: skip
"""Texts that have broken programs before."""

words = st.one_of(st.sampled_from(ODD), st.text(max_size=12))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)


@dataclass(frozen=True)
class Family:
    """A kind of input: ``strategy`` makes inputs, ``attempt`` uses one in a folder and says how it ended.

    ``attempt`` returns ``equal`` for a result, ``sentence: …``, or anything else for what should not be.
    """

    name: str
    strategy: st.SearchStrategy[Any]
    attempt: Callable[[Path, Any], str]


def command(place: Path, *line: str, named: str = "") -> str:
    """Runs a command line in this process and says how it ended; a sentence has to name ``named``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            status = guarded([str(word) for word in line], debug=False)
        except BaseException as error:
            return f"raw {type(error).__name__}: {error}"
    shown, said = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))
    if status not in (0, 1, 2) or "traceback" in said.lower() or "Errno" in said or "KeyError" in said:
        return f"raw status {status}: {said[-300:]}"
    if UNSEEN.search((shown + said).replace("\n", "").replace("\t", "")):
        return f"raw control character in {shown + said!r:.200}"
    if left := [path for path in place.rglob("*") if path.name.endswith(".part")]:
        return f"a part of a file was left: {left[0]}"
    if status == 0:
        return "equal"
    return f"sentence: {said}" if named in said + shown else f"raw: {named} is not named in {said[-300:]}"


def loaded(place: Path, name: str, *more: Any, named: str = "") -> str:
    """Loads a data set, shows its card and says how that ended."""
    shown = command(place, "datasets", name, *more, "--json")
    if shown != "equal":
        return shown
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            open_dataset(name, data_root=Path(more[1]) if more else None)
    except FsbenchError as error:
        said = named in str(error) or str(place) in str(error)
        return f"sentence: {error}" if said else f"raw: {named} is not named in {error}"
    except BaseException as error:
        return f"raw {type(error).__name__}: {error}"
    return "equal"


def changed(value: Any, seed: int, other: Any) -> Any:
    """Returns JSON with the value at a random place replaced, removed, or with one more key."""
    rng, made = random.Random(seed), copy.deepcopy(value)
    node, steps = made, rng.randrange(1, 4)
    for step in range(steps):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = rng.choice(keys)
        if step < steps - 1 and isinstance(node[key], dict | list) and node[key]:
            node = node[key]
        elif rng.random() < 0.3 and isinstance(node, dict):
            del node[key]
            break
        else:
            node[key] = other
            break
    return made


def damaged(content: bytes, seed: int) -> bytes:
    """Returns bytes with some of them changed, cut short or repeated."""
    rng, made = random.Random(seed), bytearray(content)
    for _ in range(rng.randrange(1, 8)):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)
    if rng.random() < 0.3:
        made = made[: rng.randrange(len(made) + 1)]
    return bytes(made)


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of an archive."""
    with np.load(path) as stored:
        return dict(stored)


def other_array(array: np.ndarray, seed: int) -> np.ndarray:
    """Returns an array of another type, shape or content."""
    rng = np.random.default_rng(seed)
    kinds = ("i1", "u1", "<i8", ">i4", "f4", "f8", "c16", "?", "U3", "S2", "M8[s]")
    how = rng.integers(5)
    if how == 0:
        return rng.integers(0, 5, tuple(rng.integers(0, 4, rng.integers(0, 4)))).astype(
            kinds[seed % len(kinds)]
        )
    if how == 1 and array.size:
        made = array.copy().reshape(-1)
        made[rng.integers(len(made))] = rng.integers(0, 100) if array.dtype.kind in "iufc" else made[0]
        return made.reshape(array.shape)
    if how == 2:
        return array[..., None]
    if how == 3:
        return array[:0] if array.ndim else array
    return array.astype("U9") if array.dtype.kind != "U" else np.zeros(2)
