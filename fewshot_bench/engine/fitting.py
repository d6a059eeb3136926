"""From a request to a method that is ready: loaded, configured, fitted on base data, set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.base import base_data, describe_base
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.training_elsewhere import fit_anywhere
from fewshot_bench.training.base import check_apart
from fewshot_bench.training.seen import check_unseen


def make_ready(
    method: Method,
    request: Request,
    context: Context,
    evaluated: ImageIndex | None,
    *,
    data_root: Path | None,
    verify: bool,
    guard: Guard | None = None,
) -> dict[str, Any]:
    """Fits the method where it trains, set it up, and return what a record says of its training.

    The method's code runs behind ``guard`` (None: one without a time limit). Raises FsbenchError when the training,
    or that of the weights it starts from, saw classes or pictures of ``evaluated`` (None: nothing is measured).
    """
    import torch  # noqa: F401 (before the guard looks at what torch shares)

    guard = guard or Guard(f"The method {request.method}")
    training: dict[str, Any] = {}
    if method.trains:
        base = base_data(request, data_root=data_root, verify=verify, progress=context.progress)
        if evaluated is not None:
            check_apart(base, evaluated)
        fitted = fit_anywhere(method, request, base, context, guard, data_root=data_root, verify=verify)
        training = {**describe_base(base), **fitted}
    with guard("setup"):
        method.setup(context)
        weights = method.weights
    return training if evaluated is None else training | check_unseen(weights, evaluated)
