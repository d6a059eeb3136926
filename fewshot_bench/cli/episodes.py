"""``fsbench episodes``: draw a manifest that others can replay, or show what one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.group("episodes")
def command() -> None:
    """Episodes as files: integer arrays and a hash, no pictures."""


@command.command("export")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--dataset", required=True)
@click.option("--ways", default="5", show_default=True)
@click.option("--shots", default="1", show_default=True)
@click.option("--queries", default="15", show_default=True)
@click.option("--episodes", type=int)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--split")
@click.option("--drop-small", is_flag=True)
@click.option("--variable", is_flag=True)
@click.option("--data-root", type=click.Path(path_type=Path))
def export(output: Path, **options: Any) -> None:
    """Draw episodes and write them to OUTPUT (.npz), for `fsbench run --episodes-from` and other tools."""
    from fewshot_bench.episodes import save_manifest
    from fewshot_bench.functions import sample

    drawn = sample(options.pop("dataset"), **options)
    save_manifest(output, drawn)
    click.echo(f"{output}: {len(drawn.classes)} episodes, sha256 {drawn.sha256}")


@command.command("info")
@click.argument("manifest", type=click.Path(path_type=Path))
def info(manifest: Path) -> None:
    """Show what a MANIFEST holds, after checking its hash."""
    import json

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
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
