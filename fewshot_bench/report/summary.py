"""One record as a few lines for a person."""

from __future__ import annotations

from fewshot_bench.records import Record, Score
from fewshot_bench.report.leaderboard import Row, Table, percent


def score_line(name: str, score: Score) -> list[str]:
    """The mean and both intervals of a score, each with what it is over."""
    half = f" ± {percent(score.ci95)}" if score.ci95 is not None else ""
    lines = [f"{name:<9} {percent(score.mean)} %{half}   ({score.ci_kind})"]
    if score.class_interval:
        low, high = score.class_interval
        lines.append(f"{'':<9} {percent(low)} to {percent(high)} %   ({score.class_ci_kind})")
    else:
        lines.append(f"{'':<9} no interval over classes: {score.class_ci_kind}")
    return lines


def summary(record: Record) -> str:
    """What was run, its accuracy and mAP with named intervals, and where the time went."""
    parameters = ", ".join(f"{key}={value}" for key, value in record.parameters.items())
    times = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in record.timings.items())
    lines = [
        Table((Row(1, record),)).title,
        f"{record.method} ({parameters or 'no parameters'}); pretraining: {record.pretraining_marked}",
        *score_line("accuracy", record.accuracy),
        *(score_line("mAP", record.map) if record.map else []),
        f"{'seconds':<9} {times}",
        f"{'queries':<9} {record.queries}{'' if record.queries == 'all' else ' a class'}",
        f"{'episodes':<9} {record.episodes_sha256[:16]}   scores {record.scores_sha256[:16]}",
    ]
    lines += [f"{'note':<9} {note}" for note in record.dataset_notes]
    return "\n".join(lines)
