"""Four convolutions and a linear layer as functions of their weights; normalised by the support alone.

A batch norm with the statistics of the queries makes MAML transductive, and one with running statistics hardly
learns. Here mean and variance are those of an episode's support pictures under the weights of the moment, for
support and queries alike (MetaBN: Bronskill et al., TaskNorm, ICML 2020): the scores of a query
depend on no other query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fewshot_bench.api import UsageError, conv4, seeded
from fsbench_maml.adapt import Params

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

HALVINGS = 4


def make(channels: int, size: int, ways: int, seed: int) -> Module:
    """Returns ``body`` (Conv4) and ``head`` of an untrained network for pictures of ``size`` px.

    ``ways`` 1: one row for every class, see ``start``.
    """
    from torch import nn
    from torch.func import replace_all_batch_norm_modules_

    def build() -> Module:
        body = replace_all_batch_norm_modules_(conv4(channels))
        return nn.ModuleDict({"body": body, "head": nn.Linear(channels * (size >> HALVINGS) ** 2, ways)})

    return seeded(build, seed)


def start(params: Params, ways: int) -> Params:
    """Returns the weights that an episode of ``ways`` classes starts from.

    A head of one row starts every class with it (Ye and Chao: How to train your MAML to excel in few-shot
    classification, ICLR 2022): any number of classes, and their order means nothing. UsageError for a head of
    another number of rows.
    """
    head = {key: value for key, value in params.items() if key.startswith("head.")}
    rows = len(head["head.bias"])
    if rows not in (1, ways):
        raise UsageError(
            f"The head of this MAML has a row for each of {rows} classes and an episode has {ways}; "
            f"evaluate with --ways {rows}, or train with head=shared, which takes any number."
        )
    return {**params, **{key: value.expand(ways, *value.shape[1:]) for key, value in head.items()}}


def features(network: Module, params: Params, pictures: Tensor, support: int) -> Tensor:
    """Returns ``pictures [S + Q, 3, s, s]`` in 0..1, the first S = ``support`` the support's -> ``[S + Q, D]``."""
    from torch.func import functional_call
    from torch.nn import BatchNorm2d

    body: Any = network.get_submodule("body")
    x = pictures
    for name, layer in body.named_modules():
        own = {key: params[f"body.{name}.{key}"] for key, _ in layer.named_parameters(recurse=False)}
        if isinstance(layer, BatchNorm2d):
            x = by_support(x, support, own["weight"], own["bias"], layer.eps)
        elif not any(True for _ in layer.children()):
            x = functional_call(layer, own, (x,))
    return x.flatten(1)


def by_support(x: Tensor, support: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Scales ``x [B, C, h, w]`` to mean 0 and variance 1 of its first ``support`` pictures, then by weight and bias."""
    import torch

    variance, mean = torch.var_mean(x[:support], dim=(0, 2, 3), correction=0)
    scale = weight * torch.rsqrt(variance + eps)
    return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]


def linear(params: Params, x: Tensor) -> Tensor:
    """Class scores ``[B, N]`` of features ``[B, D]``."""
    return x @ params["head.weight"].mT + params["head.bias"]
