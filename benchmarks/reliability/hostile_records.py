"""Hostile records and manifests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from benchmarks.reliability.trying import (
    Family,
    arrays_of,
    changed,
    command,
    damaged,
    other_array,
    values,
)
from fewshot_bench.records.store import archive_of, digest


def record_family(place: Path) -> Family:
    """Records: the JSON and the arrays, changed with digests that fit, and damaged."""
    (sound,) = (place / "results").rglob("*.json")
    data, arrays = json.loads(sound.read_bytes()), arrays_of(sound.with_suffix(".npz"))

    def attempt(folder: Path, made: tuple[str, int, Any, str]) -> str:
        how, seed, value, style = made
        new, packed = data, dict(arrays)
        if how in ("field", "schema 1"):
            new = changed(data, seed, value)
            new = new | {"schema_version": 1} if how == "schema 1" else new
        if how == "arrays":
            name = sorted(packed)[seed % len(packed)]
            packed[name] = other_array(packed[name], seed)
        archive = archive_of(packed)
        if how == "archive":
            archive = damaged(archive, seed)
        new = new | {"arrays_sha256": hashlib.sha256(archive).hexdigest()}
        text = json.dumps(new | {"record_sha256": digest(new)}).encode("utf-8", "surrogatepass")
        (folder / "odd.json").write_bytes(damaged(text, seed) if how == "text" else text)
        (folder / "odd.npz").write_bytes(archive)
        first = command(folder, "leaderboard", folder, "--format", style, named="odd.")
        second = command(folder, "compare", folder / "odd.json", folder / "odd.json")
        return second if second.startswith("raw") else first

    hows = st.sampled_from(("field", "field", "arrays", "archive", "text", "schema 1"))
    styles = st.sampled_from(("md", "csv", "json", "html"))
    return Family("record", st.tuples(hows, st.integers(0, 2**32), values, styles), attempt)


def manifest_family(place: Path) -> Family:
    """Manifests: arrays of other types, shapes and contents, another spec, damaged bytes."""
    sound = place / "sound.npz"
    arrays, content = arrays_of(sound), sound.read_bytes()

    def attempt(folder: Path, made: tuple[str, int, Any]) -> str:
        how, seed, value = made
        path, new = folder / "odd.npz", dict(arrays)
        if how == "bytes":
            path.write_bytes(damaged(content, seed))
        else:
            if how == "spec":
                new["spec"] = np.array(json.dumps(changed(json.loads(str(arrays["spec"])), seed, value)))
            else:
                name = sorted(new)[seed % len(new)]
                new[name] = other_array(new[name], seed)
                if seed % 7 == 0:
                    del new[name]
            with path.open("wb") as stream:
                np.savez(stream, **new)
        shown = command(folder, "episodes", "info", path, named="odd.npz")
        used = command(
            folder,
            "episodes",
            "show",
            "--dataset",
            place / "shop",
            "--episodes-from",
            path,
            "-o",
            folder / "s.png",
        )
        return used if used.startswith("raw") else shown

    hows = st.sampled_from(("arrays", "arrays", "spec", "bytes"))
    return Family("manifest", st.tuples(hows, st.integers(0, 2**32), values), attempt)
