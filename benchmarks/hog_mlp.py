"""The perceptron head against scikit-learn's on real pictures: ``python -m benchmarks.hog_mlp``.

HOG of Kaggle Fashion (``FSBENCH_DATA``), the engine's own episodes and train/test split; same widths, learning
rate, batches and steps. scikit-learn reads HOG as it is, and scaled as the head scales it.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import torch
from fsbench_hog.encoder import HogEncoder
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from fewshot_bench.api import Perceptron, Tasks
from fewshot_bench.contract.context import Context
from fewshot_bench.data.split import train_test
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine import Request, episodes_of
from fewshot_bench.engine.run import evaluated, table_rows
from fewshot_bench.paths import cache_dir


def problem(level: str, request: Request) -> tuple[NDArray[np.float32], Tasks, NDArray[np.int64]]:
    """HOG of the pictures that a request's episodes touch, the episodes, and their queries' labels."""
    whole = open_dataset(request.dataset)
    classification = request.protocol == "classification"
    index, _ = evaluated(train_test(whole, 0) if classification else whole, None, whole_set=classification)
    episodes = episodes_of(request, index)
    rows = table_rows(index, episodes)
    table = Context("cpu", 0, cache_dir()).embed(HogEncoder(), index)[rows]
    tasks, labels = episodes.tasks(rows)
    return table, tasks, labels


def scikit_learn(x: Any, y: Any, q: Any, head: Perceptron, scaled: bool) -> NDArray[np.int64]:
    """Predicted labels of queries ``[Q, D]`` from a support ``[S, D]``."""
    mean = x.mean(0)
    unit = np.sqrt(np.square(x - mean).mean())
    if scaled:
        x, q = (x - mean) / unit, (q - mean) / unit
    size = min(head.batch, len(x))
    passes = max(head.epochs, head.min_steps // -(-len(x) // size))
    model = MLPClassifier(
        head.hidden, learning_rate_init=head.lr, batch_size=size, max_iter=passes, tol=0,
        n_iter_no_change=10**6, random_state=0,
    )  # fmt: skip
    labels: NDArray[np.int64] = model.fit(x, y).predict(q)
    return labels


def main() -> None:
    """20-way 5-shot episodes, then the split at three levels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    head = Perceptron((256, 150))
    few = Request("hog-mlp", "kaggle-fashion", 20, 5, 15, chosen.episodes, drop_small=True)
    levels = ("kaggle-fashion:master", "kaggle-fashion:sub", "kaggle-fashion")
    splits = [Request("hog-mlp", level, protocol="classification") for level in levels]
    for request in (few, *splits):
        table, tasks, labels = problem(request.dataset, request)
        right = [(head.scores(torch.from_numpy(table), tasks)[0].numpy().argmax(2) == labels).mean(1)]
        for scaled in (False, True):
            each = []
            for support, query, label in zip(tasks.support, tasks.query, labels, strict=True):
                y = np.nonzero(support >= 0)[0]
                found = scikit_learn(table[support[support >= 0]], y, table[query], head, scaled)
                each.append((found == label)[label >= 0].mean())
            right.append(np.array(each))
        mean = [f"{100 * r.mean():.1f} %" for r in right]
        print(
            f"{request.dataset} {request.protocol} ({len(tasks)} episodes): head {mean[0]}, scikit-learn "
            f"{mean[1]} (HOG as it is), {mean[2]} (scaled)",
            flush=True,
        )


if __name__ == "__main__":
    main()
