"""Options of commands that may run past one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--executor`` and ``--address``."""
    where = click.option(
        "--executor", type=click.Choice(["here", "ray"]), default="here", show_default=True,
        help="Who trains, encodes and scores: this process, or the workers of a Ray cluster.",
    )  # fmt: skip
    address = click.option(
        "--address", metavar="HOST:PORT",
        help="The Ray cluster, or auto for that of this machine. [default: one that is started here]",
    )  # fmt: skip
    return where(address(command))


@contextmanager
def chosen(executor: str, address: str | None, device: str) -> Iterator[None]:
    """Lets the named executor do the units of what runs in the block; UsageError for an address without Ray."""
    from fewshot_bench.errors import UsageError

    if executor == "here":
        if address is not None:
            raise UsageError(f"--address {address} is that of a Ray cluster; add --executor ray.")
        yield
        return
    from fewshot_bench.cluster.executor import using
    from fewshot_bench.cluster.ray_executor import ray_cluster
    from fewshot_bench.contract.context import choose_device

    gpus = 1.0 if choose_device(device) == "cuda" else 0.0
    with ray_cluster(address, gpus=gpus) as cluster, using(cluster):
        yield
