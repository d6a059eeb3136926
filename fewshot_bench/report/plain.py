"""The leaderboard as plain numbers: a data frame with one line a record, for CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fewshot_bench.records import Record, printable
from fewshot_bench.report.leaderboard import Standing, Table
from fewshot_bench.report.measure import over_families, recorded

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")

SHARED = (
    "dataset", "variant", "synthetic", "protocol", "split", "ways", "shots", "queries", "episodes", "seed",
    "episodes_sha256",
)  # fmt: skip


def frame(made: Sequence[Table]) -> pd.DataFrame:
    """Returns all records of all tables with plain numbers (0…1, seconds), one line a record.

    ``rank_low`` and ``rank_high`` are the range of ranks of the configuration. ``training`` counts its trainings from
    1 and ``trainings`` says how many there are. ``<score>_low`` and ``_high`` are the ends of the interval that
    ``_kind`` names; for the interval over classes ``<score>_class_low``, ``_class_high`` and ``_class_kind``.
    ``_family_low`` and ``_family_high`` are those of the interval over families, where the data set names families.
    """
    import pandas as pd

    lines = [
        line(standing, number, record)
        for table in made
        for standing in table.standings
        for number, record in enumerate(standing.trainings, 1)
    ]
    return pd.DataFrame(lines)


def safe_csv(data: pd.DataFrame) -> str:
    """Returns a frame as CSV in which no spreadsheet takes a text for a formula: such a text begins with ``'``.

    These are texts that begin with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return (OWASP, CSV injection).
    """
    texts = data.map(
        lambda value: f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
    )
    return str(texts.to_csv(index=False))


def line(standing: Standing, number: int, record: Record) -> dict[str, Any]:
    """Returns one record, the ``number``-th training of its standing, as a flat dictionary."""
    r = record
    flat: dict[str, Any] = {key: r.data[key] for key in SHARED}
    flat |= {
        "rank_low": standing.ranks[0],
        "rank_high": standing.ranks[1],
        "method": r.method,
        "distribution": r.method_distribution,
        "registered": r.registered,
        "parameters": " ".join(f"{key}={value}" for key, value in r.parameters.items()),
        "training": number,
        "trainings": len(standing.trainings),
        "train_seed": r.train_seed,
        "device": r.data.get("device", ""),
    }
    for name in ("accuracy", "map"):
        score = recorded(r, name)
        if score is None:
            continue
        low, high = score.interval or (None, None)
        class_low, class_high = score.class_interval or (None, None)
        flat |= {
            name: score.mean,
            f"{name}_low": low,
            f"{name}_high": high,
            f"{name}_kind": score.kind,
            f"{name}_class_low": class_low,
            f"{name}_class_high": class_high,
            f"{name}_class_kind": score.class_kind,
        }
        if (over := over_families([r], name)) is not None:
            flat |= {f"{name}_family_low": over.low, f"{name}_family_high": over.high}
    for name, found in sorted(r.metrics.items()):
        low, high = found.interval or (None, None)
        flat |= {f"metric_{name}": found.mean, f"metric_{name}_low": low, f"metric_{name}_high": high}
    flat |= {
        "pretraining": r.pretraining,
        "contaminated": bool(r.contaminated),
        "transductive": r.transductive,
        "reads_names": bool(r.data.get("reads_names")),
        "training_seconds": r.training_seconds,
        "seconds_per_episode": r.timings["score"] / r.episodes,
        "identity": r.data.get("identity", ""),
        "created": r.data.get("created"),
        "command": r.command,
    }
    return {key: printable(value) if isinstance(value, str) else value for key, value in flat.items()}
