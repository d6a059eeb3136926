"""Where a training's time goes: ``python -m benchmarks.speed.training [--method teacher-lr] [--large-pages 0]``.

One epoch of the quick preset on drawn packages, from an empty cache. The forward pass (with the loss), the backward
pass, the optimiser (with clipping) and the moving average are timed around their calls; what is left of an epoch
without its validation is waiting for batches, which threads draw and distort meanwhile, and the loop itself.
``--large-pages 0`` leaves out the large pages of memory that torch is asked for by default.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewshot_bench.contract.context import HUGE_PAGES

SETTINGS: dict[str, dict[str, Any]] = {
    "teacher-lr": {"preset": "quick", "teacher_epochs": 1},
    "siamese-triplet": {"preset": "quick", "epochs": 1},
    "protonet": {"epochs": 1, "episodes": 30},
}


def timed(name: str, work: Callable[..., Any], spent: Counter[str]) -> Callable[..., Any]:
    """The same function, whose seconds are added up under a name."""

    def call(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return work(*arguments, **options)
        finally:
            spent[name] += time.perf_counter() - began  # type: ignore[assignment]

    return call


def main() -> None:
    """Prints a row of a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=sorted(SETTINGS), default="teacher-lr")
    parser.add_argument("--large-pages", choices=("0", "1"), default="1")
    chosen = parser.parse_args()
    os.environ[HUGE_PAGES] = chosen.large_pages
    import torch

    from fewshot_bench.engine import Request, run
    from fewshot_bench.training import loop

    spent: Counter[str] = Counter()
    patched: Any = loop
    torch.Tensor.backward = timed("backward", torch.Tensor.backward, spent)  # type: ignore[method-assign]
    torch.nn.utils.clip_grad_norm_ = timed("optimiser", torch.nn.utils.clip_grad_norm_, spent)  # type: ignore[assignment]
    torch.optim.AdamW.step = timed("optimiser", torch.optim.AdamW.step, spent)  # type: ignore[method-assign]
    patched.blend = timed("average", loop.blend, spent)
    patched.with_weights = timed("validation", loop.with_weights, spent)
    inner = loop._train

    def train(name: str, network: Any, task: Any, *rest: Any, **options: Any) -> Any:
        object.__setattr__(task, "loss", timed("forward", task.loss, spent))
        return timed("epoch", inner, spent)(name, network, task, *rest, **options)

    patched._train = train
    with tempfile.TemporaryDirectory() as place:
        run(
            Request(chosen.method, "packshots", episodes=5, parameters=SETTINGS[chosen.method]),
            cache=Path(place),
            device="cpu",
        )
    whole = spent["epoch"] - spent["validation"]
    parts = {name: spent[name] / whole for name in ("forward", "backward", "optimiser", "average")}
    shares = " | ".join(f"{100 * share:.0f} %" for share in (*parts.values(), 1 - sum(parts.values())))
    print("| training | seconds without validation | forward | backward | optimiser | average | the rest |")
    print(f"| {chosen.method} | {whole:.1f} | {shares} |")


if __name__ == "__main__":
    main()
