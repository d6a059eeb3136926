"""``fsbench export``: a fitted recogniser as ONNX, for a machine that has neither this package nor torch."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, say


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--onnx", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="New folder for encoder.onnx, head.onnx, classes.json, example.py and parity.json.",
)  # fmt: skip
@click.option(
    "--on", multiple=True, type=click.Path(path_type=Path), metavar="DIR_OR_FILE",
    help="Pictures on which the files are compared with the recogniser. [default: its references' embeddings]",
)  # fmt: skip
def command(file: Path, onnx: Path, on: tuple[Path, ...]) -> None:
    """Export the recogniser FILE as ONNX, with an example that needs onnxruntime, numpy and Pillow alone.

    \b
    Example:
      fsbench export shop.fsb --onnx shop-onnx --on ~/new
      python shop-onnx/example.py ~/new/*.jpg
    """
    from fewshot_bench.prediction.pictures import find_pictures
    from fewshot_bench.recogniser.export import export_recogniser, require_new
    from fewshot_bench.recogniser.making import load_recogniser

    require_new(onnx.expanduser())
    pictures = find_pictures(on) if on else None
    found = export_recogniser(load_recogniser(file.expanduser(), device="cpu"), onnx, pictures)
    echo(f"{onnx}: encoder.onnx, head.onnx, classes.json, example.py, parity.json.")
    say(str(found))
