"""The record store: a folder of JSON files with arrays beside them; both files of a record belong together.

The JSON file holds ``arrays_sha256``, of the bytes of the arrays' file, and ``record_sha256``, of its own other
keys. A damaged file, or arrays of another run, are therefore refused when a record is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.archives import MOST, read_arrays
from fewshot_bench.errors import FsbenchError, UsageError, printable
from fewshot_bench.files import read_regular, why, write_atomic
from fewshot_bench.records.arrays import Arrays, check
from fewshot_bench.records.fields import count, lacking, misfit
from fewshot_bench.records.names import DIGITS, record_path
from fewshot_bench.records.pack import pack, unpack
from fewshot_bench.records.record import SCHEMA_VERSION, Record
from fewshot_bench.records.schema_1 import MIGRATIONS
from fewshot_bench.records.text import encode, plain

NEEDED = (
    "identity",
    "method",
    "protocol",
    "dataset",
    "variant",
    "ways",
    "shots",
    "episodes_sha256",
    "accuracy",
)
STORED = ("arrays_sha256", "record_sha256")
"""Keys of the JSON file that a record in memory does not have."""

LONGEST = 2**28
"""The most bytes of the JSON file of a record."""

LARGE = 2**18
"""Bytes of an array from which on it is compressed in less time: none of 600 episodes has so many."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive, so that equal arrays are equal bytes."""


