"""The leaderboard as Markdown: tables, what their intervals are over, and the commands to run them again."""

from __future__ import annotations

from collections.abc import Sequence

from fewshot_bench.records import printable
from fewshot_bench.report.leaderboard import Table, cells, columns_of, each_training, not_shown

LEGEND = """\
± is a 95 % interval over episodes (Student t): how well the mean over *these* classes is known. \
The columns "classes" are 95 % intervals over classes, so for *new* classes of the same kind; \
they are much wider. With a single split or episode, the interval is over its test pictures (Wilson). \
An interval that is not symmetric about the mean is shown by both ends in brackets. \
A row of several trainings (its column says how many) is the mean over them, and the brackets hold the lowest and \
the highest; each of them is listed below. \
Tables of retrieval are ranked by mAP, the others by accuracy; a method that ranks by class has the pictures \
of a class tied, which lifts its mAP, and is ranked apart from those that rank by picture. \
A rank is a range where it is not sure: 2–4 says that one method is better, and that this one cannot be told from two \
others. A difference counts when it is significant with Holm's correction for all pairs of the table (paired, over \
classes; over episodes where there is no interval over classes). \
"contaminated" marks weights whose pretraining held evaluated classes or pictures; "not registered" marks a class \
that no installed package names. \
"training" is the time of all of a method's trainings on the machine that made them, busy as it was (the mean over \
the trainings of a row); \
"an episode" is the time of scoring one, embeddings being cached, all that a method learns from the support \
set included. A missing number is left blank."""


def escape(text: str) -> str:
    """Returns text as a Markdown table cell."""
    text = printable(text)
    for mark in "\\`*_<>|[]":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())


def row(values: Sequence[str]) -> str:
    """Returns one line of a table."""
    return "| " + " | ".join(values) + " |"


def markdown(made: Sequence[Table], title: str = "Leaderboard") -> str:
    """Returns all tables as one Markdown document."""
    lines = [f"# {printable(title)}", "", LEGEND, ""]
    for table in made:
        first = table.first
        lines += [f"## {escape(table.title)}", ""]
        if first.synthetic:
            lines += [
                "Drawn pictures, not photographs: never compare these figures with those of real data.",
                "",
            ]
        body = [cells(r) for r in table.standings]
        used = columns_of(body)
        lines += [row(used), row(["---:" if key == "rank" else "---" for key in used])]
        lines += [row([escape(c.get(key, "")) for key in used]) for c in body]
        drawn = f"split {first.split}, seed {first.seed}, queries {first.queries}"
        shown = f"{first.images} images of {first.classes} classes"
        lines += ["", f"- Episodes `{first.episodes_sha256[:16]}`: {drawn}; {shown}."]
        for standing in table.standings:
            lines += [f"- {escape(standing.label)}, {escape(text)}." for text in each_training(standing)]
        if older := not_shown(table):
            lines.append(f"- {escape(older)}.")
        kinds = {standing.headline[1].class_kind for standing in table.standings} - {""}
        lines += [f"- Interval over classes: {escape(kind.rstrip('.'))}." for kind in sorted(kinds)]
        lines += [f"- {escape(note)}" for note in first.dataset_notes]
        if first.dropped:
            named = ", ".join(str(name) for name, *_ in first.dropped[:5])
            lines.append(f"- Classes left out as too small: {len(first.dropped)}, first {escape(named)}.")
        lines += [
            "- Run again:",
            "",
            "```sh",
            *(printable(r.command) for standing in table.standings for r in standing.trainings),
            "```",
            "",
        ]
    return "\n".join(lines)
