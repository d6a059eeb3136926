"""Rates of heads and encoders on a device, and the ceilings that they are parts of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.speed.heads import embeddings, episodes
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.logistic import LogisticRegression
from fewshot_bench.heads.prototype import Prototype
from fewshot_bench.paths import cache_dir

REPEATS = 5


@dataclass(frozen=True)
class Ceilings:
    """What the device did in this run: ``copy`` in bytes a second, ``product`` in operations a second."""

    copy: float
    product: float


def seconds(work: Callable[[], object], device: str) -> list[float]:
    """Wall times of ``REPEATS`` calls, sorted, after two that are not counted; the device has finished each."""
    found = []
    for repeat in range(REPEATS + 2):
        if device == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        if repeat >= 2:
            found.append(time.perf_counter() - began)
    return sorted(found)


def ceilings(device: str, *, small: bool) -> Ceilings:
    """Measures the copy of a large array and the product of two matrices of random numbers."""
    count, side = (1 << 22, 512) if small else (1 << 31, 8192)
    source = torch.empty(count, dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    copied = statistics.median(seconds(lambda: target.copy_(source), device))
    left, right = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    product = statistics.median(seconds(lambda: left @ right, device))
    return Ceilings(2 * count / copied, 2 * side**3 / product)


def spread(times: list[float], count: int) -> str:
    """The rate of the median time, with the slowest and the fastest."""
    low, middle, high = (count / t for t in (times[-1], statistics.median(times), times[0]))
    return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})"


def head_rates(device: str, roof: Ceilings, *, small: bool) -> list[str]:
    """The lines of a table: episodes a second of each head and setting, and their share of the copy's rate.

    The bytes of an episode are the least that has to pass through memory: the indices read and the scores written.
    """
    table = torch.from_numpy(embeddings(0)).to(device)
    lines = [
        "| head | setting | episodes | episodes a second | share of the copy's rate |",
        "|---|---|---|---|---|",
    ]
    heads: list[tuple[str, Any]] = [
        ("prototype", Prototype()),
        ("3-NN", KNearest(3)),
        ("logistic regression", LogisticRegression(C=10.0, normalize=True)),
    ]
    for name, head in heads:
        exact = name == "logistic regression"
        for ways, shots in ((5, 1), (20, 1), (20, 5), (100, 1)):
            most = 2_000_000 if not exact else 100_000
            count = max(8, most // (ways * ways * shots) // (1000 if small else 1))
            tasks = episodes(count, ways, shots, 1)
            times = seconds(lambda head=head, tasks=tasks: head.scores(table, tasks)[0], device)
            moved = tasks.support.nbytes + tasks.query.nbytes + 4 * tasks.query.size * tasks.ways
            share = moved / statistics.median(times) / roof.copy
            lines.append(
                f"| {name} | {ways}-way {shots}-shot | {count:,} | {spread(times, count)} | {100 * share:.2f} % |"
            )
    return [*lines, ""]


def encoder_rates(device: str, roof: Ceilings, *, small: bool) -> list[str]:
    """The lines of a table: pictures a second of each network and precision, decoding left out."""
    lines = [
        "| network | precision | pictures | pictures a second | share of the product's rate |",
        "|---|---|---|---|---|",
    ]
    count, size = (4, 64) if small else (2048, 224)
    images = np.random.default_rng(0).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    for backbone in ("efficientnet_lite0", "resnet12"):
        for precision in ("float32", "bf16"):
            encoder = PretrainedEncoder(
                backbone, pretrained=backbone == "efficientnet_lite0", precision=precision, size=size, device=device,
                cache=cache_dir(),
            )  # fmt: skip
            times = seconds(lambda encoder=encoder: encoder.encode(images), device)
            share = operations(encoder, images[:1]) * count / statistics.median(times) / roof.product
            lines.append(
                f"| {backbone} | {precision} | {count:,} | {spread(times, count)} | {100 * share:.2f} % |"
            )
    return [*lines, ""]


def operations(encoder: PretrainedEncoder, image: Any) -> float:
    """The operations of a picture's way through the network, as torch counts them where torch computes it."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        encoder.own().encode(image)
    return float(counter.get_total_flops())
