"""Products of 1 to 5 references: does a product with one picture still get answers?

    python -m benchmarks.recogniser.unequal

Twenty classes of Grocery Store (``natural``) are drawn, each with 1 to 5 training photos as references; all test photos
of these classes are asked. The table has the accuracy, and the recall of classes with one reference, of each head.
``logistic regression, unweighted`` is the same solver with every reference counting alike, as it was before.
"""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.contract.context import Context
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads import logistic
from fewshot_bench.heads.head import Head
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.logistic import LogisticRegression
from fewshot_bench.heads.prototype import Prototype
from fewshot_bench.paths import cache_dir

CLASSES, MOST, REPETITIONS = 20, 5, 50


def drawn(index: ImageIndex, rng: np.random.Generator) -> tuple[Tasks, NDArray[np.int64], NDArray[np.int64]]:
    """Returns one episode of unequal shots, the labels ``[Q]`` of its queries, and the shots ``[N]``."""
    classes = rng.permutation(len(index.class_names))[:CLASSES]
    shots = rng.integers(1, MOST + 1, CLASSES)
    support = np.full((CLASSES, MOST), -1, dtype=np.int64)
    queries, labels = [], []
    for place, (chosen, count) in enumerate(zip(classes, shots, strict=True)):
        own = np.flatnonzero(index.labels == chosen)
        support[place, :count] = rng.permutation(own[(index.pools[own] & SUPPORT) > 0])[:count]
        asked = own[(index.pools[own] & QUERY) > 0]
        queries.append(asked)
        labels.append(np.full(len(asked), place))
    return Tasks(support[None], np.concatenate(queries)[None]), np.concatenate(labels), shots


def main() -> None:
    """Prints the table."""
    index = open_dataset("grocery-store:natural")
    context = Context(device="cpu", seed=0, cache=cache_dir())
    table = torch.from_numpy(context.embed(context.encoder(view="both"), index))
    balanced = LogisticRegression(C=10.0, normalize=True)
    heads: dict[str, Head] = {
        "logistic regression, unweighted": balanced,
        "logistic regression": balanced,
        "nearest mean": Prototype(metric="cosine"),
        "nearest reference": KNearest(k=1, metric="cosine"),
    }

    def unweighted(rows: torch.Tensor) -> torch.Tensor:
        return torch.ones(rows.shape[:2], dtype=torch.float64)

    print("| head | accuracy | recall, one reference | recall, five references |\n|---|---|---|---|")
    for name, head in heads.items():
        rng = np.random.default_rng(0)
        found = []
        for _ in range(REPETITIONS):
            tasks, labels, shots = drawn(index, rng)
            with patch.object(logistic, "balance", unweighted if "unweighted" in name else logistic.balance):
                right = head.scores(table, tasks)[0][0].numpy().argmax(1) == labels
            parts = [right[shots[labels] == k] for k in (1, MOST)]
            found.append([right.mean(), *(part.mean() if part.size else np.nan for part in parts)])
        means = 100 * np.nanmean(found, axis=0)
        print(f"| {name} | {means[0]:.1f} % | {means[1]:.1f} % | {means[2]:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
