"""Findings: what is wrong with an evaluation, one sentence each, with the figures that it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from fewshot_bench.audit.exposure import Duplicates, Exposure, Ints, possible_pairs, share_facing
from fewshot_bench.audit.words import counted, facing, percent
from fewshot_bench.data.build import EMPTIED
from fewshot_bench.data.index import QUERY, ImageIndex
from fewshot_bench.episodes import EpisodeSpec
from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.errors import UsageError
from fewshot_bench.protocols import Count

Verdict = Literal["sound", "note", "misleads", "impossible", "unchecked"]
"""``note``: worth knowing; ``impossible``: episodes as asked for cannot be drawn."""

SHARE = 0.01
"""The share of queries (or files), 0..1, from which a finding misleads: it may move an accuracy by a point, as
much as methods differ by.
"""

STYLE = 1 / 200
"""Where near-duplicates are this frequent between classes, by their frequency within, they are a set's style.

Pictures of different classes show different things, so that they measure what being alike is worth: 1 in 19 to 81
for Kaggle Fashion and Omniglot, below 1 in 1,900 for handwritten digits and in 200,000 for frames of GroZi-120.
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: its verdict in a sentence, figures, and pairs of paths to look at."""

    check: str
    verdict: Verdict
    text: str
    figures: dict[str, Any] = field(default_factory=dict)
    examples: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        return asdict(self)


def files(index: ImageIndex) -> Finding:
    """Returns the finding on unreadable files; many of them, or a whole class, make it another data set."""
    broken, listed = len(index.unreadable), len(index) + len(index.unreadable)
    if not broken:
        return Finding("files", "sound", f"All {listed:,} pictures decode.", {"unreadable": 0})
    emptied = [note for note in index.notes if note.startswith(EMPTIED)]
    path, reason = index.unreadable[0]
    text = f"{broken:,} of {listed:,} pictures cannot be read and are left out ({path}: {reason}, first)"
    figures = {"unreadable": broken, "share": broken / listed}
    if emptied or broken > SHARE * listed:
        text += (
            f"; {emptied[0][0].lower()}{emptied[0][1:]}"
            if emptied
            else ", so that this is not the whole set."
        )
        return Finding("files", "misleads", f"{text} Restore them.", figures)
    return Finding("files", "note", f"{text}.", figures)


def class_sizes(index: ImageIndex, spec: EpisodeSpec) -> tuple[Finding, ImageIndex]:
    """Returns whether each class gives what episodes ask for, and the index of the classes that do."""
    try:
        pools, dropped = eligible_pools(index, spec)
    except UsageError as error:
        return Finding("class sizes", "impossible", str(error)[0].upper() + str(error)[1:]), index
    least = min(len(pool.rows) for pool in pools)
    figures = {"classes": len(pools), "dropped": len(dropped), "smallest": least}
    ask = f"{counted(spec.shots, 'support image')} and {counted(spec.queries, 'query', 'queries')} kept apart"
    if dropped:
        text = f"Classes dropped because they cannot give {ask}: {len(dropped)} of {len(index.class_names)}."
        return Finding("class sizes", "note", text, figures), index.take_classes(
            np.array([pool.number for pool in pools])
        )
    text = f"Each of {len(pools):,} classes gives {ask}; the smallest has {counted(least, 'picture')}."
    return Finding("class sizes", "sound", text, figures), index


def copies(index: ImageIndex, found: Exposure, shots: Count) -> Finding:
    """Returns the finding on copies of queries among the support images of their class."""
    tally = found.own.copies
    share = share_facing(index, tally.counts, found.done, shots)
    exposed, queries = exposed_queries(index, tally.counts, found.done)
    figures = {"queries": queries, "exposed": exposed, "share_facing": share}
    text = f"{facing('copy', exposed, queries, share, shots)}."
    return Finding("copies", worst(share), text, figures, named(index, tally.examples))


def look_alikes(index: ImageIndex, found: Exposure, shots: Count) -> Finding:
    """Returns the finding on near-duplicates of queries in the support of their class, such as frames of one video."""
    tally = found.own.look_alikes
    share = share_facing(index, tally.counts, found.done, shots)
    exposed, queries = exposed_queries(index, tally.counts, found.done)
    pairs = (int(tally.counts.sum()), int(found.foreign.look_alikes.counts.sum()))
    own, foreign = (
        n / max(1, most) for n, most in zip(pairs, possible_pairs(index, found.done), strict=True)
    )
    figures = {"queries": queries, "exposed": exposed, "share_facing": share}
    figures |= {"rate_within_classes": own, "rate_between_classes": foreign}
    examples = named(index, tally.examples)
    text = facing("look-alike", exposed, queries, share, shots)
    if share < SHARE:
        return Finding("look-alikes", "sound", f"{text}.", figures, examples)
    if foreign > STYLE * own:
        text += (
            f". But so alike are {percent(foreign)} of pairs of different classes too ({percent(own)} within a "
            "class): it is the style of this set, and no sign of one scene on both sides."
        )
        return Finding("look-alikes", "note", text, figures, examples)
    text += ", as frames of one scene are: put pictures of one scene in one group, or take another set."
    return Finding("look-alikes", "misleads", text, figures, examples)


def labels(index: ImageIndex, found: Exposure) -> Finding:
    """Returns the finding on copies of queries in the support of other classes: one picture, two labels."""
    tally = found.foreign.copies
    exposed, queries = exposed_queries(index, tally.counts, found.done)
    share = exposed / max(1, queries)
    text = f"{exposed:,} of {queries:,} queries ({percent(share)}) have a copy with another label."
    text = text if exposed else f"None of {queries:,} queries has a copy with another label."
    return Finding(
        "labels", worst(share), text, {"queries": queries, "exposed": exposed}, named(index, tally.examples)
    )


def base_data(index: ImageIndex, base: ImageIndex, name: str, seen: Duplicates, done: Ints) -> Finding:
    """Returns the finding on evaluated pictures and classes that are base data as well.

    It counts equal pictures, copies, look-alikes and names.
    """
    trained = {digest.tobytes() for digest in base.digests}
    equal = sum(digest.tobytes() in trained for digest in index.digests)
    copied, alike = (int((tally.counts[done] > 0).sum()) for tally in (seen.copies, seen.look_alikes))
    namesakes = len(set(index.class_names) & set(base.class_names))
    figures = {"base": name, "pictures": len(done), "equal": equal, "copied": copied, "alike": alike}
    figures["class_names_in_common"] = namesakes
    text = (
        f"Of {len(done):,} evaluated pictures, {equal:,} are among the {len(base):,} of {name}, {copied:,} have a "
        f"copy there, {alike:,} a look-alike"
    )
    text += f"; {counted(namesakes, 'class has', 'classes have')} the same name" if namesakes else ""
    verdict = worst(copied / max(1, len(done)))
    if equal:
        text, verdict = f"{text}; methods that train will refuse it", "misleads"
    elif namesakes and verdict == "sound":
        verdict = "note"
    examples = tuple((index.paths[row], base.paths[other]) for row, other in seen.copies.examples)
    return Finding("base data", verdict, f"{text}.", figures, examples)


def pretraining(index: ImageIndex) -> list[Finding]:
    """Returns a finding for each pretraining data that is known to hold the classes."""
    if not index.seen_by:
        return []
    text = (
        f"Weights pretrained on {' or '.join(index.seen_by)} saw these classes; records and tables mark them."
    )
    return [Finding("pretraining", "note", text, {"seen_by": list(index.seen_by)})]


def exposed_queries(index: ImageIndex, counts: Ints, done: Ints) -> tuple[int, int]:
    """Returns how many of the queries looked at have a pair, and how many queries these are."""
    queries = done[index.pools[done] & QUERY > 0]
    return int((counts[queries] > 0).sum()), len(queries)


def worst(share: float) -> Verdict:
    """Returns the verdict for a share of queries; it is ``misleads`` from ``SHARE`` on."""
    return "misleads" if share >= SHARE else "note" if share > 0 else "sound"


def named(index: ImageIndex, pairs: list[tuple[int, int]]) -> tuple[tuple[str, str], ...]:
    """Returns pairs of rows as pairs of paths."""
    return tuple((index.paths[row], index.paths[other]) for row, other in pairs)
