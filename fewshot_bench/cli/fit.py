"""``fsbench fit``: a recogniser of a folder of products, kept as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, say


@click.command("fit")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help="File to write, such as shop.fsb.",
)  # fmt: skip
@click.option(
    "--method", default="pretrained-lr", show_default=True,
    help="Name of a method that has embeddings; `fsbench methods` lists all.",
)  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@click.option(
    "--accept", type=float, default=0.9, show_default=True,
    help="Share of pictures of known products that are accepted.",
)  # fmt: skip
@click.option(
    "--unknown", multiple=True, type=click.Path(path_type=Path), metavar="DIR_OR_FILE",
    help="Pictures of no product, by which the threshold is chosen as well.",
)  # fmt: skip
@click.option(
    "--train-dataset", default="packshots", show_default=True, help="Base data of methods that train."
)
@click.option(
    "--unlabelled", multiple=True, metavar="DATASET", help="More pictures to train on, labels unused."
)
@click.option("--train-seed", type=int, default=0, show_default=True, help="What a training draws.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where it runs; auto takes a GPU where there is one.",
)  # fmt: skip
@click.option("--thumbnails", is_flag=True, help="Keep a small picture of each reference, for pages to show.")
@click.option("--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates.")
def command(
    folder: str,
    output: Path,
    settings: tuple[str, ...],
    unknown: tuple[Path, ...],
    **options: Any,
) -> None:
    """Fit a recogniser to the products of FOLDER, a folder of class folders or the name of a data set.

    \b
    Example:
      fsbench fit ~/products -o shop.fsb
      fsbench predict --model shop.fsb ~/new/*.jpg
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request
    from fewshot_bench.recogniser.making import fit_recogniser, require_place

    require_place(output)
    words = {key: options.pop(key) for key in ("method", "train_dataset", "unlabelled", "train_seed")}
    request = Request(dataset=folder, parameters=parse_settings(settings), **words)
    with Watcher() as watcher:
        found = fit_recogniser(request, unknown=list(unknown) or None, progress=watcher, **options)
    found.save(output)
    echo(
        f"{output}: {len(found.class_names)} products, {len(found.references)} references, {request.method}."
    )
    for sentence in found.sentences():
        say(sentence)
