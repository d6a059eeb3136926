"""Messages between two processes: a JSON object and numeric arrays as raw bytes. Nothing is unpickled.

A message is the length of its head (8 bytes, little-endian), the head in JSON, and the bytes of its arrays one after
the other. The head names each array, its type and its shape.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

Arrays = dict[str, NDArray[Any]]

LONGEST_HEAD, LARGEST = 2**30, 2**37
"""Bytes of a head, and of all arrays of a message, beyond which it is refused."""


class WireError(FsbenchError):
    """The other process ended, or wrote something that is no message."""


def send(stream: BinaryIO, head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> None:
    """Writes one message; raises OSError where the other process is gone."""
    ordered = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    described = [[name, array.dtype.str, array.shape] for name, array in ordered.items()]
    text = json.dumps({"head": dict(head), "arrays": described}).encode("ascii")
    stream.write(len(text).to_bytes(8, "little") + text)
    for array in ordered.values():
        stream.write(array.reshape(-1).view(np.uint8).data)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Arrays]:
    """Returns the head and the arrays of one message; raises WireError for the end of the stream and for no message."""
    length = int.from_bytes(exactly(stream, 8), "little")
    if length > LONGEST_HEAD:
        raise WireError(f"the head of a message claims {length} bytes")
    try:
        found = json.loads(exactly(stream, length))
        head, described = (
            dict(found["head"]),
            [(str(n), np.dtype(d), tuple(s)) for n, d, s in found["arrays"]],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"a message cannot be read ({error})") from error
    sizes = [allowed(dtype, shape) for _, dtype, shape in described]
    if sum(sizes) > LARGEST:
        raise WireError(f"the arrays of a message claim {sum(sizes)} bytes")
    arrays: Arrays = {}
    for (name, dtype, shape), size in zip(described, sizes, strict=True):
        arrays[name] = np.frombuffer(exactly(stream, size), dtype).reshape(shape)
    return head, arrays


def allowed(dtype: np.dtype[Any], shape: tuple[Any, ...]) -> int:
    """Returns the bytes of an array; raises WireError for a type that is not numeric and for no shape."""
    if dtype.kind not in "biufc" or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise WireError(f"an array of type {dtype} and shape {shape} is none of numbers")
    return int(math.prod(shape) * dtype.itemsize)


def exactly(stream: BinaryIO, count: int) -> bytearray:
    """Returns the next ``count`` bytes; raises WireError where the stream ends before."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        read = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not read:
            raise WireError("the other process closed the connection")
        done += read
    return data
