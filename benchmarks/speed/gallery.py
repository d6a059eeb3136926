"""Nearest neighbours in one large gallery against faiss: ``python -m benchmarks.speed.gallery``.

faiss's exact index (IndexFlat) gives the k nearest images by float32 distances, and nothing of how the other
images at the k-th distance or the other classes lie; ours gives scores of all classes, ties told apart in float64.
Prints the seconds of both and how many queries they disagree on.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch  # before faiss: both bring an OpenMP library, and the first one loaded serves both

from benchmarks.speed.heads import seconds
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads.knn import KNearest


def main() -> None:
    """One episode of a train split: classes of unequal size, as in Kaggle Fashion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gallery", type=int, default=35_000)
    parser.add_argument("--queries", type=int, default=900)
    parser.add_argument("--ways", type=int, default=143)
    chosen = parser.parse_args()
    import faiss

    torch.set_num_threads(chosen.threads)
    faiss.omp_set_num_threads(chosen.threads)
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, chosen.ways + 1)
    counts = np.maximum(1, (chosen.gallery * share / share.sum()).astype(int))
    total = int(counts.sum())
    support = np.full((1, chosen.ways, int(counts.max())), -1)
    for n, (start, count) in enumerate(zip(np.cumsum(counts) - counts, counts, strict=True)):
        support[0, n, :count] = np.arange(start, start + count)
    tasks = Tasks(support, np.arange(total, total + chosen.queries)[None])
    label = np.arange(chosen.ways).repeat(counts)
    for width in (256, 1728):
        centres = rng.normal(size=(chosen.ways, width))
        of = np.concatenate([label, rng.integers(chosen.ways, size=chosen.queries)])
        table = (centres[of] + 2 * rng.normal(size=(len(of), width))).astype(np.float32)
        tensor = torch.from_numpy(table)
        found: dict[str, np.ndarray] = {}

        def ours(tensor: torch.Tensor = tensor, found: dict[str, np.ndarray] = found) -> None:
            found["ours"] = KNearest(1).scores(tensor, tasks)[0][0].argmax(1).numpy()

        def peer(table: np.ndarray = table, width: int = width, found: dict[str, np.ndarray] = found) -> None:
            index = faiss.IndexFlatL2(width)
            index.add(table[:total])
            found["faiss"] = label[index.search(table[total:], 1)[1][:, 0]]

        times = seconds(ours), seconds(peer)
        differ = int((found["ours"] != found["faiss"]).sum())
        print(
            f"{total} x {width}, {chosen.queries} queries, {chosen.ways} classes: {times[0]:.2f} s, "
            f"faiss {times[1]:.2f} s; {differ} predictions differ",
            flush=True,
        )


if __name__ == "__main__":
    main()
