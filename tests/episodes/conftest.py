"""A data set without pictures, shaped as a test asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from fewshot_bench.data.index import BOTH, ImageIndex


def build(
    sizes: Sequence[int],
    *,
    pools: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    guards: Sequence[int] | None = None,
) -> ImageIndex:
    images, classes = sum(sizes), len(sizes)

    def reader(row: int) -> None:
        raise AssertionError(f"an episode opened picture {row}")

    return ImageIndex(
        name="toy",
        variant="test",
        paths=tuple(f"{i}.png" for i in range(images)),
        labels=np.repeat(np.arange(classes, dtype=np.int32), sizes),
        class_names=tuple(f"class-{c}" for c in range(classes)),
        class_splits=("all",) * classes,
        pools=np.full(images, BOTH, np.uint8) if pools is None else np.array(pools, np.uint8),
        groups=np.arange(images) if groups is None else np.array(groups, np.int64),
        positions=np.concatenate([np.arange(size) for size in sizes]).astype(np.int64),
        guards=np.zeros(classes, np.int64) if guards is None else np.array(guards, np.int64),
        digests=np.arange(1, images + 1, dtype="<u8").view(np.uint8).reshape(images, 8).repeat(4, axis=1),
        reader=reader,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="session")
def make_index() -> Callable[..., ImageIndex]:
    return build
