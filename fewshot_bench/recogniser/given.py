"""Pictures as a program has them: paths, PIL images, bytes of files, arrays, and lists of these."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.decode import decode, to_rgb
from fewshot_bench.data.memory import MAX_BYTES
from fewshot_bench.data.sound import CONTROL
from fewshot_bench.errors import UsageError
from fewshot_bench.files import read_regular, why
from fewshot_bench.prediction.pictures import find_pictures

if TYPE_CHECKING:
    from PIL.Image import Image

    from fewshot_bench.store.encoder import Encoder

AT_ONCE = 64
"""Pictures that are decoded before they are encoded."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture that was given: its ``name``, and the content it comes from."""

    name: str
    content: Any

    def opened(self) -> tuple[str, bytes, Image | None]:
        """Returns ("", sha256 of the content, RGB picture), or (why it cannot be used, b"", None)."""
        content = self.content
        if isinstance(content, Path):
            if CONTROL.search(str(content)):
                return "its name has a control character", b"", None
            try:
                content = read_regular(content, MAX_BYTES)
            except OSError as error:
                return f"cannot be opened: {why(error)}", b"", None
        if isinstance(content, bytes):
            reason, image = decode(content)
            return reason, hashlib.sha256(content).digest(), image
        if isinstance(content, np.ndarray):
            from PIL.Image import fromarray

            image = fromarray(content)
        else:
            image = content.copy()
        try:
            image = to_rgb(image)
        except (OSError, ValueError) as error:
            return f"cannot be read: {' '.join(str(error).split())}", b"", None
        head = f"{image.width}x{image.height}\n".encode()
        return "", hashlib.sha256(head + image.tobytes()).digest(), image


def given(pictures: Any) -> list[Shown]:
    """Returns the pictures of a path (a file or folder), a PIL image, bytes, an array, or a list of these.

    An array is uint8: ``[H, W]``, ``[H, W, 3]`` or ``[H, W, 4]``. Raises UsageError for anything else, and for a place
    that is not there.
    """
    found: list[Shown] = []
    several = isinstance(pictures, list | tuple | Iterator)
    for number, picture in enumerate(pictures if several else [pictures]):
        found += _one(picture, number)
    if not found:
        raise UsageError("There is no picture in the list; give one or more.")
    return found


def _one(picture: Any, number: int) -> list[Shown]:
    from PIL.Image import Image

    if isinstance(picture, str | os.PathLike):
        place = Path(picture).expanduser()
        if os.path.lexists(place) and not place.is_dir():  # whatever it is, it is named in its row
            return [Shown(str(place), place)]
        return [Shown(str(path), path) for path in find_pictures([place])]
    if isinstance(picture, Image):
        return [Shown(getattr(picture, "filename", "") or f"image {number + 1}", picture)]
    if isinstance(picture, bytes | bytearray | memoryview):
        return [Shown(f"bytes {number + 1}", bytes(picture))]
    if isinstance(picture, np.ndarray):
        shape = picture.shape
        if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and shape[2] in (3, 4))):
            raise UsageError(
                f"Picture {number + 1} is an array {shape} of {picture.dtype}; give uint8 of shape [H, W] or [H, W, 3]."
            )
        if not picture.size:
            raise UsageError(f"Picture {number + 1} is an array {shape} without pixels.")
        return [Shown(f"array {number + 1}", picture)]
    raise UsageError(
        f"Picture {number + 1} is a {type(picture).__name__}; give a path, a PIL image, the bytes of a file, or a "
        "uint8 array."
    )


@dataclass(frozen=True, eq=False)
class Encoded:
    """Some pictures that were given: their ``defects`` ("" where there is none), and of the sound ones what follows.

    ``vectors`` are float32 [S, D], ``digests`` uint8 [S, 32], ``places`` [S] their numbers among all.
    """

    defects: list[str]
    vectors: NDArray[np.float32]
    digests: NDArray[np.uint8]
    places: NDArray[np.int64]


def encoded(encoder: Encoder, shown: Sequence[Shown]) -> Encoded:
    """Decodes and encodes pictures; those that cannot be read have a defect and no vector."""
    from fewshot_bench.store.encoding import bare

    def prepared(one: Shown) -> tuple[str, bytes, NDArray[Any] | None]:
        defect, digest, image = one.opened()
        return defect, digest, None if image is None else encoder.prepare(bare(image))

    if len(shown) == 1:
        made = [prepared(shown[0])]
    else:
        with ThreadPoolExecutor(2, thread_name_prefix="fsbench-decode") as pool:
            made = list(pool.map(prepared, shown))
    places = [place for place, (_, _, picture) in enumerate(made) if picture is not None]
    pictures = [picture for _, _, picture in made if picture is not None]
    vectors = np.asarray(encoder.encode(np.stack(pictures))) if pictures else np.zeros((0, 0))
    digests = b"".join(made[place][1] for place in places)
    return Encoded(
        defects=[defect for defect, _, _ in made],
        vectors=vectors.astype(np.float32),
        digests=np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32),
        places=np.array(places, dtype=np.int64),
    )
