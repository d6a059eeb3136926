"""Average precision against torchmetrics and scikit-learn in one run: ``python -m benchmarks.speed.ranking``.

Queries that each rank the support images of an episode, as the record of a run has them. torchmetrics takes all queries
at once, with the number of the query of each score; scikit-learn one query after the other. Each line gives the ratio
of the times as lowest / median / highest over interleaved pairs, and the largest difference of the means.
torchmetrics is needed: ``pip install torchmetrics``. Scores lie in 0 to 1, since its version 1.9 gives a query whose
relevant image has a negative score an average precision of 0.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.speed.heads import seconds
from fewshot_bench.embed.torchvision_guard import import_torchvision
from fewshot_bench.metrics import average_precision

SETTINGS = ((45_000, 5), (60_000, 20), (6_000, 500))
"""Queries, and the support images that each ranks."""


def by_torchmetrics(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """The mean average precision by torchmetrics."""
    import_torchvision()
    from torchmetrics.retrieval import RetrievalMAP

    metric = RetrievalMAP()
    queries = torch.arange(len(scores)).repeat_interleave(scores.shape[1])
    metric.update(torch.from_numpy(scores).ravel(), torch.from_numpy(relevant).ravel(), indexes=queries)
    return float(metric.compute())


def by_scikit_learn(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """The same by scikit-learn, one query after the other."""
    pairs = zip(relevant, scores, strict=True)
    return float(np.mean([average_precision_score(right, one) for right, one in pairs]))


def ours(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """The same by the metric of the records."""
    return float(average_precision(scores, relevant).mean())


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="interleaved repeats of each comparison")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| queries × images | peer | ours, µs a query | peer, µs a query | ratio | difference of the means |"
    )
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for queries, images in SETTINGS:
        scores = rng.random((queries, images), dtype=np.float32)
        relevant = np.zeros((queries, images), dtype=bool)
        relevant[np.arange(queries), rng.integers(0, images, queries)] = True
        for name, peer, few in (
            ("torchmetrics", by_torchmetrics, 2_000),
            ("scikit-learn", by_scikit_learn, 500),
        ):
            gap = abs(ours(scores[:few], relevant[:few]) - peer(scores[:few], relevant[:few]))
            mine, theirs = [], []
            for _ in range(chosen.pairs):
                mine.append(seconds(lambda s=scores, r=relevant: ours(s, r)) / queries)
                theirs.append(seconds(lambda s=scores[:few], r=relevant[:few], p=peer: p(s, r)) / few)
            ratios = sorted(b / a for a, b in zip(mine, theirs, strict=True))
            print(
                f"| {queries:,} × {images} | {name} | {1e6 * statistics.median(mine):.2f} | "
                f"{1e6 * statistics.median(theirs):.0f} | "
                f"{ratios[0]:.0f} / **{statistics.median(ratios):.0f}** / {ratios[-1]:.0f} | {gap:.0e} |"
            )


if __name__ == "__main__":
    main()
