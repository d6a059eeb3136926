"""``fsbench cache``: what the embedding cache holds, and how to make it smaller."""

from __future__ import annotations

import click


@click.group("cache", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the embedding cache; `fsbench cache prune` removes parts of it."""
    if ctx.invoked_subcommand is not None:
        return
    from fewshot_bench.cli.terminal import say, table
    from fewshot_bench.embed import EmbeddingCache
    from fewshot_bench.paths import cache_dir

    rows = EmbeddingCache(cache_dir() / "embeddings").info()
    columns = ["encoder", "images", "dim", "dtype", "MB", "last used"]
    click.echo(
        table(columns, [[str(row[c]) for c in columns] for row in rows], right=("images", "dim", "MB"))
    )
    say(f"Folder: {cache_dir()}")


@command.command("prune")
@click.option("--older-than", type=float, metavar="DAYS", help="Encoders not used for this many days.")
@click.option("--all", "everything", is_flag=True, help="All embeddings.")
def prune(older_than: float | None, everything: bool) -> None:
    """Remove embeddings from the cache; they are made again when they are needed."""
    from fewshot_bench.embed import EmbeddingCache
    from fewshot_bench.errors import UsageError
    from fewshot_bench.paths import cache_dir

    if everything == (older_than is not None):
        raise UsageError("fsbench cache prune takes either --older-than DAYS or --all.")
    removed = EmbeddingCache(cache_dir() / "embeddings").prune(older_than_days=older_than)
    click.echo(f"Removed the embeddings of {removed} encoders.")
