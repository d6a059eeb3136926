"""The scores of a run, for what a record does not answer: given back, or in a file that knows its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import require_writable, why, write_atomic
from fewshot_bench.records import Record, printable

FACTS = (
    "identity",
    "method",
    "dataset",
    "variant",
    "protocol",
    "episodes_sha256",
    "scores_sha256",
    "command",
)
"""Keys of a record that stand in the file of its scores, so that it says what it is of."""


class KeptScores(NamedTuple):
    """Scores [E, Q, N] of a run's queries and their labels [E, Q], in the order in which the method was asked.

    A label is a position among the N classes of its episode, −1 for padding, whose scores are 0. A class that an
    episode does not have has −inf.
    """

    scores: NDArray[Any]
    labels: NDArray[np.int64]

    def save(self, path: str | Path, record: Record | None = None) -> None:
        """Writes an ``.npz`` file that ``numpy.load`` reads, with a checksum and the facts of ``record``; atomic."""
        facts = {} if record is None else {key: record.data.get(key) for key in FACTS}
        arrays = {
            "scores": self.scores,
            "labels": self.labels,
            "record": np.array(json.dumps(facts, sort_keys=True)),
        }
        arrays["sha256"] = np.array(checksum_of(arrays))
        target = require_file(Path(path))
        write_atomic(target, lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path) -> KeptScores:
        """Reads what ``save`` wrote; FsbenchError, one sentence, where a bit of it is not as it was."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in ("scores", "labels", "record", "sha256")}
        except OSError as error:
            raise FsbenchError(printable(f"Cannot read the scores {path}: {why(error)}.")) from error
        except Exception as error:  # a damaged archive raises whatever its reader stumbles over
            raise FsbenchError(printable(f"{path} is no whole file of scores ({error}); {AGAIN}")) from error
        if checksum_of(arrays) != str(arrays["sha256"]):
            raise FsbenchError(printable(f"{path} was damaged or changed after it was written; {AGAIN}"))
        return cls(arrays["scores"], arrays["labels"])


AGAIN = "run again with --keep-scores."


def checksum_of(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Returns the sha256 (hex) of names, types, shapes and bytes of all arrays but ``sha256``."""
    sha = hashlib.sha256()
    for name in sorted(set(arrays) - {"sha256"}):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def require_file(path: Path) -> Path:
    """Returns the path of a file of scores; a sentence where it ends otherwise than in .npz or cannot be written."""
    if path.suffix != ".npz" or path.is_dir():
        raise UsageError(
            printable(f"--keep-scores writes a file that ends in .npz, not {path}; name scores.npz.")
        )
    require_writable(path.parent, "folder of the scores", "--keep-scores")
    return path
