"""check: would an evaluation on this data set mislead? Files, class sizes, near-duplicates, base data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.audit import findings
from fewshot_bench.audit.alike import Alike, Signed
from fewshot_bench.audit.contents import Kinds, alike
from fewshot_bench.audit.exposure import Ints, exposure, overlap
from fewshot_bench.audit.findings import Finding
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.near import index_signatures
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.split import train_test
from fewshot_bench.engine.base import not_novel
from fewshot_bench.engine.given import Given
from fewshot_bench.engine.run import evaluated
from fewshot_bench.episodes import EpisodeSpec
from fewshot_bench.progress import Progress, silent
from fewshot_bench.protocols import Count

CANDIDATES = 10**8
"""The largest number of pairs of similar hashes whose thumbnails are compared, which takes some two minutes."""

ALWAYS_UNCHECKED = (
    "pictures turned, mirrored or cropped by more than a few percent",
    "one clip, session or object in pictures that are no near-duplicates",
    "what pretrained weights saw",
)


@dataclass(frozen=True)
class Asked:
    """The evaluation that is checked: its classes, its counts, and the base data that methods would train on."""

    dataset: str
    ways: Count = "all"
    shots: Count = 1
    queries: Count = "all"
    split: str | None = None
    drop_small: bool = False
    base: tuple[str, ...] = ()
    given: Given = Given()

    @property
    def spec(self) -> EpisodeSpec:
        """The counts as an ``EpisodeSpec``; all shots drop small classes, as runs do.

        Raises UsageError for a count out of range.
        """
        dropped = self.drop_small or self.shots == "all"
        return EpisodeSpec(self.ways, self.shots, self.queries, episodes=1, seed=0, drop_small=dropped)


@dataclass(frozen=True)
class Audit:
    """All findings on an evaluation, and what could not be checked."""

    asked: Asked
    index: ImageIndex
    split: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = field(default=ALWAYS_UNCHECKED)

    @property
    def verdict(self) -> str:
        """``misleads``, else ``impossible`` when episodes as asked for cannot be drawn, else ``sound``."""
        verdicts = {finding.verdict for finding in self.findings}
        return next((bad for bad in ("misleads", "impossible") if bad in verdicts), "sound")

    def to_json(self) -> dict[str, Any]:
        """Returns everything as a dictionary that JSON can hold."""
        asked = self.asked
        return {
            "dataset": self.index.name,
            "variant": self.index.variant,
            "dataset_fingerprint": self.index.fingerprint,
            "split": self.split,
            "classes": len(self.index.class_names),
            "images": len(self.index),
            **{name: getattr(asked, name) for name in ("ways", "shots", "queries", "base")},
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "not_checked": list(self.unchecked),
        }


def check(
    asked: Asked, *, data_root: Path | None = None, verify: bool = False, progress: Progress = silent
) -> Audit:
    """Returns what was found of the files, class sizes and near-duplicates of an evaluation.

    Every picture is read once for each content, and what was found is remembered. Raises UsageError for an
    unknown name or count, and FsbenchError when a data set is not here.
    """

    def opened(name: str) -> ImageIndex:
        return asked.given.open(name, data_root=data_root, verify=verify, progress=progress)

    def signed(index: ImageIndex) -> Signed:
        index.require_current()
        scan = Scan(progress=lambda done, total: progress("reading pictures", done, total))
        return index_signatures(index, scan)

    spec = asked.spec
    whole = opened(asked.dataset)
    if asked.shots == "all":
        whole = train_test(whole, 0)
    index, split = evaluated(whole, asked.split)
    found = [findings.files(whole)]
    sizes, index = findings.class_sizes(index, spec)
    ours, kinds = signed(index), Kinds.of(index)
    order = np.random.default_rng(0).permutation(len(kinds.contents))
    search = watched(alike(order, kinds, ours), len(order), progress)
    pairs = exposure(index, order, search, CANDIDATES)
    pairs.own.spread(kinds.stands_for)
    pairs.foreign.spread(kinds.stands_for)
    pairs.done = pictures_of(index, kinds, pairs.done)
    found += [sizes, findings.copies(index, pairs, asked.shots)]
    found += [findings.look_alikes(index, pairs, asked.shots), findings.labels(index, pairs)]
    found += findings.pretraining(index)
    unchecked = partly(pairs.done, len(index), asked.dataset)
    if not (bases := base_sets(asked, whole, split, opened)):
        found.append(Finding("base data", "unchecked", "Name what methods are trained on with --base."))
    for name, base in bases:
        search = watched(alike(order, kinds, ours, Kinds.of(base), signed(base)), len(order), progress)
        seen, done = overlap(len(index), order, search, CANDIDATES)
        seen.spread(kinds.stands_for)
        done = pictures_of(index, kinds, done)
        found.append(findings.base_data(index, base, name, seen, done))
        unchecked += partly(done, len(index), name)
    return Audit(asked, index, split, tuple(found), (*unchecked, *ALWAYS_UNCHECKED))


def base_sets(
    asked: Asked, whole: ImageIndex, split: str, opened: Callable[[str], ImageIndex]
) -> list[tuple[str, ImageIndex]]:
    """Returns the sets that may hold evaluated pictures, with their names.

    They are the data set's own base and validation classes, when other classes are evaluated, and the sets of
    ``--base``.
    """
    own = [
        name for name in ("base", "validation") if name in whole.class_splits and split not in (name, "all")
    ]
    sets = [(f"its own {name} classes", whole.only(name)) for name in own]
    return sets + [(name, not_novel(opened(name))) for name in asked.base]


def watched(found: Iterator[Alike], total: int, progress: Progress) -> Iterator[Alike]:
    """Yields the parts of a search and reports its progress."""
    for part in found:
        progress("comparing pictures", part.done, total)
        yield part


def pictures_of(index: ImageIndex, kinds: Kinds, contents: Ints) -> Ints:
    """Returns the rows of all pictures of some contents, in order."""
    wanted = {index.digests[row].tobytes() for row in kinds.contents[contents]}
    return np.array([r for r, d in enumerate(index.digests) if d.tobytes() in wanted], dtype=np.int64)


def partly(done: Ints, size: int, name: str) -> tuple[str, ...]:
    """Returns a sentence when a search was given up, else nothing."""
    if len(done) == size:
        return ()
    return (f"{size - len(done):,} of {size:,} pictures against {name}: too many are alike",)
