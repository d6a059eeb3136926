"""MAML's step against learn2learn's in one run: ``python -m benchmarks.speed.inner_loop``.

The outer step of one batch of episodes: adapt on the support by five steps of gradient descent, score the queries,
differentiate through it, the settings of the method ``maml``. Ours adapts the episodes of a batch together, by
``torch.func``; learn2learn's loop takes one after the other. Both give the same gradients. Each line gives the ratio of
the times as lowest / median / highest over interleaved pairs.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from fsbench_maml.config import Rule
from fsbench_maml.learner import by_learn2learn
from fsbench_maml.network import make
from fsbench_maml.scores import by_torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import cross_entropy

from benchmarks.speed.heads import seconds

Scores = Callable[[Module, Tensor, Tensor, Tensor, Rule], Tensor]

WAYS, QUERIES, BATCH = 5, 5, 4


def step(
    scores: Scores, network: Module, episodes: tuple[Tensor, Tensor], labels: Tensor, rule: Rule
) -> list[Tensor]:
    """The gradients of the outer loss of one batch of episodes."""
    support, query = episodes
    network.zero_grad(set_to_none=True)
    wanted = torch.arange(WAYS).repeat_interleave(QUERIES).repeat(len(query))
    cross_entropy(scores(network, support, labels, query, rule).flatten(0, 1), wanted).backward()
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="interleaved repeats of each comparison")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    random = torch.Generator().manual_seed(0)
    print(
        "| step | picture | ours, ms | learn2learn, ms | ratio | difference of the gradients, of their length |"
    )
    print("|---|---|---|---|---|---|")
    for size in (28, 84):
        for second_order in (True, False):
            rule, network = Rule(5, 0.01, second_order=second_order), make(32, size, 1, seed=0)
            support = torch.rand(BATCH, WAYS, 3, size, size, generator=random)
            query = torch.rand(BATCH, WAYS * QUERIES, 3, size, size, generator=random)
            work = [
                lambda by=by, n=network, e=(support, query), r=rule: step(by, n, e, torch.arange(WAYS), r)
                for by in (by_torch, by_learn2learn)
            ]
            one, other = (torch.cat([gradient.flatten() for gradient in by()]) for by in work)
            gap = float((one - other).norm() / other.norm())
            times = [[seconds(one) for one in work] for _ in range(chosen.pairs)]
            ratios = sorted(theirs / ours for ours, theirs in times)
            ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            print(
                f"| {'MAML' if second_order else 'first order'} | {size} px | {1e3 * ours:.0f} | {1e3 * theirs:.0f} | "
                f"{ratios[0]:.1f} / **{statistics.median(ratios):.1f}** / {ratios[-1]:.1f} | {gap:.0e} |"
            )


if __name__ == "__main__":
    main()
