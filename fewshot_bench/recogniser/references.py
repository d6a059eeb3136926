"""The references of a recogniser: what is kept of each picture of each product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.prediction.leave_out import support_of
from fewshot_bench.prediction.nearest import contents_of


@dataclass(frozen=True, eq=False)
class References:
    """M reference pictures of N products.

    Parameters
    ----------
    vectors : float32 [M, D], embeddings.
    labels : int32 [M], indices into ``class_names``; every class has one or more.
    digests : uint8 [M, 32], sha256 of the contents.
    paths : [M], the names of the pictures, for people to read.
    thumbnails : [M], JPEG files, or () where none are kept.

    Raises ValueError, one line, where these do not fit each other.
    """

    vectors: NDArray[np.float32]
    labels: NDArray[np.int32]
    digests: NDArray[np.uint8]
    paths: tuple[str, ...]
    class_names: tuple[str, ...]
    thumbnails: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        many, classes = len(self.paths), len(self.class_names)
        if self.vectors.ndim != 2 or len(self.vectors) != many or not np.isfinite(self.vectors).all():
            raise ValueError(f"its embeddings are not {many} rows of finite numbers")
        if self.labels.shape != (many,) or self.digests.shape != (many, 32):
            raise ValueError(f"its labels and digests are not those of {many} references")
        if self.thumbnails and len(self.thumbnails) != many:
            raise ValueError(f"its thumbnails are not those of {many} references")
        if classes < 2 or len(set(self.class_names)) != classes:
            raise ValueError("it has not two products or more of different names")
        if set(self.labels.tolist()) != set(range(classes)):
            raise ValueError("a product has no reference, or a reference no product")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def support(self) -> NDArray[np.int64]:
        """Rows of each class, int64 [N, K], padded with −1."""
        return support_of(self.labels, np.arange(len(self)))

    @property
    def counts(self) -> dict[str, int]:
        """The number of references of each product."""
        counted = np.bincount(self.labels, minlength=len(self.class_names)).tolist()
        return dict(zip(self.class_names, counted, strict=True))

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """int64 [M], equal for pictures of one class with the same content."""
        return contents_of(self.digests, self.labels)

    @cached_property
    def contents(self) -> NDArray[np.int64]:
        """int64 [N], the number of different contents of each product."""
        _, first = np.unique(self.groups, return_index=True)
        return np.bincount(self.labels[first], minlength=len(self.class_names))

    @property
    def held(self) -> NDArray[np.bool_]:
        """bool [M], the references whose product has another content too, which can be asked without themselves."""
        return np.asarray((self.contents > 1)[self.labels], dtype=np.bool_)

    def number(self, name: str) -> int:
        """Returns the number of a product; UsageError where there is none of that name."""
        if name not in self.class_names:
            close = [known for known in self.class_names if name.casefold() in known.casefold()][:3]
            known = ", ".join(map(repr, close or self.class_names[:3]))
            raise UsageError(
                f"There is no product {name!r} in this recogniser; it has {known}, for instance."
            )
        return self.class_names.index(name)

    def added(
        self,
        name: str,
        vectors: NDArray[Any],
        digests: NDArray[np.uint8],
        paths: tuple[str, ...],
        thumbnails: tuple[bytes, ...] = (),
    ) -> References:
        """Returns these references and some more of the product ``name``, which may be new."""
        if not name.strip():
            raise UsageError("A product needs a name that is not empty.")
        names = self.class_names if name in self.class_names else (*self.class_names, name)
        label = np.full(len(paths), names.index(name), dtype=np.int32)
        return References(
            vectors=np.concatenate([self.vectors, vectors.astype(np.float32)]),
            labels=np.concatenate([self.labels, label]),
            digests=np.concatenate([self.digests, digests]),
            paths=(*self.paths, *distinct(self.paths, paths)),
            class_names=names,
            thumbnails=(*self.thumbnails, *thumbnails),
        )

    def removed(self, name: str) -> References:
        """Returns the references of all other products; UsageError where fewer than two products are left."""
        number = self.number(name)
        if len(self.class_names) < 3:
            raise UsageError(
                f"The product {name!r} cannot be removed, for a recogniser has two or more; add one first."
            )
        keep = np.flatnonzero(self.labels != number)
        labels = self.labels[keep]
        return References(
            vectors=self.vectors[keep],
            labels=labels - (labels > number).astype(np.int32),
            digests=self.digests[keep],
            paths=tuple(self.paths[row] for row in keep.tolist()),
            class_names=tuple(known for known in self.class_names if known != name),
            thumbnails=tuple(self.thumbnails[row] for row in keep.tolist()) if self.thumbnails else (),
        )

    def renamed(self, old: str, new: str) -> References:
        """Returns the same references with another name of a product; UsageError for a name that is taken."""
        number = self.number(old)
        if new in self.class_names or not new.strip():
            raise UsageError(f"The product {old!r} cannot be called {new!r}: that is no free name.")
        names = list(self.class_names)
        names[number] = new
        return replace(self, class_names=tuple(names))


def distinct(known: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the paths with a number behind those that are there already."""
    seen = Counter(known)
    named = []
    for path in paths:
        named.append(f"{path} ({seen[path] + 1})" if seen[path] else path)
        seen[path] += 1
    return tuple(named)
