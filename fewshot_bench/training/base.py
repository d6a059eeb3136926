"""BaseData: what a method may train on. Labelled base classes, validation classes, unlabelled pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from PIL.Image import Image

VALIDATION_SHARE = 0.2
"""The share of classes kept for validation where a data set publishes no such split, drawn with a fixed seed."""


@dataclass(frozen=True, eq=False)
class BaseData:
    """Training data of one run, disjoint from everything it is evaluated on.

    ``train`` labelled base classes, ``validation`` classes to select on, ``unlabelled`` pictures (labels are
    there and mean nothing), ``name`` as people call it, ``others`` the names of further unlabelled sets.
    """

    name: str
    train: ImageIndex
    validation: ImageIndex
    unlabelled: ImageIndex
    others: tuple[str, ...] = ()

    def seen(self, *, labels: bool, unlabelled: bool) -> tuple[str, ...]:
        """Returns what weights trained on this saw, in words for the leaderboard: base classes, unlabelled sets."""
        base = f"{self.name} ({'base classes' if labels else 'unlabelled'})"
        return (base, *(f"{name} (unlabelled)" for name in self.others if unlabelled))

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of all three parts: the key of a checkpoint."""
        parts = (self.train.fingerprint, self.validation.fingerprint, self.unlabelled.fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def split_base(index: ImageIndex) -> tuple[ImageIndex, ImageIndex]:
    """Returns base and validation classes of a data set: as it publishes them, else a fifth of its classes apart."""
    if "base" in index.class_splits:
        base = index.only("base")
        if "validation" in index.class_splits:
            return base, index.only("validation")
        index = base
    count = len(index.class_names)
    if count < 10:
        raise FsbenchError(
            f"{index.name} has {count} base classes and at least 10 are needed to train on some and select on "
            "others; name another with --train-dataset."
        )
    order = np.random.default_rng(0).permutation(count)
    apart = max(2, round(VALIDATION_SHARE * count))
    return index.take_classes(np.sort(order[apart:])), index.take_classes(np.sort(order[:apart]))


def concatenate(parts: Sequence[ImageIndex], name: str) -> ImageIndex:
    """Returns the pictures of several data sets as one index; classes of different sets stay different."""
    sizes = [len(part) for part in parts]
    starts = np.cumsum([0, *sizes])
    classes = np.cumsum([0, *(len(part.class_names) for part in parts)])
    groups = np.cumsum([0, *(int(part.groups.max(initial=-1)) + 1 for part in parts)])

    def read(row: int) -> Image:
        part = int(np.searchsorted(starts, row, side="right")) - 1
        return parts[part].reader(row - int(starts[part]))

    def labelled(field: str, dtype: str, offsets: Sequence[int]) -> NDArray[Any]:
        return np.concatenate([getattr(p, field) + o for p, o in zip(parts, offsets, strict=True)]).astype(
            dtype
        )

    zero = [0] * len(parts)
    return ImageIndex(
        name=name,
        variant="+".join(f"{p.name}:{p.variant}" for p in parts),
        paths=tuple(f"{i}/{path}" for i, p in enumerate(parts) for path in p.paths),
        labels=labelled("labels", "i4", classes[:-1].tolist()),
        class_names=tuple(f"{i}/{c}" for i, p in enumerate(parts) for c in p.class_names),
        class_splits=tuple(s for p in parts for s in p.class_splits),
        pools=np.full(sum(sizes), BOTH, dtype=np.uint8),
        groups=labelled("groups", "i8", groups[:-1].tolist()),
        positions=labelled("positions", "i8", zero),
        guards=labelled("guards", "i8", zero),
        digests=np.concatenate([p.digests for p in parts]),
        reader=read,
        synthetic=any(p.synthetic for p in parts),
        notes=tuple(n for p in parts for n in p.notes),
    )


def check_apart(base: BaseData, evaluated: ImageIndex) -> None:
    """Raises FsbenchError when an evaluated class or picture is in the training data, by content."""
    known = {digest.tobytes() for digest in evaluated.digests}
    for what, part in (
        ("base", base.train),
        ("validation", base.validation),
        ("unlabelled", base.unlabelled),
    ):
        if part.name == evaluated.name and what != "unlabelled":
            shared = sorted(set(part.class_names) & set(evaluated.class_names))
            if shared:
                raise FsbenchError(
                    f"{len(shared)} evaluated classes of {evaluated.name} are {what} classes of the training data, "
                    f"{shared[0]!r} first; evaluate on another split, or train on another data set."
                )
        for row, digest in enumerate(part.digests):
            if digest.tobytes() in known:
                raise FsbenchError(
                    f"The picture {part.paths[row]!r} of the {what} data ({part.name}) is evaluated as well; "
                    "train on another data set with --train-dataset, or leave it out."
                )
