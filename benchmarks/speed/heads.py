"""Speed of the heads against per-episode loops in one run: ``python -m benchmarks.speed.heads``.

Peers: prototype episodes one at a time by NumPy, PyTorch and easyfsl, and scikit-learn's LogisticRegression (lbfgs),
fitted per episode: with its default settings on the embeddings, and with the settings of the methods here, C = 10 on
embeddings of length 1. Each line gives the ratio of the times per episode as minimum / median / maximum over
interleaved pairs, and the share of equal predictions. Our time includes the Gram matrix; that of prototypes is shown
without it too, as it is in all chunks of a run but the first.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression as ScikitLearn
from threadpoolctl import threadpool_limits

from fewshot_bench.embed.torchvision_guard import import_torchvision
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads.logistic import LogisticRegression
from fewshot_bench.heads.prototype import Prototype

CLASSES, IMAGES, WIDTH, QUERIES = 120, 20, 1280, 15


def embeddings(seed: int) -> NDArray[np.float32]:
    """Class-major [CLASSES · IMAGES, WIDTH], made to resemble EfficientNet-Lite0 on product crops.

    Those, measured on GroZi-120: mean 0.18, standard deviation 0.38, half of the values 0, length 15,
    distance of a class from the mean of all 8.7, of an image from its class 7.0. Here: 0.15, 0.39, half,
    15, 9.0, 8.4.
    """
    rng = np.random.default_rng(seed)
    gain = np.exp(rng.normal(size=WIDTH))
    centres = 1.2 * rng.normal(size=(CLASSES, 1, WIDTH))
    x = np.maximum(gain * (centres + rng.normal(size=(CLASSES, IMAGES, WIDTH))), 0).reshape(-1, WIDTH)
    table: NDArray[np.float32] = (x * (15 / np.linalg.norm(x, axis=1).mean())).astype(np.float32)
    return table


def episodes(count: int, ways: int, shots: int, seed: int) -> Tasks:
    """Random episodes with QUERIES query images a class (all that are left, at most QUERIES)."""
    rng = np.random.default_rng(seed)
    queries = min(QUERIES, IMAGES - shots)
    classes = rng.random((count, CLASSES)).argsort(1)[:, :ways]
    images = rng.random((count, ways, IMAGES)).argsort(2)[..., : shots + queries]
    rows = classes[..., None] * IMAGES + images
    return Tasks(rows[..., :shots], rng.permuted(rows[..., shots:].reshape(count, -1), axis=1))


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    name: str,
    head: Callable[[Tasks], object],
    peer: Callable[[Tasks], object],
    tasks: Tasks,
    few: Tasks,
    pairs: int,
) -> None:
    """Print the time per episode of both and the spread of their ratio."""
    head(tasks), peer(few[:1])
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(seconds(lambda: head(tasks)) / len(tasks))
        theirs.append(seconds(lambda: peer(few)) / len(few))
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name:66s} {len(tasks):6d} episodes {statistics.median(ours) * 1e6:9.1f} µs each, "
        f"peer {statistics.median(theirs) * 1e6:9.1f} µs ({len(few)}): "
        f"{ratios[0]:.0f} / {statistics.median(ratios):.0f} / {ratios[-1]:.0f} times",
        flush=True,
    )


def numpy_prototypes(table: NDArray[np.float32], tasks: Tasks) -> None:
    """Nearest class mean, one episode at a time, in NumPy."""
    for support, query in zip(tasks.support, tasks.query, strict=True):
        means = table[support].mean(1)
        -((table[query][:, None] - means) ** 2).sum(2)


def torch_prototypes(table: torch.Tensor, tasks: Tasks) -> None:
    """Nearest class mean, one episode at a time, with torch.cdist."""
    for support, query in zip(tasks.support, tasks.query, strict=True):
        means = table[torch.from_numpy(support)].mean(1)
        -torch.cdist(table[torch.from_numpy(query)], means)


def easyfsl_prototypes(table: torch.Tensor, tasks: Tasks) -> None:
    """Nearest class mean, one episode at a time, by easyfsl on embeddings."""
    import_torchvision()
    from easyfsl.methods import PrototypicalNetworks

    method = PrototypicalNetworks(torch.nn.Identity())
    labels = torch.arange(tasks.ways).repeat_interleave(tasks.shots)
    with torch.inference_mode():
        for support, query in zip(tasks.support, tasks.query, strict=True):
            method.process_support_set(table[torch.from_numpy(support.ravel())], labels)
            method(table[torch.from_numpy(query)])


def scikit_learn(table: NDArray[np.float32], tasks: Tasks, strength: float = 1.0) -> NDArray[np.int64]:
    """Fit and predict probabilities, one episode at a time; returns the predictions [E, Q]."""
    labels = np.repeat(np.arange(tasks.ways), tasks.shots)
    found = []
    for support, query in zip(tasks.support, tasks.query, strict=True):
        model = ScikitLearn(C=strength, max_iter=1000).fit(table[support.ravel()], labels)
        found.append(model.predict_proba(table[query]).argmax(axis=1))
    return np.stack(found)


def agreement(head: LogisticRegression, table: NDArray[np.float32], tasks: Tasks, strength: float) -> float:
    """The share of queries that both predict equally, in percent."""
    scores, _ = head.scores(torch.from_numpy(table), tasks)
    return float(100 * (scores.argmax(2).numpy() == scikit_learn(table, tasks, strength)).mean())


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides")
    parser.add_argument("--pairs", type=int, default=5, help="interleaved repeats of each comparison")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    warnings.filterwarnings("ignore", message="The number of unique classes")
    table = embeddings(0)
    tensor = torch.from_numpy(table)
    print(f"{chosen.threads} threads on both sides; table {len(table)} x {WIDTH}; {chosen.pairs} pairs")
    with threadpool_limits(chosen.threads):
        tasks = episodes(10_000, 5, 1, 1)
        peers = ((numpy_prototypes, table), (torch_prototypes, tensor), (easyfsl_prototypes, tensor))
        for peer, data in peers:
            for about, made in (
                ("Gram matrix included", lambda: torch.from_numpy(table)),
                ("Gram matrix kept", lambda: tensor),
            ):
                compare(
                    f"prototype 5-way 1-shot, {about}, {peer.__name__}",
                    lambda t, made=made: Prototype().scores(made(), t),
                    lambda t, peer=peer, data=data: peer(data, t),
                    tasks,
                    tasks[:500],
                    chosen.pairs,
                )
        unit = table / np.linalg.norm(table, axis=1, keepdims=True)
        settings = (("scikit-learn's settings", 1.0, table), ("the methods' settings", 10.0, unit))
        for name, strength, data in settings:
            head = LogisticRegression(C=strength, normalize=strength != 1.0)
            for ways, shots, count, few in (
                (20, 1, 600, 40),
                (20, 5, 600, 20),
                (5, 5, 1000, 40),
                (100, 1, 100, 4),
            ):
                tasks = episodes(count, ways, shots, 2)
                compare(
                    f"logistic regression {ways}-way {shots}-shot, {name}",
                    lambda t, head=head, data=data: head.scores(torch.from_numpy(data), t),
                    lambda t, data=data, strength=strength: scikit_learn(data, t, strength),
                    tasks,
                    tasks[:few],
                    chosen.pairs,
                )
                print(
                    f"{'':66s} equal predictions: {agreement(head, data, tasks[:few], strength):.2f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()
