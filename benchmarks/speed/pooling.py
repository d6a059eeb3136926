"""What LCA pooling costs beyond global average pooling, as a share of the backbone's forward pass.

    python benchmarks/speed/pooling.py [--backbone NAME] [--device cpu|cuda] [--batch 32] [--repeats 15]

The three are timed in turn, round by round; the share is printed as its median and range over the rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed.pooling import pool


def seconds(work: Callable[[], object], calls: int) -> float:
    """Seconds of one call, the mean of ``calls``, the device's queue emptied before and after."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / calls


def main() -> None:
    """Time forward pass and both poolings, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    encoder = PretrainedEncoder(options.backbone, device=options.device)
    side = encoder.found.transform.size
    drawn = np.random.default_rng(0).integers(0, 256, (options.batch, 3, side, side), dtype=np.uint8)
    with torch.inference_mode():
        pictures = encoder.found.transform.normalise(torch.from_numpy(drawn).to(options.device))
        features = encoder.trunk(pictures)
        forward, shares = [], []
        for _ in range(options.repeats):
            forward.append(seconds(lambda: encoder.trunk(pictures), 1))
            average = seconds(lambda: pool(features, "average"), 20)
            lca = seconds(lambda: pool(features, "lca"), 20)
            shares.append((lca - average) / forward[-1])
    print(
        f"{options.backbone}, {options.device}, batch {options.batch}, map {tuple(features.shape[1:])}: "
        f"forward {1e3 * float(np.median(forward)):.1f} ms; LCA costs "
        f"{100 * float(np.median(shares)):+.2f} % of it more than average pooling "
        f"(range {100 * min(shares):+.2f} to {100 * max(shares):+.2f} %, {options.repeats} rounds)"
    )


if __name__ == "__main__":
    main()
