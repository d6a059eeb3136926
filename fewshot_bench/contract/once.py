"""Trainings that are made once: their identity, and arrays or a network that the same call finds again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fewshot_bench import identity, training
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import Method

if TYPE_CHECKING:
    from torch.nn import Module

    from fewshot_bench.training.loop import Task
    from fewshot_bench.training.schedule import Schedule


def training_identity(
    label: str,
    method: Method,
    context: Context,
    *,
    parameters: Mapping[str, Any],
    precision: str,
    **content: Any,
) -> dict[str, Any]:
    """Returns the tree of everything that trained weights depend on, for ``identity.key("training", …)``.

    ``label`` is the name of the training, ``parameters`` those that it reads, and ``content`` the fingerprints of the
    data and of the weights that it starts from.
    """
    return {
        "training": label,
        "version": method.training_version,
        "source": identity.source_digest(type(method)),
        "core": training.VERSION,
        "parameters": dict(parameters),
        "seed": context.seed,
        "device": identity.device_kind(context.device),
        "precision": precision,
        "versions": identity.versions(),
        **content,
    }


def arrays_once(
    label: str,
    method: Method,
    context: Context,
    make: Callable[[], tuple[dict[str, NDArray[Any]], dict[str, float]]],
    *,
    parameters: Mapping[str, Any],
    precision: str = "float32",
    **content: Any,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Returns arrays that ``make`` computes, or that the same call kept before, and facts of them for the record.

    ``make`` returns the arrays and a line of the log, without its ``epoch``. The other arguments are those of
    ``training_identity``.
    """
    from fewshot_bench.training.kept import keep_arrays
    from fewshot_bench.training.log import training_facts

    facts = training_identity(label, method, context, parameters=parameters, precision=precision, **content)
    key = identity.key("training", facts)
    folder = context.folder(label, key)
    arrays = keep_arrays(label, folder, key, facts, context.progress, make)
    return arrays, {"identity": key, **training_facts({label: folder})}


def network_once(
    label: str,
    method: Method,
    context: Context,
    network: Module,
    task: Task,
    schedule: Schedule,
    *,
    images_per_batch: int,
    parameters: Mapping[str, Any],
    **content: Any,
) -> Module:
    """Returns ``network`` trained on ``task``, or as the same call trained it before, in evaluation mode.

    The other arguments are those of ``training_identity``.
    """
    from fewshot_bench.training.export import WEIGHTS, load_weights, write_weights
    from fewshot_bench.training.kept import train_once
    from fewshot_bench.training.loop import train

    precision = schedule.precision_on(context.device)
    facts = training_identity(
        label,
        method,
        context,
        parameters=parameters,
        precision=precision,
        **content,
        **schedule.optimiser_facts(),
    )
    key = identity.key("training", facts)
    folder = context.folder(label, key)
    train_once(
        label, folder, key, facts, context.progress,
        run=lambda: train(label, network, task, schedule, folder, context.progress, device=context.device,
                          images_per_batch=images_per_batch),
        export=lambda tensors: [write_weights(folder, tensors)],
    )  # fmt: skip
    return load_weights(folder / WEIGHTS, network).eval()
