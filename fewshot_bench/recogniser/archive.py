"""The file of a recogniser: a zip of JSON and safetensors that knows its checksums; nothing in it is code.

It has three members, none of them compressed: ``recogniser.json`` (facts), ``references.safetensors`` (arrays) and
``SHA256SUMS``, the digests of the other two as ``sha256sum`` writes them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import read_regular, why, write_atomic

FORMAT, VERSION = "fsbench-recogniser", 1
FACTS, ARRAYS, SUMS = "recogniser.json", "references.safetensors", "SHA256SUMS"

MOST_BYTES = 1 << 33
"""Bytes of the largest file that is read."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that equal contents are equal files."""


def write_recogniser(path: Path, facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Writes the file atomically: a kill leaves the old one or the new one."""
    from safetensors.numpy import save

    told = {"format": FORMAT, "version": VERSION, **facts}
    members = {
        FACTS: json.dumps(told, indent=1, sort_keys=True).encode(),
        ARRAYS: save({name: np.ascontiguousarray(array) for name, array in arrays.items()}),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {**members, SUMS: sums.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), data)
    write_atomic(path, lambda out: out.write(stream.getbuffer()))


def read_recogniser(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Returns the facts and arrays of a file; UsageError or FsbenchError, one sentence, where it is none of ours."""
    try:
        data = read_regular(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no recogniser {path}; make one with `fsbench fit FOLDER -o {path}`."
        ) from error
    except OSError as error:
        raise UsageError(f"The recogniser {path} cannot be read ({why(error)}): check the path.") from error
    try:
        members = _members(data)
        facts = json.loads(members[FACTS])
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ValueError("it does not say that it is one")
    except Exception as error:  # a damaged archive raises whatever its reader stumbles over
        raise FsbenchError(
            f"{path} is no sound recogniser ({_line(error)}): fit it again with `fsbench fit FOLDER -o {path}`."
        ) from error
    if facts.get("version") != VERSION:
        raise FsbenchError(
            f"{path} is a recogniser of format {facts.get('version')!r}, and this fsbench reads {VERSION}: "
            f"upgrade fewshot-bench, or fit it again with `fsbench fit FOLDER -o {path}`."
        )
    from safetensors.numpy import load

    try:
        return facts, dict(load(members[ARRAYS]))
    except Exception as error:  # whatever safetensors says of a damaged header
        raise FsbenchError(
            f"{path} is no sound recogniser ({_line(error)}): fit it again with `fsbench fit FOLDER -o {path}`."
        ) from error


def _members(data: bytes) -> dict[str, bytes]:
    """Returns the members of an archive; ValueError where one is missing, packed, or not as its digest says."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise ValueError("it is no zip file")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if sorted(info.filename for info in infos) != sorted((FACTS, ARRAYS, SUMS)):
            raise ValueError("it has other members")
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("a member is packed")
        members = {info.filename: archive.read(info) for info in infos}
    for line in members[SUMS].decode().splitlines():
        digest, _, name = line.partition("  ")
        if hashlib.sha256(members[name]).hexdigest() != digest:
            raise ValueError(f"{name} does not fit its checksum")
    if len(members[SUMS].splitlines()) != 2:
        raise ValueError("it has not two checksums")
    return members


def _line(error: Exception) -> str:
    """Returns an exception on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
