"""Heads of the plugin fsbench-heads against easyfsl's in one run: ``python -m benchmarks.speed.transductive``.

5-way episodes with 15 queries a class, 1,200 embeddings of 1,280 numbers, as many threads as are asked for on both
sides. Ours solves all episodes at once, the Gram matrix of the table included; easyfsl the first ten, one after the
other, on embeddings. Each line gives the ratio of the times of an episode as lowest / median / highest, and how many
predictions differ. With ``--device cuda`` both compute on a GPU.
PT-MAP has embeddings of 64 numbers, since easyfsl's gives NaN for longer ones: once as easyfsl
computes it, without unit length, and once as its paper does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch
from fsbench_heads.bd_cspn import Rectification
from fsbench_heads.laplacianshot import Laplacian
from fsbench_heads.pt_map import Transport
from fsbench_heads.simpleshot import NearestCentroid
from fsbench_heads.tim import InformationMaximization

from fewshot_bench.api import Tasks, import_torchvision

WAYS, QUERIES, WIDTH = 5, 15, 1280


def made(shots: int, episodes: int, width: int = WIDTH) -> tuple[torch.Tensor, Tasks]:
    """Returns features ``[M, width]`` of 20 clusters, not negative, and 5-way episodes with 15 queries a class."""
    rng = np.random.default_rng(shots)
    centres = rng.normal(size=(20, width))
    features = np.maximum(centres[:, None] * 0.35 + rng.normal(size=(20, 60, width)), 0) * 0.04
    support, query = [], []
    for _ in range(episodes):
        rows = [c * 60 + rng.permutation(60)[: shots + QUERIES] for c in rng.choice(20, WAYS, replace=False)]
        support.append([r[:shots] for r in rows])
        query.append(rng.permutation(np.concatenate([r[shots:] for r in rows])))
    table = torch.from_numpy(features.reshape(-1, width).astype(np.float32))
    return table, Tasks(np.array(support), np.array(query))


def theirs(method: Any, table: torch.Tensor, tasks: Tasks) -> torch.Tensor:
    """Returns the predictions ``[E, Q]`` of easyfsl's method, one episode at a time."""
    found = []
    labels = torch.arange(tasks.ways, device=table.device).repeat_interleave(tasks.shots)
    for support, query in zip(tasks.support, tasks.query, strict=True):
        method.process_support_set(table[support.ravel()], labels)
        found.append(method(table[query]).argmax(1).cpu())
    return torch.stack(found)


def pairs() -> list[tuple[str, int, Any, Any]]:
    """Returns name, width of embeddings, head and easyfsl's method with the same settings."""
    import_torchvision()
    from easyfsl.methods import BDCSPN, PTMAP, TIM, LaplacianShot, SimpleShot

    return [
        ("simpleshot", WIDTH, NearestCentroid(), SimpleShot(feature_normalization=2.0)),
        ("bd-cspn", WIDTH, Rectification(False), BDCSPN()),
        ("laplacianshot", WIDTH, Laplacian(k=2, normalize=False), LaplacianShot()),
        ("pt-map as easyfsl", 64, Transport(rounds=10, centre=False, normalize=False), PTMAP()),
        ("pt-map", 64, Transport(rounds=10, centre=False), PTMAP()),
        ("tim", WIDTH, InformationMaximization(normalize=False), TIM()),
    ]


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--few", type=int, default=10, help="episodes that easyfsl is given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where both compute")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.device == "cuda":
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print("| method | shots | ours, ms an episode | easyfsl, ms | ratio | differing predictions |")
    print("|---|---|---|---|---|---|")
    for shots in (1, 5):
        for name, width, head, peer in pairs():
            table, tasks = made(shots, given.episodes, width)
            table, few = table.to(given.device), tasks[: given.few]
            head.scores(table, few), theirs(peer, table, few)  # what is built once is built
            times = []
            for _ in range(given.repeats):
                begin = time.perf_counter()
                mine = head.scores(table.clone(), tasks)[0].argmax(2)[: given.few].cpu()
                middle = time.perf_counter()
                found = theirs(peer, table, few)
                end = time.perf_counter()
                times.append((1000 * (middle - begin) / len(tasks), 1000 * (end - middle) / len(few)))
            ours, other = (statistics.median(column) for column in zip(*times, strict=True))
            ratios = sorted(theirs / ours for ours, theirs in times)
            spread = f"{ratios[0]:.1f} / **{statistics.median(ratios):.1f}** / {ratios[-1]:.1f}"
            differ = f"{int((mine != found).sum())} of {found.numel()}"
            print(f"| `{name}` | {shots} | {ours:.2f} | {other:.2f} | {spread} | {differ} |", flush=True)


if __name__ == "__main__":
    main()
