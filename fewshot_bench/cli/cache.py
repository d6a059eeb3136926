"""``fsbench cache``: what the embedding cache holds, and how to make it smaller."""

from __future__ import annotations

import click

from fewshot_bench.cli.output import echo, say


@click.group("cache", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what is kept: embeddings, trained networks. `fsbench cache prune` removes parts of it."""
    if ctx.invoked_subcommand is not None:
        return
    from fewshot_bench.cli.rooms import ROOMS, rooms
    from fewshot_bench.cli.terminal import table
    from fewshot_bench.paths import cache_dir
    from fewshot_bench.store.cache import EmbeddingCache

    rows = EmbeddingCache(cache_dir() / "embeddings").info()
    columns = ["encoder", "device", "made with", "images", "dim", "dtype", "MB", "last used"]
    echo(table(columns, [[str(row[c]) for c in columns] for row in rows], right=("images", "dim", "MB")))
    if others := rooms(cache_dir()):
        lines = [[r.name, ROOMS[r.name], str(len(r.entries)), f"{r.size / 1e6:.1f}"] for r in others]
        echo(table(["folder", "what", "entries", "MB"], lines, right=("entries", "MB")))
    say(f"Folder: {cache_dir()}")


@command.command("prune")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Remove what was not used for so many days.",
)
@click.option("--all", "everything", is_flag=True, help="Remove everything, whatever its age.")
@click.option("--trainings", is_flag=True, help="Remove trained networks as well.")
def prune(older_than: float | None, everything: bool, trainings: bool) -> None:
    """Remove embeddings, indexes and parts of interrupted runs, which are made again when they are needed."""
    from fewshot_bench.cli.rooms import prune as prune_room
    from fewshot_bench.cli.rooms import rooms
    from fewshot_bench.errors import FsbenchError, UsageError
    from fewshot_bench.paths import cache_dir
    from fewshot_bench.store.cache import EmbeddingCache

    if everything == (older_than is not None):
        raise UsageError("fsbench cache prune takes either --older-than DAYS or --all.")
    removed = EmbeddingCache(cache_dir() / "embeddings").prune(older_than_days=older_than)
    echo(f"Removed the embeddings of {removed} encoders.")
    for room in rooms(cache_dir()):
        if room.name != "checkpoints" or trainings:
            try:
                echo(f"Removed {prune_room(room, older_than)} of {len(room.entries)} {room.name}.")
            except OSError as error:
                raise FsbenchError(f"Cannot remove from {cache_dir() / room.name} ({error}).") from error
