"""Pictures turned by a right angle as classes of their own, by which Omniglot is often enlarged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Transpose

from fewshot_bench.data.index import ImageIndex

if TYPE_CHECKING:
    from PIL.Image import Image

ANGLES = (0, 90, 180, 270)
"""Degrees, counter-clockwise."""

_TURN = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}


@dataclass(frozen=True)
class RotatedReader:
    """Gives the picture of row 4·i + r: row i of ``reader``, turned by ``ANGLES[r]`` degrees."""

    reader: Callable[[int], Image]

    def __call__(self, row: int) -> Image:
        picture, angle = self.reader(row // len(ANGLES)), ANGLES[row % len(ANGLES)]
        return picture.transpose(_TURN[angle]) if angle else picture


def with_rotations(index: ImageIndex, notes: tuple[str, ...] = ()) -> ImageIndex:
    """Returns an index of 4·M images and 4·C classes, one class for each rotation.

    The class ``NAME/rot090`` holds the pictures of NAME turned by 90 degrees, in the split of NAME. The path of a
    turned picture ends in ``#rot090``, and its digest is the sha256 of the picture's own digest and of
    ``rot090``; a picture that is not turned keeps path and digest. ``notes`` replace those of the index.
    """
    turns = len(ANGLES)
    names = [f"rot{angle:03d}" for angle in ANGLES]
    labels = (turns * index.labels[:, None] + np.arange(turns)).ravel().astype(np.int32)
    groups = (turns * index.groups[:, None] + np.arange(turns)).ravel()
    return replace(
        index,
        paths=tuple(
            path + (f"#{name}" if name != names[0] else "") for path in index.paths for name in names
        ),
        labels=labels,
        class_names=tuple(f"{label}/{name}" for label in index.class_names for name in names),
        class_splits=tuple(split for split in index.class_splits for _ in names),
        families=tuple(family for family in index.families for _ in names),
        pools=np.repeat(index.pools, turns),
        groups=groups.astype(np.int64),
        positions=np.repeat(index.positions, turns),
        guards=np.repeat(index.guards, turns),
        digests=np.frombuffer(
            b"".join(_turned(digest.tobytes(), name) for digest in index.digests for name in names), np.uint8
        ).reshape(-1, 32),
        test=None if index.test is None else np.repeat(index.test, turns),
        reader=RotatedReader(index.reader),
        notes=notes or index.notes,
    )


def _turned(digest: bytes, name: str) -> bytes:
    return digest if name == "rot000" else hashlib.sha256(digest + name.encode()).digest()
