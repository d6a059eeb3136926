"""The file of a recogniser: a zip of JSON and safetensors that knows its checksums; nothing in it is code.

It has three members, none of them compressed: ``recogniser.json`` (facts), ``references.safetensors`` (arrays) and
``SHA256SUMS``, the digests of the other two as ``sha256sum`` writes them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

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


PIECE = 1 << 20
"""Bytes that are hashed and written at once."""

KINDS = {
    "uint64": "U64", "int64": "I64", "float64": "F64", "float32": "F32", "uint32": "U32", "int32": "I32",
    "float16": "F16", "uint16": "U16", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
"""The names that safetensors has for types, in the order of its files."""

Array = NDArray[Any] | list[NDArray[Any]]
"""An array, or blocks of its rows."""


def write_recogniser(path: Path, facts: dict[str, Any], arrays: Mapping[str, Array]) -> None:
    """Writes the file atomically: a kill leaves the old one or the new one.

    Arrays are written as they are; beside them memory holds ``PIECE`` bytes. Raises FsbenchError where the file cannot
    be written, and for an array of a type that safetensors has no name for.
    """
    told = json.dumps({"format": FORMAT, "version": VERSION, **facts}, indent=1, sort_keys=True).encode()
    blocks = {
        name: array if isinstance(array, list) else [np.atleast_1d(array)] for name, array in arrays.items()
    }
    order = sorted(blocks, key=lambda name: (_place(name, blocks[name][0].dtype), name))
    content: list[bytes | memoryview] = [
        _head(blocks, order),
        *(_bytes(block) for name in order for block in blocks[name]),
    ]
    write_atomic(path, lambda out: _write(out, {FACTS: [told], ARRAYS: content}))


def _write(out: BinaryIO, members: dict[str, list[bytes | memoryview]]) -> None:
    """Writes the members, each given in parts, and their digests."""
    sums = ""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, parts in members.items():
            info, digest = zipfile.ZipInfo(name, EARLIEST), hashlib.sha256()
            info.file_size = sum(map(len, parts))
            with archive.open(info, "w") as member:
                for part in parts:
                    for start in range(0, len(part), PIECE):
                        piece = part[start : start + PIECE]
                        digest.update(piece)
                        member.write(piece)
            sums += f"{digest.hexdigest()}  {name}\n"
        archive.writestr(zipfile.ZipInfo(SUMS, EARLIEST), sums)


def _head(blocks: Mapping[str, Sequence[NDArray[Any]]], order: list[str]) -> bytes:
    """Returns the head of a safetensors file: its length in 8 bytes, and JSON of types, shapes and places."""
    told, start = {}, 0
    for name in order:
        many, first = sum(map(len, blocks[name])), blocks[name][0]
        end = start + sum(block.nbytes for block in blocks[name])
        told[name] = {
            "dtype": KINDS[first.dtype.name],
            "shape": [many, *first.shape[1:]],
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _place(name: str, kind: np.dtype[Any]) -> int:
    """Returns the place of a type in the order of a file; FsbenchError for a type that it cannot hold."""
    if kind.name not in KINDS:
        raise FsbenchError(
            f"The array {name!r} of {kind} cannot be kept in a recogniser: make it float32 or int64."
        )
    return list(KINDS).index(kind.name)


def _bytes(block: NDArray[Any]) -> memoryview:
    """Returns the bytes of an array, in the order of its rows and the lowest byte of a number first."""
    plain = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<"))
    return plain.reshape(-1).view(np.uint8).data


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
