"""Pseudolabels of 2 million pictures: what one costs here, measured, and what all cost, extrapolated from it.

    [FSBENCH_DATA=…] python -m benchmarks.speed.pseudolabels [--pictures 256] [--images 20000]

Encodes real product pictures (Kaggle Fashion where FSBENCH_DATA has it, else packshots) with the default backbone
as a student's training does (decoding, network, cache), fills the cache with made-up vectors, and kills a process
in the middle of its work to see what the next one encodes again. Prints one table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import fewshot_bench as fb
from benchmarks.speed.cache import Nothing, cost, made_up
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.errors import UsageError
from fewshot_bench.store.cache import EmbeddingCache

MANY = 2_000_000
Line = tuple[str, str, str]


def duration(seconds: float) -> str:
    """Seconds as days, hours or minutes."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def encoding(pictures: int) -> list[Line]:
    """The rate of the default backbone, at the sides of a student's pictures and in both precisions."""
    try:
        index = fb.dataset("kaggle-fashion")
    except (UsageError, fb.FsbenchError):
        index = fb.dataset("packshots")
    rows = np.linspace(0, len(index) - 1, pictures).astype(np.int64)
    lines = []
    for size in (160, 224):
        for precision in ("float32", "bf16"):
            encoder = PretrainedEncoder(size=size, pooling="lca", precision=precision)
            encoder.encode(
                np.zeros((32, 3, size, size), np.uint8)
            )  # the network is built before the clock starts
            with tempfile.TemporaryDirectory() as place:
                began, busy = time.perf_counter(), time.process_time()
                EmbeddingCache(Path(place)).mapped(encoder, index, rows, dtype="float16")
                each = (time.perf_counter() - began) / pictures
                core = (time.process_time() - busy) / pictures
            what = f"encode {pictures} of {index.name}: {encoder.backbone}, {size} px, {precision}"
            measured = f"{1 / each:.1f} images/s, {1e3 * core:.1f} core ms each"
            lines.append((what, measured, f"{duration(each * MANY)}, {core * MANY / 3600:.0f} core hours"))
    return lines


def keeping(images: int) -> list[Line]:
    """What the cache adds for each vector."""
    lines = []
    for dim in (1280, 2048):
        for dtype in ("float16", "float32"):
            found = cost(images, dim, dtype)
            measured = f"{1e6 * found.fill:.0f} µs and {found.size:,.0f} bytes a vector"
            disk = f"{duration(found.fill * MANY)}, {found.size * MANY / 1e9:.1f} GB"
            lines.append((f"keep {images} vectors of {dim} {dtype}", measured, disk))
            lines.append(
                ("… a batch of 256 of them from disk", f"{256e3 * found.few:.0f} ms, files opened", "")
            )
    return lines


class Slow(Nothing):
    """A picture a millisecond; counts those it encoded."""

    done = 0

    def encode(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Zeros, after a while."""
        time.sleep(1e-3 * len(batch))
        self.done += len(batch)
        return super().encode(batch)


def fill(folder: Path, images: int) -> int:
    """Encode what is missing of made-up images into ``folder``; how many that were."""
    encoder, done = Slow(1280), [0]

    def progress(count: int, _total: int) -> None:
        done[0] = count

    EmbeddingCache(folder).mapped(
        encoder, made_up(images), np.arange(images), dtype="float16", progress=progress
    )
    return done[0]


def restart(images: int) -> list[Line]:
    """Kill -9 a process that encodes, once a third is on disk, and see what a second one encodes."""
    with tempfile.TemporaryDirectory() as place:
        command = [
            sys.executable,
            "-m",
            "benchmarks.speed.pseudolabels",
            "--fill",
            place,
            "--images",
            str(images),
        ]
        process = subprocess.Popen(command)
        while process.poll() is None and kept(Path(place)) < images // 3:
            time.sleep(0.05)
        process.kill()
        process.wait()
        before = kept(Path(place))
        again = fill(Path(place), images)
        assert before + again == images == kept(Path(place)), (before, again)
    first = f"killed with {before} of {images} vectors on disk"
    return [(first, f"the second process encoded {again}", "at most 15 s or 512 pictures are lost")]


def kept(folder: Path) -> int:
    """Vectors in a cache."""
    return sum(row["images"] for row in EmbeddingCache(folder).info())


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=256, help="real ones, to encode")
    parser.add_argument("--images", type=int, default=20_000, help="made-up ones, to fill the cache with")
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill is not None:
        fill(options.fill, options.images)
        return
    head = ("what", "measured", "2 million (extrapolated, not measured)")
    lines = [head, *encoding(options.pictures), *keeping(options.images), *restart(min(options.images, 8192))]
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} (other work slows encoding down)\n")
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
