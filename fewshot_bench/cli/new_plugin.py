"""``fsbench new-plugin``: a distribution to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo
from fewshot_bench.scaffold.kinds import KINDS


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(list(KINDS)), default="head", show_default=True,
    help=f"What it shows. {'; '.join(f'{name}: {kind.summary}' for name, kind in KINDS.items())}.",
)  # fmt: skip
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where it is written. [.]",
)
def command(name: str, kind: str, folder: Path) -> None:
    """Write the distribution fsbench-NAME: a plugin that installs, runs and passes its tests as it is.

    NAME is what the method, data set or metric will be called: small letters, digits and hyphens. Nothing is
    overwritten.

    \b
    Example: fsbench new-plugin my-method
    """
    import shlex

    from fewshot_bench.scaffold.write import filled, new_plugin

    place = new_plugin(name, kind, folder)
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        echo(f"wrote {path}")
    echo("\nNext:\n")
    echo(f"    pip install --editable {shlex.quote(str(place if place.is_absolute() else f'./{place}'))}")
    for line in KINDS[kind].commands:
        echo(f"    {filled(line, {'name': name})}")
