"""Manifest: a set of episodes as one ``.npz`` file (no pickle) that another tool can read and replay.

Arrays: ``format`` and ``sha256`` (text), ``spec`` (JSON text), ``dataset``, ``dataset_fingerprint``,
``class_names``, ``dropped_names``, ``dropped_counts`` [D, 2] (support, query), ``classes`` [E, N],
``support`` [E, N, K] and ``query`` [E, N, Q]; −1 is padding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.archives import read_arrays
from fewshot_bench.episodes.counts import repeated
from fewshot_bench.episodes.distinct import distinct_supports
from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.pools import ImageArrays
from fewshot_bench.episodes.sampler import sample
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.episodes.validate import validate
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import open_regular, write_atomic

FORMAT = "fsbench-episodes-1"


def save_manifest(path: Path | str, episodes: EpisodeSet) -> None:
    """Writes a manifest as a whole; raises FsbenchError and leaves no file when that fails."""
    target = Path(path)
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.array(FORMAT),
        "sha256": np.array(episodes.sha256),
        "spec": np.array(json.dumps(episodes.spec.to_json())),
        "dataset": np.array(episodes.dataset),
        "dataset_fingerprint": np.array(episodes.dataset_fingerprint),
        "class_names": np.array(episodes.class_names, dtype=np.str_),
        "dropped_names": np.array([name for name, *_ in episodes.dropped], dtype=np.str_),
        "dropped_counts": np.array([counts for _, *counts in episodes.dropped], dtype="<i8").reshape(-1, 2),
        "classes": episodes.classes.astype("<i4"),
        "support": episodes.support.astype("<i8"),
        "query": episodes.query.astype("<i8"),
    }
    write_atomic(target, lambda stream: np.savez_compressed(stream, allow_pickle=False, **arrays))


def load_manifest(path: Path | str, index: ImageArrays | None = None) -> EpisodeSet:
    """Reads a manifest and checks its hash; with an ``index``, checks it as episodes that are drawn are checked.

    A hash says that a file is as it was written, and not that what was written is true (see ``validate.py``).
    Raises FsbenchError with one sentence for each thing that can be wrong.
    """
    source = Path(path)
    try:
        with open_regular(source) as file:
            episodes, stated = _read(read_arrays(file))
    except FileNotFoundError:
        raise FsbenchError(f"there is no manifest {source}; write one with save_manifest.") from None
    except OSError as error:
        raise FsbenchError(f"the manifest {source} could not be read: {error.strerror or error}.") from error
    except Exception as error:  # what is in a file raises whatever its reader stumbles over
        words = f"it lacks {error}" if isinstance(error, KeyError) else str(error).removesuffix(".")
        raise FsbenchError(
            f"{source} is not an episode manifest of format {FORMAT}: {words or type(error).__name__}."
        ) from error
    if episodes.sha256 != stated:
        raise FsbenchError(
            f"the manifest {source} was changed after it was written: its content hashes to "
            f"{episodes.sha256[:12]}…, not to the {stated[:12]}… it states; export it again."
        )
    if index is not None:
        where = f"the manifest {source}"
        validate(episodes, index, where)
        _check_repeats(episodes, index, where)
    return episodes


def _read(arrays: Mapping[str, NDArray[Any]]) -> tuple[EpisodeSet, str]:
    if str(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is {str(arrays['format'])!r}")
    for name in ("classes", "support", "query", "dropped_counts"):
        if arrays[name].dtype.kind not in "iu":
            raise ValueError(f"its array {name} holds {arrays[name].dtype} and not whole numbers")
    names, counts = arrays["dropped_names"].tolist(), arrays["dropped_counts"].tolist()
    episodes = EpisodeSet(
        spec=EpisodeSpec.from_json(json.loads(str(arrays["spec"]))),
        dataset=str(arrays["dataset"]),
        dataset_fingerprint=str(arrays["dataset_fingerprint"]),
        classes=arrays["classes"].astype(np.int32),
        support=arrays["support"].astype(np.int64),
        query=arrays["query"].astype(np.int64),
        class_names=tuple(arrays["class_names"].tolist()),
        dropped=tuple((name, support, query) for name, (support, query) in zip(names, counts, strict=True)),
    )
    if episodes.support.ndim != 3 or episodes.query.ndim != 3:
        raise ValueError("its support and query arrays must have three axes")
    if (episodes.classes != arrays["classes"]).any():
        raise ValueError("its classes do not fit into 32 bits")
    if not episodes.classes.shape == episodes.support.shape[:2] == episodes.query.shape[:2]:
        raise ValueError("its classes, support and query arrays do not fit each other")
    return episodes, str(arrays["sha256"])


def _check_repeats(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    """Raises FsbenchError where episodes repeat each other more than chance, and the sampler, make them.

    The sampler draws with replacement, so that two of its episodes may be equal; any other repetition counts an
    answer twice, and an interval over episodes is then too narrow.
    """
    most = distinct_supports(index, episodes.spec)
    if len(episodes) > most:
        raise FsbenchError(
            f"{where} holds {len(episodes)} episodes, and {index.name} has {most} distinct support sets with its "
            "ways and shots; export fewer."
        )
    again = repeated(episodes)
    if again is not None and sample(index, episodes.spec).sha256 != episodes.sha256:
        raise FsbenchError(
            f"{where} has the same images in episode {again[1]} as in episode {again[0]}; hold each episode once."
        )
