"""The references of a recogniser: what is kept of each picture of each product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.prediction.leave_out import support_of
from fewshot_bench.prediction.nearest import contents_of
from fewshot_bench.recogniser.blocks import BLOCK, Blocks


@dataclass(frozen=True, eq=False, init=False)
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

    blocks: Blocks
    labels: NDArray[np.int32]
    digests: NDArray[np.uint8]
    paths: tuple[str, ...]
    class_names: tuple[str, ...]
    thumbnails: tuple[bytes, ...]

    def __init__(
        self,
        vectors: NDArray[np.float32],
        labels: NDArray[np.int32],
        digests: NDArray[np.uint8],
        paths: tuple[str, ...],
        class_names: tuple[str, ...],
        thumbnails: tuple[bytes, ...] = (),
    ) -> None:
        many, classes = len(paths), len(class_names)
        if vectors.ndim != 2 or len(vectors) != many or not finite(vectors):
            raise ValueError(f"its embeddings are not {many} rows of finite numbers")
        if labels.shape != (many,) or digests.shape != (many, 32):
            raise ValueError(f"its labels and digests are not those of {many} references")
        if thumbnails and len(thumbnails) != many:
            raise ValueError(f"its thumbnails are not those of {many} references")
        if classes < 2 or len(set(class_names)) != classes:
            raise ValueError("it has not two products or more of different names")
        if set(np.unique(labels).tolist()) != set(range(classes)):
            raise ValueError("a product has no reference, or a reference no product")
        self.__dict__.update(
            blocks=Blocks.of(vectors),
            labels=labels,
            digests=digests,
            paths=paths,
            class_names=class_names,
            thumbnails=thumbnails,
        )

    @classmethod
    def _sound(cls, **parts: Any) -> References:
        """Returns references of parts that are known to fit each other, which are not looked at again."""
        found = cls.__new__(cls)
        found.__dict__.update(parts)
        return found

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The embeddings, float32 [M, D]; a copy where they came in parts."""
        return self.blocks.whole()

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
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
        owner = np.empty(int(self.groups.max()) + 1, dtype=np.int64)
        owner[self.groups] = self.labels
        return np.bincount(owner, minlength=len(self.class_names))

    @property
    def held(self) -> NDArray[np.bool_]:
        """bool [M], the references whose product has another content too, which can be asked without themselves."""
        return np.asarray((self.contents > 1)[self.labels], dtype=np.bool_)

    def paths_of(self, digests: NDArray[np.uint8]) -> dict[bytes, str]:
        """Returns the path of the last reference of each content of ``digests`` [Q, 32], by its digest."""
        here, asked = (
            np.ascontiguousarray(part[:, :8]).view("<u8")[:, 0] for part in (self.digests, digests)
        )
        rows = np.flatnonzero(np.isin(here, asked)).tolist()
        return {self.digests[row].tobytes(): self.paths[row] for row in rows}

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
        many, new = len(paths), name not in self.class_names
        if vectors.shape != (many, self.blocks.width) or not finite(vectors) or (new and not many):
            raise ValueError(
                f"the embeddings to add are not {many} rows of {self.blocks.width} finite numbers"
            )
        if digests.shape != (many, 32) or len(thumbnails) != (many if self.thumbnails else 0):
            raise ValueError(f"the digests and thumbnails to add are not those of {many} references")
        names = (*self.class_names, name) if new else self.class_names
        label = np.full(many, names.index(name), dtype=np.int32)
        return References._sound(
            blocks=self.blocks.added(vectors.astype(np.float32)),
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
        stay = self.labels != number
        labels = self.labels[stay]
        return References._sound(
            blocks=self.blocks.kept(stay),
            labels=labels - (labels > number).astype(np.int32),
            digests=self.digests[stay],
            paths=tuple(compress(self.paths, stay)),
            class_names=tuple(known for known in self.class_names if known != name),
            thumbnails=tuple(compress(self.thumbnails, stay)) if self.thumbnails else (),
        )

    def renamed(self, old: str, new: str) -> References:
        """Returns the same references with another name of a product; UsageError for a name that is taken."""
        number = self.number(old)
        if new in self.class_names or not new.strip():
            raise UsageError(f"The product {old!r} cannot be called {new!r}: that is no free name.")
        names = list(self.class_names)
        names[number] = new
        return References._sound(**self.__dict__ | {"class_names": tuple(names)})


def finite(vectors: NDArray[Any]) -> bool:
    """Returns whether all numbers of some rows are finite."""
    return all(np.isfinite(vectors[i : i + BLOCK]).all() for i in range(0, len(vectors), BLOCK))


def distinct(known: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the paths with a number behind those that are there already."""
    seen = Counter(filter(set(paths).__contains__, known))
    named = []
    for path in paths:
        named.append(f"{path} ({seen[path] + 1})" if seen[path] else path)
        seen[path] += 1
    return tuple(named)
