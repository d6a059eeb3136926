"""Leaderboard: a table for each set of episodes, ranked with ties where methods cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.records import Record, Score
from fewshot_bench.report.comparison import compare_records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Row:
    """A record in its table. ``rank`` counts within its ``kind``."""

    rank: int
    record: Record


@dataclass(frozen=True, eq=False)
class Table:
    """All records of one set of episodes, best first."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Record:
        """Any of the records: what they share is told from it."""
        return self.rows[0].record

    @property
    def title(self) -> str:
        """Data set, protocol, ways, shots and episodes."""
        r = self.first
        synthetic = ", synthetic pictures" if r.synthetic else ""
        if r.protocol == "classification":
            return f"{r.dataset} ({r.variant}{synthetic}): classification, {r.classes} classes"
        ways = f"all {r.classes}" if r.ways == "all" else r.ways
        plural = "episode" if r.episodes == 1 else "episodes"
        task = "retrieval, " if r.protocol == "retrieval" else ""
        return f"{r.dataset} ({r.variant}{synthetic}): {task}{ways}-way {r.shots}-shot, {r.episodes} {plural}"


def headline(record: Record) -> tuple[str, Score]:
    """What a record is ranked by, and its name: mAP in the protocol ``retrieval``, else accuracy."""
    ranked = record.map if record.protocol == "retrieval" else None
    return ("accuracy", record.accuracy) if ranked is None else ("mAP", ranked)


def kind(record: Record) -> tuple[bool, str]:
    """Methods of one kind are ranked among each other: transductive or not; in retrieval, by what they rank.

    A method that scores classes alone has the pictures of a class tied, which lifts its mAP: no peer of one that
    scores each picture. With one shot both are the same.
    """
    by = str(record.data.get("ranked_by", "")) if record.protocol == "retrieval" and record.shots != 1 else ""
    return record.transductive, by


def better(one: Record, other: Record) -> bool:
    """Whether the paired interval of the difference in the headline excludes zero, in favour of ``one``."""
    compared = compare_records(one, other)
    if headline(one)[0] == "mAP" and compared.map is not None:
        return compared.map.above_zero
    return compared.accuracy.above_zero


def ranks(records: Sequence[Record]) -> list[int]:
    """1 + the number of methods of the same kind that are better with a paired interval excluding zero.

    The paired interval over classes decides; where there is none, the one over episodes.
    """
    return [
        1
        + sum(
            kind(other) == kind(record) and better(other, record) for other in records if other is not record
        )
        for record in records
    ]


def tables(records: Sequence[Record]) -> list[Table]:
    """Group records by protocol and the hash of their episodes.

    Real data first, then by data set, protocol, ways and shots.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.protocol, record.episodes_sha256), []).append(record)
    made = []
    for group in groups.values():
        ordered = sorted(group, key=lambda r: (-headline(r)[1].mean, r.method, str(r.parameters)))
        made.append(Table(tuple(map(Row, ranks(ordered), ordered))))

    def place(table: Table) -> tuple[Any, ...]:
        r = table.first
        ways, shots = (10**9 if v == "all" else v for v in (r.ways, r.shots))
        return (r.synthetic, r.dataset, r.variant, r.protocol, ways, shots, r.episodes_sha256)

    return sorted(made, key=place)


def percent(value: float | None) -> str:
    """``0.7012`` as ``70.1``; a missing number stays blank."""
    return "" if value is None else f"{100 * value:.1f}"


def cells(row: Row) -> dict[str, str]:
    """A row as a person reads it, in percent; a missing number stays blank."""
    r = row.record
    found: dict[str, str] = {
        "rank": f"{row.rank}",
        "method": r.method,
        "parameters": ", ".join(f"{key}={value}" for key, value in r.parameters_set.items()),
    }
    for name, score in (("accuracy", r.accuracy), ("mAP", r.map)):
        if score is None:
            found |= {f"{name} %": "", f"{name}: classes": ""}
            continue
        half = f" ± {percent(score.ci95)}" if score.ci95 is not None else ""
        low_high = score.class_interval
        found[f"{name} %"] = percent(score.mean) + half
        found[f"{name}: classes"] = f"{percent(low_high[0])} to {percent(low_high[1])}" if low_high else ""
    found["ranked by"] = kind(r)[1]
    found["pretraining"] = r.pretraining_marked
    found["setting"] = "transductive" if r.transductive else "inductive"
    found["training"] = "" if r.training_seconds is None else duration(r.training_seconds)
    found["an episode"] = duration(r.timings["score"] / r.episodes)
    return found


def duration(seconds: float) -> str:
    """Seconds as a person says them, to two digits below a minute and a half: 3.7 ms, 40 s, 17 min, 2.5 h."""
    if seconds < 90:
        value, unit = (1000 * seconds, "ms") if seconds < 0.9995 else (seconds, "s")
        value = float(f"{value:.2g}")
        return f"{value:g} {unit}"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def frame(made: Sequence[Table]) -> pd.DataFrame:
    """All rows of all tables with plain numbers (0…1, seconds), one row a record."""
    import pandas as pd

    rows = []
    for table in made:
        for row in table.rows:
            r = row.record
            flat: dict[str, Any] = {
                key: r.data[key]
                for key in (
                    "dataset", "variant", "synthetic", "protocol", "split", "ways", "shots", "queries", "episodes",
                    "seed", "episodes_sha256",
                )
            }  # fmt: skip
            flat |= {"rank": row.rank, "method": r.method, "distribution": r.method_distribution}
            flat["parameters"] = " ".join(f"{key}={value}" for key, value in r.parameters.items())
            for name, score in (("accuracy", r.accuracy), ("map", r.map)):
                if score is None:
                    continue
                low, high = score.class_interval or (None, None)
                flat |= {
                    name: score.mean,
                    f"{name}_ci95": score.ci95,
                    f"{name}_ci_kind": score.ci_kind,
                    f"{name}_class_low": low,
                    f"{name}_class_high": high,
                    f"{name}_class_ci_kind": score.class_ci_kind,
                }
            flat |= {"pretraining": r.pretraining, "contaminated": bool(r.contaminated)}
            flat |= {"transductive": r.transductive}
            flat["training_seconds"] = r.training_seconds
            flat["seconds_per_episode"] = r.timings["score"] / r.episodes
            flat["command"] = r.command
            rows.append(flat)
    return pd.DataFrame(rows)
