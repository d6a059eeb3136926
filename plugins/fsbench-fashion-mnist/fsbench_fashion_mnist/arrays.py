"""The arrays of Fashion-MNIST's files: IDX as published, and the CSV files of Kaggle."""

from __future__ import annotations

import gzip
import itertools
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import FsbenchError, open_regular, open_text

Array = NDArray[np.uint8]
SIDE = 28
MOST = 1 << 28
"""Bytes of the largest array that is read; the published training pictures have 47 million."""


def read_idx(path: Path) -> Array:
    """Returns the uint8 array of an IDX file, which is gzipped when its name ends in .gz.

    The file has two zero bytes, the type (8 for unsigned bytes), the number of axes, the length of each axis as
    a big-endian 32-bit number, and the values (http://yann.lecun.com/exdb/mnist). Raises FsbenchError for
    anything else.
    """
    try:
        with open_regular(path) as stream:
            plain = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
            data = plain.read(MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FsbenchError(f"{path} cannot be read ({error}): restore the published file.") from error
    if len(data) > MOST:
        raise FsbenchError(f"{path} has more than {MOST:,} bytes: restore the published file.")
    start = 4 + 4 * data[3] if len(data) > 3 else 4
    if data[:3] != b"\0\0\x08" or len(data) < start:
        raise FsbenchError(f"{path} is no IDX file of unsigned bytes: restore the published file.")
    shape = [int.from_bytes(data[i : i + 4]) for i in range(4, start, 4)]
    values = np.frombuffer(data, dtype=np.uint8, offset=start)
    if values.size != int(np.prod(shape, dtype=object)):
        raise FsbenchError(
            f"{path} has {values.size} values and its header says {' x '.join(map(str, shape))}: restore the "
            "published file."
        )
    return values.reshape(shape)


def read_table(path: Path) -> tuple[Array, Array]:
    """Returns labels ``[M]`` and pictures ``[M, 28, 28]`` of a CSV file label,pixel1,…,pixel784 with values 0…255."""
    try:
        with open_text(path) as file:
            header = file.readline().strip().split(",")
            if header != ["label", *(f"pixel{i + 1}" for i in range(SIDE * SIDE))]:
                raise FsbenchError(
                    f"The header of {path} begins with {','.join(header[:3])!r} and has {len(header)} columns, not "
                    f"label,pixel1,…,pixel{SIDE * SIDE}: restore the published file."
                )
            first = file.readline()
            if not first.strip():
                raise FsbenchError(f"{path} lists no pictures: restore the published file.")
            numbers = np.loadtxt(itertools.chain([first], file), dtype=np.int64, delimiter=",", ndmin=2)
            if numbers.min() < 0 or numbers.max() > 255:  # numpy 1 would take them modulo 256
                raise ValueError(f"it has the number {numbers[(numbers < 0) | (numbers > 255)][0]}")
            values = numbers.astype(np.uint8)
    except (OSError, ValueError) as error:
        raise FsbenchError(f"{path} cannot be read as a table of numbers from 0 to 255 ({error}).") from error
    return values[:, 0], values[:, 1:].reshape(-1, SIDE, SIDE)
