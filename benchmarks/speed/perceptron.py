"""Speed and accuracy of the perceptron head against scikit-learn's: ``python -m benchmarks.speed.perceptron``.

Same embeddings (made to resemble EfficientNet-Lite0's, see ``heads.py``), episodes, widths, learning rate and
number of steps. scikit-learn fits one network an episode on inputs scaled as ours are. Each line gives the ratio
of the times per episode as minimum / median / maximum over interleaved pairs, and both accuracies.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.speed.heads import CLASSES, IMAGES, compare, embeddings, episodes
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads.mlp import Perceptron

SHAPES = ((5, 1, 40), (5, 5, 40), (20, 1, 40), (20, 5, 16))
"""Ways, shots and episodes."""


def classes_of(tasks: Tasks) -> NDArray[np.int64]:
    """The label of each query in its episode ``[E, Q]``."""
    of_class = tasks.support[:, :, 0] // IMAGES
    return (tasks.query[:, :, None] // IMAGES == of_class[:, None]).argmax(2)


def scikit_learn(table: NDArray[np.float32], tasks: Tasks, head: Perceptron) -> NDArray[np.int64]:
    """Fit and predict, one episode at a time; the predicted labels ``[E, Q]``."""
    labels, found = np.repeat(np.arange(tasks.ways), tasks.shots), []
    for support, query in zip(tasks.support, tasks.query, strict=True):
        x = table[support.ravel()]
        mean = x.mean(0)
        unit = np.sqrt(np.square(x - mean).mean())
        model = MLPClassifier(
            head.hidden,
            learning_rate_init=head.lr,
            batch_size=min(head.batch, len(x)),
            max_iter=head.min_steps,
            tol=0,
            n_iter_no_change=10**6,
            random_state=0,
        )
        model.fit((x - mean) / unit, labels)
        found.append(model.predict((table[query] - mean) / unit))
    return np.stack(found)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides")
    parser.add_argument("--pairs", type=int, default=3, help="interleaved repeats of each comparison")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    table = embeddings(0)
    tensor = torch.from_numpy(table)
    print(f"{chosen.threads} threads on both sides; table {CLASSES * IMAGES} x {table.shape[1]}")
    with threadpool_limits(chosen.threads):
        for hidden in ((256,), (256, 150)):
            head = Perceptron(hidden)
            for ways, shots, count in SHAPES:
                tasks = episodes(count, ways, shots, 3)
                few = tasks[: max(2, count // 10)]
                compare(
                    f"perceptron {hidden} {ways}-way {shots}-shot",
                    lambda t, head=head: head.scores(tensor, t),
                    lambda t, head=head: scikit_learn(table, t, head),
                    tasks,
                    few,
                    chosen.pairs,
                )
                ours = head.scores(tensor, few)[0].numpy().argmax(2) == classes_of(few)
                theirs = scikit_learn(table, few, head) == classes_of(few)
                print(f"    accuracy on those {len(few)}: {ours.mean():.4f}, peer {theirs.mean():.4f}")


if __name__ == "__main__":
    main()
