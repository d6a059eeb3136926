"""Sound records: numbers that their own arrays give, and answers to the questions that their table asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fewshot_bench.identity import key
from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record, printable, read_each
from fewshot_bench.report.measure import score

TOLERANCE = 1e-6
"""How far a stored share may be from what the arrays give: APs are stored with 24 bits."""


def read_tables(places: list[Path], progress: Progress = silent) -> tuple[list[Record], list[str]]:
    """Returns the records at ``places`` that a table may show, and a sentence for each file that it may not.

    A record is left out where it is damaged, where its numbers are not those of its arrays (``faults``), or where its
    episodes have other classes or labels than those of most records with the same hash (``strangers``). The same run in
    two folders counts once.
    """
    kept: list[tuple[Path, Record]] = []
    refused: list[str] = []
    seen: set[tuple[str, str]] = set()
    for number, (path, found) in enumerate(read_each(places), 1):
        progress("reading records", number, 0)
        if isinstance(found, str):
            refused.append(found)
            continue
        if wrong := faults(found):
            refused.append(printable(f"{path} is left out: {wrong[0]}."))
            continue
        run = str(found.data.get("identity")), str(found.data.get("scores_sha256"))
        if None not in (found.data.get("identity"), found.data.get("scores_sha256")) and run in seen:
            continue
        seen.add(run)
        kept.append((path, found))
    odd = strangers([record for _, record in kept])
    refused += [
        printable(f"{path} is left out: {odd[place]}.")
        for place, (path, _) in enumerate(kept)
        if place in odd
    ]
    return [record for place, (_, record) in enumerate(kept) if place not in odd], refused


def faults(record: Record) -> list[str]:
    """Returns what of a record does not follow from its arrays, each as the rest of a sentence; [] where all does."""
    checks: tuple[Callable[[Record], list[str]], ...] = (shapes, numbers, identity)
    for check in checks:  # numbers of arrays that do not fit each other mean nothing
        if wrong := check(record):
            return wrong
    return []


def shapes(record: Record) -> list[str]:
    """Returns how the arrays contradict each other or the record's counts."""
    classes = record.arrays["classes"]
    label, answer = record.arrays["query_label"], record.arrays["query_prediction"]
    ways = np.asarray((classes >= 0).sum(axis=1))
    there = label >= 0
    if len(classes) != record.episodes or len(label) != record.episodes or label.shape != answer.shape:
        return [f"it states {record.episodes} episodes, and its arrays have {len(classes)} and {len(label)}"]
    if not there.any(axis=1).all():
        return ["an episode of its arrays has no query"]
    for name, values in (("label", label), ("prediction", answer)):
        if ((values >= ways[:, None]) & there).any() or ((values < 0) & there).any():
            return [f"a {name} in its arrays is of a class that the episode does not have"]
    return []


def numbers(record: Record) -> list[str]:
    """Returns which mean or interval is not the one that the arrays give."""
    wrong = []
    for name in ("accuracy", "map"):
        stated = record.accuracy if name == "accuracy" else record.map
        pictures = stated is not None and "test pictures" in stated.kind
        found = score(record.per_query, record.arrays["classes"], name, over_pictures=pictures)
        if (stated is None) != (found is None):
            wrong.append(f"its {name} and its arrays do not both exist")
        elif stated is not None and found is not None:
            ends = [("mean", stated.mean, found.mean)]
            if stated.interval and found.interval and stated.kind == found.kind:
                names = ("lower end", "upper end")
                ends += list(zip(names, stated.interval, found.interval, strict=True))
            wrong += [
                f"it states {100 * a:.4f} % as the {what} of its {name}, and its arrays give {100 * b:.4f} %"
                for what, a, b in ends
                if not abs(a - b) <= TOLERANCE
            ]
    return wrong


def identity(record: Record) -> list[str]:
    """Returns whether the identity is that of other facts than the record keeps, or the facts those of another run."""
    facts = record.data.get("identity_facts")
    if not facts:
        return []
    kind = (
        "record-1" if record.data.get("migrated_from") == 1 else "run"
    )  # as ``records/schema_1.py`` makes it
    if key(kind, facts) != record.data.get("identity"):
        return ["its identity is not that of the facts beside it"]
    for name, value in (
        ("method", record.method),
        ("episodes", record.episodes_sha256),
        ("protocol", record.protocol),
    ):
        if facts.get(name, value) != value:
            return [f"its identity is of the {name} {facts[name]!r}, and it states {value!r}"]
    return []


def strangers(records: Sequence[Record]) -> dict[int, str]:
    """Returns the records whose classes or labels are not those of most records of the same episodes, with the reason.

    Where two groups are of equal size, that of the first record counts.
    """
    groups: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        groups.setdefault(record.episodes_sha256, []).append(place)
    found = {}
    for places in groups.values():
        asked = {place: questions(records[place]) for place in places}
        usual, _ = Counter(asked.values()).most_common(1)[0]
        others = sum(one == usual for one in asked.values())
        for place, one in asked.items():
            if one != usual:
                found[place] = (
                    f"its episodes have the hash of {others} other records and other classes or labels than these"
                )
    return found


def questions(record: Record) -> bytes:
    """Returns the classes and labels of a record as bytes that equal episodes share."""
    classes, label = record.arrays["classes"], record.per_query["label"]
    return b"|".join(
        part
        for array in (classes, label)
        for part in (str(array.shape).encode(), array.astype(np.int64).tobytes())
    )
