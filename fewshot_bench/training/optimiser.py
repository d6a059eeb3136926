"""Optimisers by name or as a function, and what of them is part of a training's identity."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fewshot_bench import identity
from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from torch.nn import Parameter

MakeOptimiser = Callable[..., Any]
"""A class of optimisers, or a function, that is called with the parameters, ``lr=`` and the arguments."""


def optimiser_facts(optimiser: str | MakeOptimiser, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a training's identity says of its optimiser, under the key ``optimiser``.

    It is empty for ``adamw`` and ``sgd`` without arguments: the method's parameters and source describe them. A
    function or class is given by its name and its source; one of torch by its name alone, since torch's version is
    in the identity already.
    """
    if optimiser in ("adamw", "sgd") and not arguments:
        return {}
    if isinstance(optimiser, str):
        return {"optimiser": {"name": optimiser, "arguments": dict(arguments)}}
    found, given = optimiser, dict(arguments)
    while isinstance(found, functools.partial):
        given = {**found.keywords, "…": list(found.args), **given}
        found = found.func
    return {"optimiser": {**identity.code_facts(found), "arguments": given}}


def named_optimiser(name: str) -> MakeOptimiser:
    """Returns the class of ``torch.optim`` with that name; UsageError where there is none that can be used here."""
    import torch

    known = sorted(
        key for key, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and key not in ("LBFGS", "Optimizer")
    )  # fmt: skip
    if name in known:
        kind: MakeOptimiser = getattr(torch.optim, name)
        return kind
    spelled = {key.lower(): key for key in known} | {"adamw": "adamw", "sgd": "sgd"}
    close = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.4)
    hint = f"did you mean {spelled[close[0]]}?" if close else f"it has adamw, sgd, {', '.join(known)}."
    raise UsageError(f"There is no optimiser {name!r}; {hint}")


def make_optimiser(
    optimiser: str | MakeOptimiser,
    parameters: Iterable[Parameter],
    lr: float,
    weight_decay: float,
    arguments: Mapping[str, Any],
) -> Any:
    """Returns the optimiser of ``parameters``; the weight decay is left out where it takes none.

    Raises UsageError for an unknown name, and for arguments that it does not take.
    """
    make = named_optimiser(optimiser) if isinstance(optimiser, str) else optimiser
    known = inspect.signature(make).parameters
    decay = {"weight_decay": weight_decay} if "weight_decay" in known else {}
    try:
        return make(parameters, **{"lr": lr, **decay, **arguments})
    except TypeError as error:
        raise UsageError(f"The optimiser {optimiser!r} does not take its arguments ({error}).") from error
