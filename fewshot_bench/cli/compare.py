"""``fsbench compare``: methods on the same episodes, paired."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, echo_json

CLASSES = 20
"""Classes that ``--per-class`` shows where not all are asked for."""


@click.command("compare")
@click.argument("records", nargs=-1, required=True)
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
    help="Folder in which methods are looked up by name.",
)  # fmt: skip
@click.option(
    "--per-class", is_flag=True, help="Show the accuracy of the classes on which the methods differ most."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(records: tuple[str, ...], results: Path, per_class: bool, as_json: bool) -> None:
    """Compare RECORDS: record files, folders of them, or names of methods.

    \b
    Example: fsbench compare pretrained-lr pretrained-proto pixels

    For each set of episodes that all of them share: who is better by how much, then all differences in points. Which
    differences count is corrected for the number of pairs.
    """
    from fewshot_bench.cli.gather import apart, named, shared_tables
    from fewshot_bench.errors import UsageError
    from fewshot_bench.report.contest import Contest

    groups = named(records, results)
    found = [Contest(table) for table in shared_tables(groups)]
    if not found:
        one = {record.data.get("identity") for group in groups for record in group}
        alone = f"{records[0]} holds one run of one method alone; name another beside it."
        raise UsageError(alone if len(groups) == 1 or len(one) == 1 else apart(groups, records))
    if as_json:
        echo_json([contest.to_json() for contest in found])
        return
    echo("\n\n".join(shown(contest, per_class) for contest in found))


def shown(contest: object, per_class: bool) -> str:
    """Returns one contest as text: title, sentences, the matrix of differences, the classes."""
    from fewshot_bench.cli.terminal import table
    from fewshot_bench.report.contest import Contest, by_class
    from fewshot_bench.report.scores import percent
    from fewshot_bench.report.terminal import fit

    assert isinstance(contest, Contest)
    names = [one.label for one in contest.standings]
    numbers = [f"{place}" for place in range(1, len(names) + 1)]
    lines = [contest.table.title, *contest.sentences()]
    headline = "mAP" if contest.measure == "map" else "accuracy"
    columns = ["", "method", f"{headline} %", *numbers]
    means = [percent(one.headline[1].mean) for one in contest.standings]
    cells = zip(numbers, names, means, contest.matrix(), strict=True)
    body = [[number, fit(name, 34), mean, *row] for number, name, mean, row in cells]
    lines.append(table(columns, body, right=tuple(columns[2:])))
    lines.append("Row minus column, in points; * counts after the correction for all pairs.")
    if per_class:
        rows = by_class([one.record for one in contest.standings])
        body = [
            [fit(name, 40), *("" if v is None else percent(v) for v in row)]
            for name, row in list(rows.items())[:CLASSES]
        ]
        lines.append(table(["class", *numbers], body, right=tuple(numbers)))
        if len(rows) > CLASSES:
            lines.append(f"The {CLASSES} of {len(rows)} classes on which they differ most, in percent.")
    return "\n".join(lines)
