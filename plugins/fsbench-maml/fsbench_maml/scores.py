"""Episodes scored by a network that learns each of them first, many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import ImageTasks, Tasks
from fsbench_maml.adapt import Params, adapt
from fsbench_maml.config import Rule
from fsbench_maml.network import features, linear, start

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Backend = Callable[["Module", "Tensor", "Tensor", "Tensor", Rule], "Tensor"]
"""Network, support, its labels, queries and rule of T episodes -> class scores: see ``by_torch``."""

PIXELS = 512 * 84 * 84
"""Pixels of the pictures that are scored at once: 1.4 GB of activations with 32 channels. No result depends on it."""


def learn(network: Module, params: Params, support: Tensor, labels: Tensor, rule: Rule) -> Params:
    """Returns θ' of one episode: all weights (MAML), or the head alone (ANIL) descend the loss of its support.

    ``support [S, 3, s, s]``, ``labels [S]`` = 0…N−1.
    """
    from torch.nn.functional import cross_entropy

    count = len(support)
    params = start(params, int(labels.max()) + 1)
    if rule.whole:

        def loss(moved: Params) -> Tensor:
            return cross_entropy(linear(moved, features(network, moved, support, count)), labels)

        return adapt(params, loss, steps=rule.steps, lr=rule.lr, second_order=rule.second_order)
    known = features(network, params, support, count)
    head = {key: value for key, value in params.items() if key.startswith("head.")}

    def head_loss(moved: Params) -> Tensor:
        return cross_entropy(linear(moved, known), labels)

    return {**params, **adapt(head, head_loss, steps=rule.steps, lr=rule.lr, second_order=rule.second_order)}


def answer(network: Module, params: Params, support: Tensor, query: Tensor) -> Tensor:
    """Class scores ``[Q, N]`` of ``query [Q, 3, s, s]`` by the weights θ' of its episode."""
    import torch

    return linear(
        params, features(network, params, torch.cat([support, query]), len(support))[len(support) :]
    )


def by_torch(network: Module, support: Tensor, labels: Tensor, query: Tensor, rule: Rule) -> Tensor:
    """Scores a meta-batch in one ``vmap``: ``support [T, S, …]``, ``labels [S]``, ``query [T, Q, …]`` -> ``[T, Q, N]``.

    Differentiable by the network's parameters.
    """
    from torch.func import vmap

    params: Params = dict(network.named_parameters())

    def one(support: Tensor, query: Tensor) -> Tensor:
        return answer(network, learn(network, params, support, labels, rule), support, query)

    return vmap(one)(support, query)


def score_tasks(network: Module, episodes: ImageTasks, rule: Rule, backend: Backend) -> NDArray[np.float32]:
    """Class scores ``[E, Q, N]``, −inf for classes that an episode lacks. No gradient is kept."""
    import torch

    tasks, table, device = episodes.tasks, episodes.table, episodes.device
    scores = np.full((*tasks.query.shape, tasks.ways), -np.inf, dtype=np.float32)
    most = PIXELS // table.shape[2] ** 2
    for part in pieces(tasks, most):
        present, asked = tasks.support[part] >= 0, tasks.query[part] >= 0
        labels = torch.from_numpy(np.nonzero(present[0])[0]).to(device)
        support = table[tasks.support[part][present]].reshape(len(present), -1, *table.shape[1:])
        query = table[tasks.query[part][asked]].reshape(len(present), -1, *table.shape[1:])
        blocks = np.array_split(query, -(-query.shape[1] // max(1, most // len(present))), axis=1)
        with torch.no_grad():
            found = [
                backend(network, as_tensor(support, device), labels, as_tensor(block, device), rule).cpu()
                for block in blocks
            ]
        classes = found[0].shape[2]
        scores[part][asked, :classes] = torch.cat(found, dim=1).reshape(-1, classes).numpy()
    return scores


def pieces(tasks: Tasks, most: int) -> list[slice]:
    """Episodes that are scored at once: of one shape, and together about ``most`` pictures."""
    size = 1 if tasks.ragged else max(1, most // (tasks.ways * tasks.shots + tasks.query.shape[1]))
    return [slice(first, first + size) for first in range(0, len(tasks), size)]


def as_tensor(images: NDArray[np.uint8], device: str) -> Tensor:
    """Pictures as numbers in 0..1."""
    import torch

    return torch.from_numpy(images).to(device).float() / 255
