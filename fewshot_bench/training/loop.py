"""The training loop that all trained methods share: schedule, validation, early stopping, resuming."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from fewshot_bench.errors import FsbenchError
from fewshot_bench.progress import Progress
from fewshot_bench.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fewshot_bench.training.log import LOG, append_log, check_log, log_digest
from fewshot_bench.training.precision import deterministic, mixed
from fewshot_bench.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Result = TypeVar("Result")

BEST, LAST = "best.safetensors", "last.safetensors"
"""In the folder of a training: the weights that are kept, and all that is needed to go on."""

AHEAD = 3
"""Batches prepared by threads while the network works on one."""


class Task(Protocol):
    """What is trained: batches as a pure function of (epoch, number), their loss, and a validation."""

    def batch(self, epoch: int, number: int) -> Any:
        """Returns batch ``number`` of ``epoch``, made in a thread: equal for equal arguments, whatever else ran."""

    def loss(self, network: Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Returns the scalar to minimise, and numbers for the progress bar and the log."""

    def validate(self, network: Module) -> float | None:
        """Returns a score on validation classes, higher is better; None where there is nothing to select on."""


def prefetch(make: Callable[[int], Any], count: int, workers: int = 2) -> Iterator[Any]:
    """Returns ``make(0) … make(count − 1)`` in order, a few of them made ahead in threads."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[Any]] = [pool.submit(make, i) for i in range(min(AHEAD, count))]
        try:
            for following in range(AHEAD, count + AHEAD):
                ready = waiting.pop(0).result()
                if following < count:
                    waiting.append(pool.submit(make, following))
                yield ready
                if not waiting:
                    return
        finally:
            for future in waiting:
                future.cancel()


@overload
def train(
    name: str, network: Module, task: Task, schedule: Schedule, folder: Path, progress: Progress,
    *, device: str, images_per_batch: int,
) -> Path: ...  # fmt: skip


@overload
def train(
    name: str, network: Module, task: Task, schedule: Schedule, folder: None, progress: Progress,
    *, device: str, images_per_batch: int,
) -> None: ...  # fmt: skip


def train(
    name: str,
    network: Module,
    task: Task,
    schedule: Schedule,
    folder: Path | None,
    progress: Progress,
    *,
    device: str,
    images_per_batch: int,
) -> Path | None:
    """Trains ``network`` in place and returns the path of the best checkpoint (safetensors) in ``folder``.

    An interrupted training goes on from its last whole epoch and ends with the same weights; a finished one is not
    repeated. ``folder`` also holds ``log.csv``, one line an epoch. The best epoch is that of the highest
    validation, or the last one where the task validates nothing. With ``folder`` None nothing is written or
    returned: the network itself ends with the best weights, in evaluation mode.

    Convolutions take the algorithms that give the same result every time. Raises FsbenchError for a loss that is
    no finite number, and for a damaged checkpoint in ``folder``.
    """
    with deterministic():
        return _train(
            name, network, task, schedule, folder, progress, device=device, images_per_batch=images_per_batch
        )


def _train(
    name: str,
    network: Module,
    task: Task,
    schedule: Schedule,
    folder: Path | None,
    progress: Progress,
    *,
    device: str,
    images_per_batch: int,
) -> Path | None:
    import torch

    state = None if folder is None else load_checkpoint(folder / LAST)
    if folder is not None and state is not None:
        check_log(folder / LOG, state.epoch, state.log)
        if state.finished:
            return folder / BEST
    trained = {k: p for k, p in network.named_parameters() if p.requires_grad}
    optimizer = schedule.make_optimiser(trained.values())
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    kept = average
    state = state or Checkpoint()
    if state.epoch:
        state.restore(network, optimizer, trained, average)
    precision = schedule.precision_on(device)
    per_epoch = schedule.steps * schedule.accumulate

    while state.epoch < schedule.epochs and not state.finished:
        training_mode(network, frozen=schedule.batch_norm != "trained")
        began, sums = time.perf_counter(), dict[str, float]()
        epoch = state.epoch
        batches = prefetch(lambda number, epoch=epoch: task.batch(epoch, number), per_epoch)  # type: ignore[misc]
        for number, batch in enumerate(batches):
            step = epoch * schedule.steps + number // schedule.accumulate
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            with mixed(device, precision):
                loss, numbers = task.loss(network, batch)
            if not bool(torch.isfinite(loss)):
                raise FsbenchError(
                    f"The loss of {name} became {float(loss.detach())} at step {number + 1} of epoch {epoch + 1}; "
                    f"lower the learning rate ({schedule.lr:g})."
                )
            (loss / schedule.accumulate).backward()  # type: ignore[no-untyped-call]
            if (number + 1) % schedule.accumulate == 0:
                torch.nn.utils.clip_grad_norm_(trained.values(), 5.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                blend(average, network, schedule.ema_decay, step)
            for key, value in {"loss": float(loss.detach()), **numbers}.items():
                sums[key] = sums.get(key, 0.0) + value
            speed = (number + 1) * images_per_batch / (time.perf_counter() - began)
            means = {key: value / (number + 1) for key, value in sums.items()}
            note = " ".join(f"{key} {value:.3f}" for key, value in means.items())
            progress(f"train {name}", epoch * per_epoch + number + 1, schedule.epochs * per_epoch,
                     f"{note} {speed:.0f} images/s")  # fmt: skip
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        score = with_weights(network, average, task.validate)
        state.epoch += 1
        better = state.best is None or score is None or score > state.best
        if better:
            state.best, state.best_epoch = score, state.epoch
        state.finished = state.epoch == schedule.epochs or state.epoch - state.best_epoch >= schedule.patience
        if folder is None:
            kept = {key: value.clone() for key, value in average.items()} if better else kept
            continue
        if better:
            save_checkpoint(folder / BEST, Checkpoint(state.epoch, score, state.epoch), average)
        took = {"images/s": speed, "seconds": time.perf_counter() - began}
        checked = {} if score is None else {"validation": score}
        append_log(folder / LOG, {"epoch": state.epoch, **means, **checked, **took})
        state.log = log_digest(folder / LOG, state.epoch)
        state.keep(optimizer, trained, average, network)
        save_checkpoint(folder / LAST, state, state.tensors)
    if folder is not None:
        return folder / BEST
    network.load_state_dict(kept)
    network.eval()
    return None


def training_mode(network: Module, *, frozen: bool) -> None:
    """Sets training mode, but that ``frozen`` batch norms keep the statistics of their pretraining.

    With the small batches of fine-tuning their own would be noise.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    network.train()
    for part in network.modules():
        if frozen and isinstance(part, _BatchNorm) and part.track_running_stats:
            part.eval()


def blend(average: dict[str, Tensor], network: Module, decay: float, step: int) -> None:
    """Moves the averaged weights towards the network's: a ← d·a + (1 − d)·w, d warming up with the steps.

    The running means and variances of batch norms move along, so that they are those of the same steps as the
    weights; counters are copied.
    """
    import torch

    d = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.dtype.is_floating_point and d:
                average[key].lerp_(value, 1 - d)
            else:
                average[key].copy_(value)


def with_weights(network: Module, weights: dict[str, Tensor], act: Callable[[Module], Result]) -> Result:
    """Returns ``act(network)`` with other weights and in evaluation mode; its own are put back."""
    import torch

    own = {key: value.detach().clone() for key, value in network.state_dict().items()}
    network.load_state_dict(weights)
    network.eval()
    try:
        with torch.no_grad():
            return act(network)
    finally:
        network.load_state_dict(own)
