"""Pictures without labels: those that will be asked, as an encoder sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.errors import UsageError
from fewshot_bench.progress import Progress
from fewshot_bench.recogniser.given import AT_ONCE, Shown, encoded
from fewshot_bench.recogniser.references import References

SHOWN = 1000
"""The most pictures without labels that are encoded."""


def drawn(shown: Sequence[Shown]) -> list[Shown]:
    """Returns at most ``SHOWN`` of the pictures, the same ones each time."""
    rows = np.random.default_rng(0).permutation(len(shown))[:SHOWN]
    return [shown[row] for row in np.sort(rows).tolist()]


def vectors(
    method: EmbeddingMethod, shown: Sequence[Shown], references: References, progress: Progress
) -> tuple[NDArray[np.float32], list[str]]:
    """Returns the embeddings of pictures, and notes on those that are left out.

    Left out are pictures that cannot be read, and those that are references themselves, which every method knows.
    Raises UsageError where no other is there.
    """
    parts, defects, own = [], [], 0
    for start in range(0, len(shown), AT_ONCE):
        progress("encode", start, len(shown))
        part = shown[start : start + AT_ONCE]
        made = encoded(method.encoder, part)
        defects += [f"{one.name}: {why}" for one, why in zip(part, made.defects, strict=True) if why]
        known = references.paths_of(made.digests)
        new = np.array([digest.tobytes() not in known for digest in made.digests], dtype=np.bool_)
        own += int((~new).sum())
        if new.any():
            parts.append(made.vectors[new])
    progress("encode", len(shown), len(shown))
    asked = "picture to be asked" if len(shown) == 1 else "pictures to be asked"
    notes = []
    if defects:
        notes.append(f"{len(defects)} of {len(shown)} {asked} cannot be read (the first, {defects[0]}).")
    if own:
        notes.append(f"{own} of {len(shown)} {asked} are references themselves, and left out.")
    if not parts:
        raise UsageError(f"{' '.join(notes)} Name others, such as `fsbench decide FOLDER --on NEW`.")
    return np.concatenate(parts), notes
