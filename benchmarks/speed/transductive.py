"""Times each head against easyfsl's on the same features and episodes, and counts predictions that differ."""

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


def made(shots: int, episodes: int) -> tuple[torch.Tensor, Tasks]:
    """Returns features ``[M, 1280]`` of 20 clusters, not negative, and 5-way episodes with 15 queries a class."""
    rng = np.random.default_rng(shots)
    centres = rng.normal(size=(20, WIDTH))
    features = np.maximum(centres[:, None] * 0.35 + rng.normal(size=(20, 60, WIDTH)), 0) * 0.04
    support, query = [], []
    for _ in range(episodes):
        rows = [c * 60 + rng.permutation(60)[: shots + QUERIES] for c in rng.choice(20, WAYS, replace=False)]
        support.append([r[:shots] for r in rows])
        query.append(rng.permutation(np.concatenate([r[shots:] for r in rows])))
    table = torch.from_numpy(features.reshape(-1, WIDTH).astype(np.float32))
    return table, Tasks(np.array(support), np.array(query))


def theirs(method: Any, table: torch.Tensor, tasks: Tasks) -> torch.Tensor:
    """Returns the predictions ``[E, Q]`` of easyfsl's method, one episode at a time."""
    found = []
    labels = torch.arange(tasks.ways).repeat_interleave(tasks.shots)
    for support, query in zip(tasks.support, tasks.query, strict=True):
        method.process_support_set(table[support.ravel()], labels)
        found.append(method(table[query]).argmax(1))
    return torch.stack(found)


def pairs() -> list[tuple[str, Any, Any]]:
    """Returns name, head and easyfsl's method with the same settings."""
    import_torchvision()
    from easyfsl.methods import BDCSPN, PTMAP, TIM, LaplacianShot, SimpleShot

    return [
        ("simpleshot", NearestCentroid(), SimpleShot(feature_normalization=2.0)),
        ("bd-cspn", Rectification(False), BDCSPN()),
        ("laplacianshot", Laplacian(k=2, normalize=False), LaplacianShot()),
        ("pt-map", Transport(rounds=10, centre=False), PTMAP()),
        ("tim", InformationMaximization(normalize=False), TIM()),
    ]


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| method | shots | ms an episode | easyfsl | times as fast | differing predictions |")
    print("|---|---|---|---|---|---|")
    for shots in (1, 5):
        table, tasks = made(shots, given.episodes)
        for name, head, peer in pairs():
            ours, other = [], []
            for _ in range(given.repeats):
                begin = time.perf_counter()
                mine = head.scores(table.clone(), tasks)[0].argmax(2)
                middle = time.perf_counter()
                found = theirs(peer, table, tasks)
                ours.append(middle - begin)
                other.append(time.perf_counter() - middle)
            each = [1000 * statistics.median(x) / given.episodes for x in (ours, other)]
            differ = int((mine != found).sum())
            print(
                f"| `{name}` | {shots} | {each[0]:.2f} | {each[1]:.2f} | {each[1] / each[0]:.1f} "
                f"| {differ} of {found.numel()} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