def save(record: Record, results: Path) -> Path:
    """Writes a record below ``results`` and returns the path of its JSON file.

    A number that is not finite is stored as null, and the key ``not_finite`` says where and what it was; in a score
    it is an error. Raises FsbenchError, one sentence, before anything is written where the record cannot be stored,
    and with both old files as they were where the folder cannot be written to or the disk is full.
    """
    archive = archive_of(pack(record.arrays))
    text = text_of(record.data, archive)
    path = results / _own_path(record.data, results)
    staging = path.parent / f".{path.stem[:80]}.{secrets.token_hex(4)}"
    staged = {path.with_suffix(".npz"): archive, path: text}
    try:
        for target, content in staged.items():
            write_atomic(staging / target.name, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
        _exchange(list(staged), staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return path


def archive_of(packed: Arrays) -> bytes:
    """Returns the bytes of an ``.npz`` file: a zip archive that ``numpy.load`` reads.

    Arrays are compressed by LZMA; those of more than ``LARGE`` bytes by deflate, which takes a tenth of the time.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in packed.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            content = member.getvalue()
            how = (zipfile.ZIP_LZMA, None) if len(content) <= LARGE else (zipfile.ZIP_DEFLATED, 1)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), content, *how)
    return stream.getvalue()


def text_of(data: dict[str, Any], archive: bytes) -> bytes:
    """Returns the bytes of the JSON file of a record whose arrays' file is ``archive``."""
    missing: dict[str, str] = {}
    made = plain(data, "", missing)
    for key in NEEDED:
        if made.get(key) is None:
            raise FsbenchError(
                f"The record lacks {key!r}, so that it cannot be stored; this is a bug of its maker."
            )
    for place, was in missing.items():
        if place.startswith(("accuracy.", "map.")):
            raise FsbenchError(
                f"{place} of the record is {was}, which is no result; the scores of {made['method']} must be mended."
            )
    if missing:
        made["not_finite"] = {**made.get("not_finite", {}), **missing}
    made["arrays_sha256"] = hashlib.sha256(archive).hexdigest()
    made["record_sha256"] = digest(made)
    return encode(made, indent=2) + b"\n"


def digest(data: dict[str, Any]) -> str:
    """Returns the sha256 (hex) of a record's keys but its own, whatever their order and the layout of the text."""
    rest = {key: value for key, value in data.items() if key != "record_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def read(path: Path) -> Record:
    """Returns the record of a JSON file and the arrays beside it, of any known schema as one of the current schema.

    Raises FsbenchError, one sentence with the command to run again, for a damaged file and for arrays that are of
    another run.
    """
    data = _read_json(path)
    version = data["schema_version"]
    beside = path.with_suffix(".npz")
    command = data.get("command")
    again = f"run again: {command}" if command and isinstance(command, str) else "run the same command again"
    try:
        archive = read_regular(beside, MOST)
    except OSError as error:
        raise FsbenchError(
            printable(
                f"The arrays of the record {path} cannot be read from {beside.name} ({why(error)}); {again}"
            )
        ) from error
    if version >= 2:
        if data.get("record_sha256") != digest(data):
            raise FsbenchError(
                printable(f"{path} was damaged or changed after it was written; restore it, or {again}")
            )
        if data["arrays_sha256"] != hashlib.sha256(archive).hexdigest():
            raise FsbenchError(
                printable(
                    f"The arrays in {beside} are damaged or those of another run than {path.name}; {again}"
                )
            )
    try:
        arrays: Arrays = read_arrays(archive)
        arrays = unpack(arrays) if version >= 2 else arrays
    except Exception as error:  # a damaged archive or array raises whatever its reader stumbles over
        raise FsbenchError(
            printable(
                f"The arrays of the record {path} cannot be read from {beside.name} ({reason(error)}); {again}"
            )
        ) from error
    data = {key: value for key, value in data.items() if key not in STORED}
    try:
        while version < SCHEMA_VERSION:
            data, arrays = MIGRATIONS[version](data, arrays)
            version += 1
    except Exception as error:  # what schema 1 holds was never checked
        raise FsbenchError(
            printable(f"{path} is no sound record of schema {version} ({reason(error)}); {again}")
        ) from error
    if odd := misfit(data):
        raise FsbenchError(printable(f"{path} is no sound record: {odd}; {again}"))
    try:
        check(arrays)
    except Exception as error:  # arrays of any type and shape
        raise FsbenchError(
            printable(f"The arrays in {beside} are those of no record: {reason(error)}")
        ) from error
    return Record(data, arrays)


def reason(error: Exception) -> str:
    """Returns an exception as words; a KeyError is the name of a thing and no sentence."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return str(error) or type(error).__name__


def read_all(places: list[Path]) -> list[Record]:
    """Returns all records at ``places``, files or folders searched to any depth, in the order of their paths."""
    return [read(path) for path in record_files(places)]


def read_sound(places: list[Path]) -> tuple[list[Record], list[str]]:
    """Returns the records at ``places`` that a table can show, and a sentence for each file that is none.

    One damaged file costs nobody else a place in the table.
    """
    found = [made for _, made in read_each(places)]
    return [one for one in found if isinstance(one, Record)], [one for one in found if isinstance(one, str)]


def read_each(places: list[Path]) -> Iterator[tuple[Path, Record | str]]:
    """Yields each file at ``places`` with its record, or with a sentence where a table cannot show it."""
    for path in record_files(places):
        try:
            record = read(path)
        except FsbenchError as error:
            yield path, str(error)
            continue
        lacks = lacking(record.data)
        yield path, printable(f"{path} cannot be shown in a table: {lacks}.") if lacks else record


def record_files(places: list[Path]) -> list[Path]:
    """Returns the JSON files at ``places``; UsageError where a place does not exist. Hidden ones are left out."""
    files: list[Path] = []
    for place in places:
        try:
            there = place.exists()
        except (OSError, ValueError):  # a name that no file can have
            there = False
        if not there:
            raise UsageError(printable(f"There are no records at {place}: no such file or folder."))
        found = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        files += [p for p in found if not any(part.startswith(".") for part in p.relative_to(place).parts)]
    return files


def schema_of(path: Path) -> int:
    """Returns the schema version of a record's JSON file; FsbenchError where it is no record."""
    return int(_read_json(path)["schema_version"])


def _read_json(path: Path) -> dict[str, Any]:
    """Returns the dictionary in the JSON file of a record of any known schema; FsbenchError for anything else."""
    try:
        data = json.loads(read_regular(path, LONGEST))
    except OSError as error:
        raise FsbenchError(printable(f"Cannot read the record {path}: {why(error)}.")) from error
    except (ValueError, RecursionError) as error:
        raise FsbenchError(printable(f"{path} is not a record: it holds no JSON ({error}).")) from error
    if not isinstance(data, dict):
        raise FsbenchError(
            printable(f"{path} is not a record: it holds a JSON {type(data).__name__}, not an object.")
        )
    version = data.get("schema_version")
    if not count(version) or not version or not {"method", "episodes_sha256"} <= data.keys():
        raise FsbenchError(
            printable(f"{path} is not an fsbench record: it lacks schema_version, method or episodes_sha256.")
        )
    if version > SCHEMA_VERSION:
        raise FsbenchError(
            printable(f"{path} has schema version {version} and this release reads up to {SCHEMA_VERSION}; ")
            + "update fewshot-bench."
        )
    if version >= 2 and not {*NEEDED, *STORED} <= data.keys():
        raise FsbenchError(
            printable(f"{path} is no complete record; it lacks {sorted({*NEEDED, *STORED} - data.keys())}.")
        )
    return data


def _own_path(data: dict[str, Any], results: Path) -> Path:
    """Returns the path of a record: with more digits of its identity where another's file has the same name."""
    for digits in (DIGITS, 2 * DIGITS, len(data["identity"])):
        path = record_path(data, digits)
        try:
            other = json.loads((results / path).read_bytes()).get("identity")
        except (OSError, ValueError, AttributeError):
            return path
        if other == data["identity"]:
            return path
    return path


def _exchange(targets: list[Path], staging: Path) -> None:
    """Puts the files of the same names in ``staging`` in the place of ``targets``, arrays before JSON.

    The old files are moved aside first, JSON before arrays, and come back where anything fails. Whatever moment
    the process is killed at, no JSON file is beside arrays that are not its own.
    """
    aside: list[Path] = []
    placed: list[Path] = []
    try:
        for target in reversed(targets):
            with contextlib.suppress(FileNotFoundError):
                os.replace(target, staging / f"old-{target.name}")  # noqa: PTH105
                aside.append(target)
        for target in targets:
            os.replace(staging / target.name, target)  # noqa: PTH105
            placed.append(target)
    except BaseException as error:
        for target in reversed(placed):
            target.unlink(missing_ok=True)
        for target in reversed(aside):
            os.replace(staging / f"old-{target.name}", target)  # noqa: PTH105
        if isinstance(error, OSError):
            raise FsbenchError(
                f"Cannot write {targets[-1]}: {why(error)}; run the same command again."
            ) from error
        raise
