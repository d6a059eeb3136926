"""Predictions of heads beside easyfsl's on the same features and episodes: ``python -m benchmarks.agreement``.

Frozen features of a data set, 5-way episodes with 15 queries a class, 1 and 5 shots; easyfsl 1.5.0 one by one, slow
ones on one episode in 3 or 10. Prints a Markdown table of the predictions that differ, and what explains them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from fsbench_heads.bd_cspn import Rectification, rectified
from fsbench_heads.joint import Joint
from fsbench_heads.laplacianshot import Laplacian
from fsbench_heads.pt_map import Transport
from fsbench_heads.simpleshot import NearestCentroid
from fsbench_heads.tim import InformationMaximization
from fsbench_heads.transductive_finetune import TransductiveSteps

from fewshot_bench.api import Prototype, Tasks, import_torchvision
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.paths import cache_dir
from fewshot_bench.store.cache import EmbeddingCache


def unshifted(joint: Joint) -> torch.Tensor:
    """Returns the rectified means ``[e, N, T]`` of shifted queries, as combinations of the rows as they were."""
    means, known = rectified(joint.shifted()), joint.known()
    move = torch.cat([known / known.sum(1, keepdim=True), -joint.asked / joint.asked.sum(1, keepdim=True)], 1)
    moved = (means[:, :, joint.supports :] * joint.asked.unsqueeze(1)).sum(2, keepdim=True)
    return means + moved * move.unsqueeze(1)


class UnshiftedRectification(Rectification):
    """Scores the queries unshifted, as easyfsl's BD-CSPN does."""

    def solve(self, joint: Joint) -> torch.Tensor:
        """Returns the cosines ``[e, Q, N]``."""
        return joint.cosine(unshifted(joint))[:, joint.supports :]


class UnshiftedLaplacian(Laplacian):
    """Scores the queries unshifted, as easyfsl's LaplacianShot does."""

    def unary(self, joint: Joint) -> tuple[Joint, torch.Tensor]:
        """Returns the episodes, and minus the squared distances ``[e, Q, N]``."""
        return joint, joint.bar(-joint.squared(unshifted(joint))[:, joint.supports :])


Row = tuple[str, Any, Callable[[], Any], int, str]


def rows() -> list[Row]:
    """Returns easyfsl's name, our head with its settings, its class, which share of episodes, and the departure.

    Slow ones see one episode in so many.
    """
    import_torchvision()
    from easyfsl import methods as m

    tuned = TransductiveSteps(
        steps=200, rate=1e-4, temperature=1.0, conditional=0.0, distance="cosine", normalize=False
    )
    return [
        ("PrototypicalNetworks", Prototype(), m.PrototypicalNetworks, 1, ""),
        ("SimpleShot", NearestCentroid(), lambda: m.SimpleShot(feature_normalization=2.0), 1,
         "scores by the cosine to the class mean, ours by the distance, which ranks the same at 1 shot"),
        ("Finetune", tuned, m.Finetune, 3, ""),
        ("BDCSPN", Rectification(False), m.BDCSPN, 1,
         "scores the queries unshifted; the paper scores them shifted"),
        ("LaplacianShot", Laplacian(k=2, normalize=False), m.LaplacianShot, 1,
         "scores the queries unshifted too; its `knn=3` counts the query itself, and ours is given 2"),
        ("BDCSPN", UnshiftedRectification(False), m.BDCSPN, 1, "none where ours is made to score them unshifted too"),
        ("LaplacianShot", UnshiftedLaplacian(k=2, normalize=False), m.LaplacianShot, 1,
         "none where ours is made to score them unshifted too"),
        ("PTMAP", Transport(rounds=10, centre=False), m.PTMAP, 10, ""),
        ("TIM", InformationMaximization(normalize=False), m.TIM, 1, ""),
        ("TransductiveFinetuning", TransductiveSteps(normalize=False), m.TransductiveFinetuning, 1, ""),
    ]  # fmt: skip


def episodes_of(dataset: str, backbone: str, episodes: int, shots: int) -> tuple[torch.Tensor, Tasks]:
    """Returns the features ``[M, D]`` of a data set, encoded once, and 5-way episodes of its test classes."""
    index = open_dataset(dataset)
    drawn = sample(index, EpisodeSpec(5, shots, 15, episodes, seed=0, drop_small=True))
    every = np.arange(len(index))
    encoder = PretrainedEncoder(backbone, cache=cache_dir())
    table = EmbeddingCache(cache_dir() / "embeddings").embed(encoder, index, every)
    return torch.from_numpy(table), drawn.tasks(every)[0]


def line(row: Row, shots: int, table: torch.Tensor, tasks: Tasks) -> str:
    """Returns one row of the table; a prediction among scores that are no numbers counts as different."""
    name, head, peer, every, why = row
    tasks = tasks[::every] if every > 1 else tasks
    scores = scores_of(peer(), table, tasks)
    broken = scores.isnan().any(2)
    mine = head.scores(table.clone(), tasks)[0].argmax(2)
    differ = int(((mine != scores.argmax(2)) | broken).sum())
    if bool(broken.any()):
        why = f"{int(broken.any(1).sum())} of {len(tasks)} episodes are NaN there"
    share = 100 * (1 - differ / mine.numel())
    return f"| {name} | {shots} | {mine.numel():,} | {differ:,} | {share:.2f} % | {why} |"


def scores_of(method: Any, table: torch.Tensor, tasks: Tasks) -> torch.Tensor:
    """Returns the scores ``[E, Q, N]`` of easyfsl's method, one episode at a time."""
    labels, found = torch.arange(tasks.ways).repeat_interleave(tasks.shots), []
    for support, query in zip(tasks.support, tasks.query, strict=True):
        method.process_support_set(table[support.ravel()], labels)
        found.append(method(table[query]).detach())
    return torch.stack(found)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="grocery-store:natural")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--episodes", type=int, default=300)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| easyfsl's | shots | queries | different predictions | equal | departure of easyfsl |")
    print("|---|---|---|---|---|---|")
    for shots in (1, 5):
        table, tasks = episodes_of(given.dataset, given.backbone, given.episodes, shots)
        for row in rows():
            print(line(row, shots, table, tasks), flush=True)


if __name__ == "__main__":
    main()
