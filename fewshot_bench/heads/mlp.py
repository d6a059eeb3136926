"""Multi-layer perceptron on each episode's support, many episodes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

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
    """Layers of max(·, 0) and a softmax, trained on the cross-entropy of the support by Adam.

    Inputs are centred on the support's mean and divided by one number, so that they are 1 in mean square; an
    episode of fewer images than numbers is read in its principal axes (``inputs.py``), where the first layer's
    weights are as random as on the embedding itself (He et al. 2015). Each network has a
    random generator of its own, made from ``seed`` and the contents of its support: but for rounding it does
    not matter which other episodes are solved, where it stands among them, or how its classes are ordered.

    Parameters
    ----------
    hidden : widths of the hidden layers, at least one.
    rate : Adam's learning rate, above 0.
    batch : images of a step; a support of no more is taken whole.
    epochs, steps : training ends after so many passes over the support, and so many steps at least.
    seed : of the initial weights and the order of images.

    Raises UsageError for other values.
    """

    hidden: tuple[int, ...] = (256,)
    rate: float = 1e-3
    batch: int = 200
    epochs: int = 40
    steps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise UsageError(f"A perceptron needs hidden layers of at least 1 unit, not {self.hidden}.")
        if not 0 < self.rate < float("inf"):
            raise UsageError(f"A perceptron needs a learning rate above 0, not {self.rate}.")
        for name in ("batch", "epochs", "steps"):
            if getattr(self, name) < 1:
                raise UsageError(f"A perceptron needs {name} of at least 1, not {getattr(self, name)}.")

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """``table [M, D]`` -> probabilities, float64 ``[E, Q, N]``, −inf for padded classes.

        Reports ``steps`` of Adam and ``training_loss``, the largest cross-entropy of an episode's last step.
        Raises FsbenchError when a training diverges.
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
            most = int(counts[part].max())
            inputs = inputs_of(inner, torch.tensor(rows[part, :most], device=table.device))
            labels = torch.tensor(label[part, :most], device=table.device)
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
            steps = max(self.steps, self.epochs * -(-most // self.batch))
            stream = batches(inputs, labels, counts[part].tolist(), generators, self.batch)
            loss = train(networks, islice(stream, steps), barrier[part], self.rate)
            if not bool(loss.isfinite().all()):
                raise FsbenchError(
                    f"A perceptron's training diverged at a learning rate of {self.rate}; choose a lower one."
                )
            for place, probability in predict(networks, inputs, query[part], barrier[part]):
                scores[part, place] = probability
            report = {
                "steps": max(report["steps"], steps),
                "training_loss": max(report["training_loss"], float(loss.max())),
            }
        return scores.masked_fill_(absent, -float("inf")), report

    def _blocks(self, inner: Inner, counts: NDArray[np.int64], ways: int) -> Iterator[NDArray[np.intp]]:
        """Episodes that are trained together: of equally many batches and as large as the memory allows.

        Nor are those read in their axes mixed with others.
        """
        most, width = int(counts.max(initial=1)), inner.table.shape[1]
        few = most < width
        sizes = [min(most, width), *self.hidden, ways]
        weights = sum(a * b for a, b in pairwise(sizes))
        gathered = (48 * most * most + 16 * most * width) if few else 0
        each = gathered + 16 * weights + 12 * min(most, self.batch) * sum(sizes)
        step = max(1, inner.memory // each)
        kind = 2 * -(-counts // self.batch) + (counts < width)
        for value in np.unique(kind):
            alike = np.flatnonzero(kind == value)
            for start in range(0, len(alike), step):
                yield alike[start : start + step]


def predict(
    networks: Networks, inputs: Inputs, query: Tensor, barrier: Tensor
) -> Iterator[tuple[slice, Tensor]]:
    """Probabilities ``[e, q, N]`` of the table's rows ``query [e, Q]``, a block of queries at a time."""
    e, ways = len(query), barrier.shape[2]
    widths = sum(weight.shape[2] for weight in networks.weights)
    step = max(1, QUERY_BYTES // (e * (32 * inputs.width + 8 * widths + 16 * ways)))
    for start in range(0, query.shape[1], step):
        place = slice(start, start + step)
        logits = networks.logits(inputs.queries(query[:, place])) + barrier
        yield place, logits.double().softmax(2)
