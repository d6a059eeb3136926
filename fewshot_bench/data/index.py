"""ImageIndex: everything the suite knows of a data set without opening a picture again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data import sound
from fewshot_bench.errors import FsbenchError
from fewshot_bench.notebook import facts

if TYPE_CHECKING:
    from PIL.Image import Image

SUPPORT, QUERY, BOTH = 1, 2, 3
"""Bits of ``ImageIndex.pools``: which side of an episode an image may stand on."""

_MOST = 2**62  # sums and differences of two stay within int64


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """The arrays over the M images of a data set and its C classes.

    Each value is checked when an index is made: FsbenchError names the first that does not fit.

    Parameters
    ----------
    name, variant : the registered name of the data set, and which of its variants this is.
    paths : M names, relative to the data set's root, with forward slashes; unique.
    labels : int32 [M], indices into ``class_names``.
    class_names : C unique names.
    class_splits : C values of ``SPLITS`` (``split_names.py``); other libraries' names for them are understood.
    pools : uint8 [M], bits ``SUPPORT`` and ``QUERY``.
    groups : int64 [M], images of one group never stand on both sides of an episode.
    positions : int64 [M], the place of an image in its class's sequence (0 without a sequence).
    guards : int64 [C], the least distance in positions between a support and a query image (0 for none).
    digests : uint8 [M, 32], sha256 of the image's content (bytes of the file, or recipe of a drawn one).
    reader : a function from a row number to the RGB picture that a person sees.
    synthetic : whether the pictures are drawn and not photographed.
    notes : sentences for the record (how groups were derived, which variant was found, …).
    unreadable : (path, reason) of images left out.
    test : bool [M], the pictures of the published test set; None where no train/test split is published.
        It is part of no fingerprint: it counts once it has become the pools (see ``data/split.py``).
    seen_by : pretraining data that contains the classes (``("ImageNet",)``). Methods that name one of them in
        their ``pretraining`` are marked in records and leaderboards. It is part of no fingerprint.
    families : C names of what classes belong to, such as a brand or an alphabet; empty where that is not known.
        Intervals over families come from them. They are part of no fingerprint.
    check : a function that is called with the paths about to be used, where the files were not looked at in
        making this index (see ``data/snapshot.py``). It raises FsbenchError when one is not what was indexed.
    """

    name: str
    variant: str
    paths: tuple[str, ...]
    labels: NDArray[np.int32]
    class_names: tuple[str, ...]
    class_splits: tuple[str, ...]
    pools: NDArray[np.uint8]
    groups: NDArray[np.int64]
    positions: NDArray[np.int64]
    guards: NDArray[np.int64]
    digests: NDArray[np.uint8]
    reader: Callable[[int], Image] = field(repr=False)
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    test: NDArray[np.bool_] | None = None
    seen_by: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    check: Callable[[Iterable[str]], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for what in ("name", "variant"):
            sound.names((getattr(self, what),), what, "An ImageIndex")
        where, put = f"The data set {self.name} ({self.variant})", partial(object.__setattr__, self)
        put("paths", paths := sound.names(self.paths, "paths", where))
        put("class_names", classes := sound.names(self.class_names, "class_names", where))
        put("class_splits", sound.splits(self.class_splits, classes, where))
        pictures: tuple[int, str] = len(paths), "pictures"
        for what, (count, of), dtype, low, high in (
            ("labels", pictures, "int32", 0, len(classes) - 1),
            ("pools", pictures, "uint8", 0, BOTH),
            ("groups", pictures, "int64", 0, _MOST),
            ("positions", pictures, "int64", -_MOST, _MOST),
            ("guards", (len(classes), "classes"), "int64", 0, _MOST),
        ):
            values = getattr(self, what)
            kept = sound.whole_numbers(
                values, what, where, count=count, of=of, dtype=dtype, low=low, high=high
            )
            put(what, kept)
        sound.no_class_empty(self.labels, classes, where)
        if self.families:
            put("families", sound.families(self.families, classes, where))
        put("digests", sound.digest_table(self.digests, paths, where))
        if self.test is not None:
            put("test", sound.flags(self.test, len(paths), where))
        if not callable(self.reader):
            raise FsbenchError(
                f"{where} has the reader {self.reader!r}: give a function from a row to its picture."
            )

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 (hex) over the name, variant, paths, classes and all arrays; equal values mean equal data."""
        sha = hashlib.sha256(b"fsbench-index-1\n")
        for text in (self.name, self.variant, *self.class_names, *self.class_splits, *self.paths):
            data = text.encode("utf-8", "surrogateescape")
            sha.update(len(data).to_bytes(8, "little") + data)
        arrays = (self.labels, self.pools, self.groups, self.positions, self.guards, self.digests)
        for array, kind in zip(arrays, ("<i4", "u1", "<i8", "<i8", "<i8", "u1"), strict=True):
            sha.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return sha.hexdigest()

    def require_current(self, rows: Iterable[int] | None = None) -> None:
        """Raises FsbenchError when the file of one of ``rows`` (None for all) changed since it was indexed."""
        if self.check is not None:
            self.check(self.paths if rows is None else [self.paths[row] for row in rows])

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the numbers of classes and pictures, the splits, the notes."""
        splits = {split: self.class_splits.count(split) for split in dict.fromkeys(self.class_splits)}
        rows = [
            ("variant", self.variant),
            ("classes", ", ".join(f"{count:,} {split}" for split, count in splits.items())),
            ("pictures", f"{len(self):,}"),
            ("groups", f"{len(np.unique(self.groups)):,}"),
            ("drawn by a program", "yes" if self.synthetic else ""),
            ("fingerprint", self.fingerprint[:16]),
            *(("note", note) for note in self.notes),
        ]
        return facts(f"Data set {self.name}", rows)

    def only(self, split: str) -> ImageIndex:
        """Returns the same data set with the classes of one split (``base``, ``validation``, ``novel``, ``all``)."""
        keep = np.flatnonzero(np.array([s == split for s in self.class_splits], dtype=bool))
        return self.take_classes(keep)

    def take_classes(self, classes: NDArray[np.integer]) -> ImageIndex:
        """Returns the sub-index of some classes (indices into ``class_names``, kept in their order)."""
        renumber = np.full(len(self.class_names), -1, dtype=np.int32)
        renumber[classes] = np.arange(len(classes), dtype=np.int32)
        rows = np.flatnonzero(renumber[self.labels] >= 0)
        reader = self.reader
        return replace(
            self,
            paths=tuple(self.paths[i] for i in rows),
            labels=renumber[self.labels[rows]],
            class_names=tuple(self.class_names[c] for c in classes),
            class_splits=tuple(self.class_splits[c] for c in classes),
            pools=self.pools[rows],
            groups=self.groups[rows],
            positions=self.positions[rows],
            guards=self.guards[classes],
            families=tuple(self.families[c] for c in classes) if self.families else (),
            digests=self.digests[rows],
            test=None if self.test is None else self.test[rows],
            reader=lambda row: reader(int(rows[row])),
        )
