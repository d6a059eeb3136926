"""Archives of arrays (``.npz``) that anybody may have made: looked at before anything is unpacked.

A few kilobytes may say of themselves that they unpack to terabytes. Nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

MOST = 2**31
"""The most bytes that the arrays of an archive may have together."""


def read_arrays(source: bytes | BinaryIO, most: int | None = None) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an ``.npz`` by name; ValueError, one line, where it is none that can be read.

    ``most`` (``MOST``) is how many bytes all arrays may have together. What the archive says of its members is
    believed, for no more than that is unpacked of them.
    """
    most = MOST if most is None else most
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    if not zipfile.is_zipfile(stream):
        raise ValueError("it is no .npz file")
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if (total := sum(member.file_size for member in members)) > most:
                raise ValueError(f"it unpacks to {total:,} bytes, and {most:,} are the most")
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member), member.filename)
                for member in members
            }
    except ValueError:
        raise
    except Exception as error:  # a damaged archive raises whatever its reader stumbles over
        raise ValueError(f"{type(error).__name__}: {error or 'no message'}") from error


def _array(content: bytes, name: str) -> NDArray[Any]:
    """Returns the array of an ``.npy`` file whose header fits its length."""
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(stream)
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or dtype.hasobject or len(content) - stream.tell() != expected:
        raise ValueError(f"{name} has not the {expected:,} bytes of an array {shape} of {dtype}")
    stream.seek(0)
    array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array
