"""One record as a few lines for a person."""

from __future__ import annotations

from fewshot_bench.records import Record, Score, printable
from fewshot_bench.report.leaderboard import title_of
from fewshot_bench.report.measure import ends, over_families
from fewshot_bench.report.scores import half_width, low_to_high, percent


def score_line(name: str, score: Score) -> list[str]:
    """Returns the mean and both intervals of a score, each with what it is over."""
    text = f"{percent(score.mean)} %"
    if score.interval is not None:
        half = half_width(score.mean, score.interval)
        text += f" ± {half}" if half is not None else f", {low_to_high(score.interval)} %"
    lines = [f"{name:<9} {text}   ({score.kind})"]
    if score.class_interval:
        lines.append(f"{'':<9} {low_to_high(score.class_interval)} %   ({score.class_kind})")
    else:
        lines.append(f"{'':<9} no interval over classes: {score.class_kind}")
    return lines


def family_line(record: Record, measure: str) -> list[str]:
    """Returns the interval over families of a score, or why there is none; [] where the data set names none."""
    found = over_families([record], measure)
    if found is None:
        return []
    both = ends(found)
    if both is None:
        return [f"{'':<9} no interval over families: {found.reason}"]
    return [f"{'':<9} {low_to_high(both)} %   ({found.kind})"]


def metric_line(name: str, score: Score) -> str:
    """Returns the mean of a metric and both ends of its interval; it need not be a share, and has no percent."""
    ends = f", {score.interval[0]:.4f} to {score.interval[1]:.4f}" if score.interval else ""
    return f"{name:<9} {score.mean:.4f}{ends}   ({score.kind})"


def summary(record: Record) -> str:
    """Returns what was run, its accuracy and mAP with named intervals, and where the time went."""
    parameters = ", ".join(f"{key}={value}" for key, value in record.parameters.items())
    times = ", ".join(
        f"{stage} {seconds:.2f}" for stage, seconds in record.timings.items() if stage != "picture"
    )
    times += f", encoding of a picture {record.timings['picture']:.4f}" if "picture" in record.timings else ""
    lines = [
        title_of(record),
        f"{record.method} ({parameters or 'no parameters'}); pretraining: {record.pretraining_marked}",
        *score_line("accuracy", record.accuracy),
        *family_line(record, "accuracy"),
        *([*score_line("mAP", record.map), *family_line(record, "map")] if record.map else []),
        *(metric_line(name, score) for name, score in record.metrics.items()),
        f"{'seconds':<9} {times}",
        f"{'queries':<9} {record.queries}{'' if record.queries == 'all' else ' a class'}",
        f"{'episodes':<9} {record.episodes_sha256[:16]}   scores {record.scores_sha256[:16]}",
    ]
    if sweep := record.data.get("sweep"):
        lines.append(f"{'searched':<9} {sweep.get('trials')} trials on {sweep.get('on')}")
    if record.train_seed:
        lines.append(f"{'trained':<9} with training seed {record.train_seed}")
    lines += [f"{'note':<9} {note}" for note in record.dataset_notes]
    lines += [f"{'note':<9} {place} was {was}" for place, was in record.data.get("not_finite", {}).items()]
    return "\n".join(map(printable, lines))
