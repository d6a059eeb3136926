"""``fsbench submit``: records with their verification in one file."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, say


@click.command("submit")
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("submission.zip"), show_default=True,
    help="The file that is written.",
)  # fmt: skip
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Where to run. [default: each record's]",
)
def command(records: tuple[Path, ...], output: Path, data_root: Path | None, device: str | None) -> None:
    """Verify RECORDS (files or folders) and pack them into one file for a pull request.

    A record that fails a part of its verification is named, and nothing is written. CONTRIBUTING.md says where the file
    goes.
    """
    from importlib import metadata

    from fewshot_bench.cli.verify import each
    from fewshot_bench.errors import FsbenchError
    from fewshot_bench.records import read
    from fewshot_bench.verification.submit import submission, write_submission

    found = []
    for path, verdicts in each(records, data_root, device, again=True):
        if failed := [verdict for verdict in verdicts if verdict.outcome == "fails"]:
            raise FsbenchError(f"{path} is not submitted: {failed[0].sentence}")
        for verdict in verdicts:
            say(f"{path.name}: {verdict.part} {verdict.outcome}. {verdict.sentence}")
        found.append((path, read(path), verdicts))
    write_submission(output, submission(found, metadata.version("fewshot-bench")))
    plural = "record" if len(found) == 1 else "records"
    echo(f"{output}: {len(found)} {plural} with their verification.")
    say("Unpack it at the root of the repository and open a pull request.")
