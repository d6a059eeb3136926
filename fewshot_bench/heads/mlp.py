"""Multi-layer perceptron on each episode's support, many episodes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads.batches import batches
from fewshot_bench.heads.content import in_order_of_content
from fewshot_bench.heads.gather import Inner, inner_products
from fewshot_bench.heads.inputs import Inputs, inputs_of
from fewshot_bench.heads.members import members
from fewshot_bench.heads.network import Networks, initial, train

if TYPE_CHECKING:
    from torch import Tensor

QUERY_BYTES = 1 << 26
"""Working memory of a block of queries."""


@dataclass(frozen=True)
class Perceptron:
    """A multi-layer perceptron with max(·, 0) and a softmax, trained on each episode's support.

    Each network minimises the mean cross-entropy −log p(y_i | x_i) over its support by Adam (Kingma and Ba
    2015). Inputs are centred on the support's mean and divided by one number, so that they are 1 in mean
    square. An episode with fewer images than the embedding has numbers is read in its principal axes
    (``inputs.py``), where the first layer's weights are as random as on the embedding itself (He et al. 2015).
    Each network has a random generator of its own, made from ``seed`` and the contents of its support. So the
    other episodes, the place among them and the order of classes change nothing but rounding.

    Parameters
    ----------
    hidden : widths of the hidden layers, at least one.
    lr : Adam's learning rate, above 0.
    batch : images of a step; a support of at most so many is taken whole.
    epochs : passes over the support after which training ends.
    min_steps : the least number of steps, whatever ``epochs`` says.
    seed : seed of the initial weights and of the order of images.

    Raises UsageError for other values.
    """

    draws_per_episode: ClassVar[bool] = True
    """Initial weights are drawn for each episode, and training enlarges the rounding that an order changes."""

    hidden: tuple[int, ...] = (256,)
    lr: float = 1e-3
    batch: int = 200
    epochs: int = 40
    min_steps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise UsageError(f"A perceptron needs hidden layers of at least 1 unit, not {self.hidden}.")
        if not 0 < self.lr < float("inf"):
            raise UsageError(f"A perceptron needs a learning rate above 0, not {self.lr}.")
        for name in ("batch", "epochs", "min_steps"):
            if getattr(self, name) < 1:
                raise UsageError(f"A perceptron needs {name} of at least 1, not {getattr(self, name)}.")

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns probabilities: ``table [M, D]`` -> float64 ``[E, Q, N]``, −inf for padded classes.

        The dictionary has ``steps`` of Adam and ``training_loss``, the largest cross-entropy of an episode's
        last step. Raises FsbenchError when a training diverges.
        """
        import torch

        rows, label = members(tasks.support)
        inner = inner_products(table, Tasks(rows[:, None], tasks.query), gram=rows.shape[1] < table.shape[1])
        rows, label, seeds = in_order_of_content(table, rows, label, self.seed)
        absent = torch.tensor((tasks.support < 0).all(2), device=table.device).unsqueeze(1)
        barrier = torch.zeros(absent.shape, device=table.device).masked_fill_(absent, -float("inf"))
        query = torch.tensor(tasks.query, device=table.device)
        scores = torch.empty(*query.shape, tasks.ways, dtype=torch.float64, device=table.device)
        counts = (rows >= 0).sum(1)
        report = {"steps": 0, "training_loss": 0.0}
        for part in self._blocks(inner, counts, tasks.ways):
            largest = int(counts[part].max())
            inputs = inputs_of(inner, torch.tensor(rows[part, :largest], device=table.device))
            labels = torch.tensor(label[part, :largest], device=table.device)
            generators = [torch.Generator().manual_seed(seeds[episode]) for episode in part]
            networks = initial(
                inputs.used,
                inputs.width,
                2 / table.shape[1],
                self.hidden,
                tasks.ways,
                generators,
                table.device,
            )
            steps = max(self.min_steps, self.epochs * -(-largest // self.batch))
            stream = batches(inputs, labels, counts[part].tolist(), generators, self.batch)
            loss = train(networks, islice(stream, steps), barrier[part], self.lr)
            if not bool(loss.isfinite().all()):
                raise FsbenchError(
                    f"A perceptron's training diverged at a learning rate of {self.lr}; choose a lower one."
                )
            for place, probability in predict(networks, inputs, query[part], barrier[part]):
                scores[part, place] = probability
            report = {
                "steps": max(report["steps"], steps),
                "training_loss": max(report["training_loss"], float(loss.max())),
            }
        return scores.masked_fill_(absent, -float("inf")), report

    def _blocks(self, inner: Inner, counts: NDArray[np.int64], ways: int) -> Iterator[NDArray[np.intp]]:
        """Yields the episodes that are trained together: as many as fit, with equally many batches.

        Episodes that are read in their axes are not mixed with others.
        """
        largest, width = int(counts.max(initial=1)), inner.table.shape[1]
        few = largest < width
        sizes = [min(largest, width), *self.hidden, ways]
        weights = sum(a * b for a, b in pairwise(sizes))
        gathered = (48 * largest * largest + 16 * largest * width) if few else 0
        each = gathered + 16 * weights + 12 * min(largest, self.batch) * sum(sizes)
        step = max(1, inner.memory // each)
        kind = 2 * -(-counts // self.batch) + (counts < width)
        for value in np.unique(kind):
            alike = np.flatnonzero(kind == value)
            for start in range(0, len(alike), step):
                yield alike[start : start + step]


def predict(
    networks: Networks, inputs: Inputs, query: Tensor, barrier: Tensor
) -> Iterator[tuple[slice, Tensor]]:
    """Yields blocks of queries and their probabilities ``[e, q, N]``, for the table's rows ``query [e, Q]``."""
    e, ways = len(query), barrier.shape[2]
    widths = sum(weight.shape[2] for weight in networks.weights)
    step = max(1, QUERY_BYTES // (e * (32 * inputs.width + 8 * widths + 16 * ways)))
    for start in range(0, query.shape[1], step):
        place = slice(start, start + step)
        logits = networks.logits(inputs.queries(query[:, place])) + barrier
        yield place, logits.double().softmax(2)
