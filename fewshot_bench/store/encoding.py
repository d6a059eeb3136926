"""From rows of a data set to vectors: threads decode and prepare while the encoder works on full batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.memory import BUDGET
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from PIL.Image import Image

    from fewshot_bench.data.index import ImageIndex
    from fewshot_bench.store.encoder import Encoder

AHEAD = 2
"""Batches that are decoded ahead of the encoder."""


def encode_images(
    encoder: Encoder,
    index: ImageIndex,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    workers: int,
    dtype: np.dtype[Any],
) -> Generator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yields (rows ``[b]``, vectors ``[b, D]`` of ``dtype``) until all of ``rows`` are encoded, in order.

    The encoder is given exactly ``batch_size`` pictures each time (the last batch repeats its last one), so
    that a vector does not depend on how many others are asked for; one that is ``independent`` of its batch, only
    the pictures that are asked for. Raises FsbenchError, naming the image,
    when one cannot be decoded or its vector is not finite in ``dtype``.
    """
    pending: deque[tuple[NDArray[np.int64], list[Future[NDArray[Any]]]]] = deque()
    batches = iter([rows[i : i + batch_size] for i in range(0, len(rows), batch_size)])
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fsbench-decode")

    def submit() -> None:
        batch = next(batches, None)
        if batch is not None:
            pending.append((batch, [pool.submit(_prepare, encoder, index, int(row)) for row in batch]))

    try:
        for _ in range(AHEAD):
            submit()
        while pending:
            batch, futures = pending.popleft()
            pictures = np.stack([future.result() for future in futures])
            submit()
            lacking = 0 if getattr(encoder, "independent", False) else batch_size - len(batch)
            full = (
                np.concatenate([pictures, np.repeat(pictures[-1:], lacking, axis=0)]) if lacking else pictures
            )
            vectors = np.asarray(encoder.encode(full))
            if vectors.ndim != 2 or len(vectors) != len(full):
                raise FsbenchError(
                    f"The encoder {encoder_name(encoder)} turned {len(full)} pictures into an array "
                    f"of shape {vectors.shape}; its encode must return one vector a picture, [B, D]."
                )
            yield batch, _checked(vectors[: len(batch)], dtype, encoder, index, batch)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def bare(image: Image) -> Image:
    """Returns the same pixels without the file's name and what it says of itself, which may tell a class."""
    from PIL.Image import new

    fresh = new("RGB", image.size)
    fresh.paste(image if image.mode == "RGB" else image.convert("RGB"))
    return fresh


def encoder_name(encoder: Encoder) -> str:
    """Returns the name of an encoder in messages and lists: its ``name``, or that of its class."""
    return str(getattr(encoder, "name", type(encoder).__name__))


def _prepare(encoder: Encoder, index: ImageIndex, row: int) -> NDArray[Any]:
    with BUDGET.held():
        try:
            image = index.reader(row)
        except FsbenchError:
            raise
        except Exception as error:
            raise FsbenchError(
                f"Cannot decode {index.paths[row]} of the data set {index.name} ({error}); "
                "replace or remove the file and run the same command again."
            ) from error
        return encoder.prepare(bare(image))


def _checked(
    vectors: NDArray[Any], dtype: np.dtype[Any], encoder: Encoder, index: ImageIndex, rows: NDArray[np.int64]
) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        kept = vectors.astype(dtype)
    bad = np.flatnonzero(~np.isfinite(kept).all(axis=1))
    if len(bad):
        path = index.paths[int(rows[bad[0]])]
        raise FsbenchError(
            f"The encoder {encoder_name(encoder)} gives {path} of the data set {index.name} a vector "
            f"with values that are not finite numbers in {dtype.name}."
        )
    return kept
