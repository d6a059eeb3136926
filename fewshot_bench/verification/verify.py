"""verify: a record held against its arrays, its episodes drawn again, and some of them run again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.split import train_test
from fewshot_bench.engine import Request, episodes_of, evaluated
from fewshot_bench.engine import run as run_request
from fewshot_bench.episodes import EpisodeSet, save_manifest
from fewshot_bench.errors import FsbenchError
from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record
from fewshot_bench.report.sound import faults
from fewshot_bench.verification.backend import same_backend

SHARE, LEAST = 0.01, 3
"""The share of a record's episodes that is run again, and how many at least."""

Outcome = Literal["holds", "fails", "not tried"]


@dataclass(frozen=True)
class Verdict:
    """A verdict says whether one part of a verification holds, and why, in a sentence."""

    part: str
    outcome: Outcome
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Returns a plain dictionary."""
        return asdict(self)


def verify(
    record: Record,
    request: Request | None,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    again: bool = True,
    progress: Progress = silent,
) -> Iterator[Verdict]:
    """Yields what came of each part: numbers, episodes, and a few episodes that are run again.

    ``request`` is what the record's command asks for; None where it has no command that does the same. Without
    ``again`` nothing is run: the numbers alone, which needs neither the data set nor the method.
    """
    wrong = faults(record)
    yield (
        Verdict("numbers", "fails", f"The record contradicts itself: {wrong[0]}.")
        if wrong
        else Verdict(
            "numbers", "holds", "Means, intervals and identity are those of the arrays and facts beside them."
        )
    )
    if not again or wrong:
        return
    if request is None:
        yield Verdict("episodes", "not tried", "The record has no command that makes it again.")
        return
    try:
        index = index_of(request, data_root, progress)
        drawn = episodes_of(request, index)
    except FsbenchError as error:
        yield Verdict("episodes", "not tried", f"The episodes cannot be drawn here: {error}")
        return
    if drawn.sha256 != record.episodes_sha256:
        yield Verdict(
            "episodes", "fails",
            f"The command draws the episodes {drawn.sha256[:16]}, and the record is of {record.episodes_sha256[:16]}.",
        )  # fmt: skip
        return
    yield Verdict("episodes", "holds", f"All {len(drawn)} episodes were drawn again: {drawn.sha256[:16]}.")
    yield few_again(record, request, drawn, data_root=data_root, device=device, progress=progress)


def index_of(request: Request, data_root: Path | None, progress: Progress) -> ImageIndex:
    """Returns the classes of a data set that a request evaluates, as ``engine.run`` opens them."""
    whole = request.given.open(request.dataset, data_root=data_root, progress=progress)
    pictures = request.rules.split == "pictures"
    return evaluated(
        train_test(whole, request.seed) if pictures else whole, request.split, whole_set=pictures
    )[0]


def few_again(
    record: Record,
    request: Request,
    drawn: EpisodeSet,
    *,
    data_root: Path | None,
    device: str,
    progress: Progress,
) -> Verdict:
    """Runs a few episodes again and compares every prediction with the record's."""
    try:
        chosen = some_of(len(drawn), record)
        with tempfile.TemporaryDirectory(prefix="fsbench-verify-") as folder, same_backend(record):
            manifest = Path(folder) / "episodes.npz"
            save_manifest(manifest, subset(drawn, chosen))
            asked = replace(
                request, episodes_from=manifest, ways=None, shots=None, queries=None, episodes=None, sampler="",
                variable=False, seed=drawn.spec.seed,
            )  # fmt: skip
            made, _ = run_request(asked, data_root=data_root, device=device, progress=progress)
    except FsbenchError as error:
        return Verdict("run again", "not tried", f"No episode can be run again here: {error}")
    here, there = made.per_query, {name: values[chosen] for name, values in record.per_query.items()}
    return compared(here, there, len(chosen))


def some_of(episodes: int, record: Record) -> NDArray[np.int64]:
    """Returns which episodes are run again: the first ones where a method draws by their numbers, else any.

    Which ones depends on the record's identity alone: everybody tries the same ones, and whoever made a record did not
    know them before its facts were fixed. A record that does not say whether its method draws is taken to.
    """
    count = min(episodes, max(LEAST, round(SHARE * episodes)))
    if record.data.get("draws_per_episode", True):
        return np.arange(count)
    seed = int(str(record.data.get("identity", "0"))[:8] or "0", 16)
    return np.sort(np.random.default_rng(seed).choice(episodes, size=count, replace=False))


def subset(drawn: EpisodeSet, chosen: NDArray[np.int64]) -> EpisodeSet:
    """Returns some episodes of a set as a set of their own."""
    spec = replace(drawn.spec, episodes=len(chosen))
    return replace(
        drawn,
        spec=spec,
        classes=drawn.classes[chosen],
        support=drawn.support[chosen],
        query=drawn.query[chosen],
    )


def compared(here: Mapping[str, NDArray[Any]], there: Mapping[str, NDArray[Any]], episodes: int) -> Verdict:
    """Returns how many predictions of the same queries differ; queries are in canonical order on both sides."""
    width = max(here["label"].shape[1], there["label"].shape[1])
    labels = [wide(side["label"], width) for side in (here, there)]
    if not np.array_equal(labels[0], labels[1]):
        return Verdict(
            "run again", "fails", "The queries of the episodes that were run again are not the record's."
        )
    asked = labels[0] >= 0
    answers = [wide(side["prediction"], width) for side in (here, there)]
    different = int((asked & (answers[0] != answers[1])).sum())
    count = f"{int(asked.sum()):,} predictions of {episodes} episodes"
    if different:
        share = 100 * different / int(asked.sum())
        return Verdict("run again", "fails", f"Of {count}, {different:,} differ ({share:.2f} %).")
    return Verdict("run again", "holds", f"All {count} are the record's.")


def wide(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Returns ``[E, Q]`` padded with −1 to ``[E, width]``."""
    return np.pad(values.astype(np.int64), ((0, 0), (0, width - values.shape[1])), constant_values=-1)
