"""``fsbench episodes``: draw a manifest that others can replay, or show what one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, echo_json


@click.group("episodes")
def command() -> None:
    """Draw episodes, as files (integer arrays and a hash, no pictures) or as a picture."""


@command.command("export")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, help="Name of a data set, or a folder of class folders.")
@click.option("--ways", default="5", show_default=True, help="N, classes of an episode, or all.")
@click.option("--shots", default="1", show_default=True, help="K, support images of a class, or all.")
@click.option(
    "--queries", help="Query images of a class, or all. [default: 15, or all where a class has fewer]"
)
@click.option("--episodes", type=int, help="Number of episodes. [default: 600; with all ways at most 100]")
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option("--split", help="Class split. [default: novel, or all where there is none]")
@click.option("--drop-small", is_flag=True, help="Leave out classes with too few images.")
@click.option("--variable", is_flag=True, help="Meta-Dataset's variable ways and shots.")
@click.option("--sampler", default="", metavar="NAME", help="What draws them; `fsbench samplers` lists.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
def export(output: Path, **options: Any) -> None:
    """Draw episodes and write them to OUTPUT (.npz), for `fsbench run --episodes-from` and other tools."""
    from fewshot_bench.episodes import save_manifest
    from fewshot_bench.functions import sample

    drawn = sample(options.pop("dataset"), **options)
    save_manifest(output, drawn)
    echo(f"{output}: {len(drawn.classes)} episodes, sha256 {drawn.sha256}")


@command.command("info")
@click.argument("manifest", type=click.Path(path_type=Path))
def info(manifest: Path) -> None:
    """Show what a MANIFEST holds, after checking its hash."""
    from fewshot_bench.episodes import load_manifest

    loaded = load_manifest(manifest)
    shown = {
        "dataset": loaded.dataset,
        "dataset_fingerprint": loaded.dataset_fingerprint,
        **loaded.spec.to_json(),
        "support": list(loaded.support.shape),
        "query": list(loaded.query.shape),
        "dropped": loaded.dropped,
        "sha256": loaded.sha256,
    }
    echo_json(shown)


@command.command("show")
@click.option("--dataset", required=True, help="Name of a data set, or a folder of class folders.")
@click.option("--ways", help="N, classes of an episode, or all. [default: 5]")
@click.option("--shots", help="K, support images of a class, or all. [default: 1]")
@click.option(
    "--queries", help="Query images of a class, or all. [default: 15, or all where a class has fewer]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option("--split", help="Class split. [default: novel, or all where there is none]")
@click.option("--drop-small", is_flag=True, help="Leave out classes with too few images.")
@click.option("--variable", is_flag=True, help="Meta-Dataset's variable ways and shots.")
@click.option("--sampler", default="", metavar="NAME", help="What draws them; `fsbench samplers` lists.")
@click.option("--episodes-from", type=click.Path(path_type=Path), help="Show an episode of a manifest.")
@click.option("--episode", type=int, default=0, show_default=True, help="Which one, counted from 0.")
@click.option("--cell", type=int, default=96, show_default=True, metavar="PIXELS", help="Side of a picture.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.png", help="The picture."
)
def show(output: Path, episode: int, cell: int, data_root: Path | None, **options: Any) -> None:
    """Draw one episode as a contact sheet (PNG): a class a row, support to the left, queries to the right.

    \b
    Example:
      fsbench episodes show --dataset grozi120 --ways 5 --episode 3 -o episode.png
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.engine import Request
    from fewshot_bench.errors import UsageError
    from fewshot_bench.files import write_atomic
    from fewshot_bench.sheets.draw import sheet

    if output.suffix.lower() != ".png":
        raise UsageError(f"-o {output}: a contact sheet is a PNG file; give it a name that ends in .png.")
    with Watcher() as watcher:
        drawn = sheet(
            Request(method="", **options), episode, data_root=data_root, cell=cell, progress=watcher
        )
    write_atomic(output, lambda stream: drawn.save(stream, "PNG"))
    echo(f"{output}: {drawn.width} × {drawn.height} pixels")
