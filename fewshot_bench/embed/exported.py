"""Networks for the CPU: exported to ONNX once, kept by identity, and run by ONNX Runtime.

One thread computes one picture at a time, so that a vector depends neither on the other pictures of its batch nor on
the number of threads. An export is used only where its vectors agree with torch's to ``AGREEMENT``; otherwise torch
computes them. ``python -m benchmarks.speed.encoders`` measures both.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench import identity
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import sealed, unsealed, write_atomic
from fewshot_bench.store.memo import Memo

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

VARIABLE = "FSBENCH_BACKEND"
"""Environment variable that names what computes frozen networks on a CPU, one of ``BACKENDS``."""

BACKENDS = ("auto", "torch", "onnxruntime")
"""``auto`` is ``onnxruntime`` where it can be, else ``torch``; ``onnxruntime`` is an error where it cannot be."""

AGREEMENT = 1e-4
"""Largest difference from torch's vectors, as a share of the largest value in them."""

MADE_BY = ("onnx", "onnxruntime", "onnxscript", "timm", "torch", "torchvision")
"""Distributions whose version may change an export; that of ONNX Runtime changes vectors too."""

VERSION = 1
"""It is raised whenever the same network is exported otherwise."""

TRIED = 4
"""Pictures on which an export is compared with torch."""


class Exported:
    """A network in ONNX Runtime: prepared pictures ``[B, …]`` -> vectors ``[B, D]``, each picture by one thread."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __getstate__(self) -> dict[str, bytes]:
        return {"content": self.content}  # sessions and threads belong to their process

    @cached_property
    def session(self) -> Any:
        """The session of one thread; several threads may run it at once."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.content, options, providers=["CPUExecutionProvider"])

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads, one for each core that this process may use."""
        return ThreadPoolExecutor(threads(), thread_name_prefix="fsbench-encode")

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        session = self.session
        name = session.get_inputs()[0].name

        def one(place: int) -> NDArray[np.float32]:
            found: NDArray[np.float32] = session.run(None, {name: batch[place : place + 1]})[0]
            return found

        places = range(len(batch))
        alone = len(batch) == 1 or threads() == 1
        return np.concatenate(list(map(one, places) if alone else self.pool.map(one, places)))


def threads() -> int:
    """Returns the number of threads: ``OMP_NUM_THREADS``, else the cores that this process may use."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wanted_backend() -> str:
    """Returns what ``FSBENCH_BACKEND`` names; UsageError for anything but ``BACKENDS``."""
    wanted = os.environ.get(VARIABLE) or "auto"
    if wanted not in BACKENDS:
        raise UsageError(f"{VARIABLE} is one of {', '.join(BACKENDS)}, not {wanted!r}.")
    return wanted


def exported(
    name: str,
    fingerprint: str,
    shape: tuple[int, ...],
    folder: Path,
    build: Callable[[], Callable[[Tensor], Tensor]],
) -> Exported | None:
    """Returns the export of an encoder, made and kept in ``folder`` when it is first asked for.

    ``build`` returns the network, of a batch of prepared pictures of ``shape`` each; it is called only to export.
    None where the network cannot be exported, or does not agree with torch: a warning says so, once for each export.
    Under ``FSBENCH_BACKEND=onnxruntime`` that is an FsbenchError.
    """
    facts = {"version": VERSION, "encoder": fingerprint, "versions": identity.versions(MADE_BY)}
    path = folder / f"{identity.key('export', facts)[:32]}.onnx"
    memo = Memo(folder / "refused.json")
    found = kept(path)
    if found is None:
        reason = memo.get(path.stem, lambda: made(path, shape, build))
        found = None if reason else kept(path)
        if found is None and not reason and not (reason := made(path, shape, build)):  # kept once, and lost
            found = kept(path)
        if found is None:
            sentence = (
                f"{name} is computed by torch, since ONNX Runtime cannot: {reason or 'its file is damaged'}."
            )
            if wanted_backend() == "onnxruntime":
                raise FsbenchError(
                    f"{sentence.replace('is computed', 'would be computed')} {VARIABLE}=auto allows it."
                )
            warnings.warn(sentence, stacklevel=2)
    return found


def kept(path: Path) -> Exported | None:
    """Returns the export in a file; None where there is none, or a damaged one."""
    with contextlib.suppress(OSError, ValueError):
        return Exported(unsealed(path.read_bytes()))
    return None


def made(path: Path, shape: tuple[int, ...], build: Callable[[], Callable[[Tensor], Tensor]]) -> str:
    """Exports a network into a file; returns "", or why it cannot be used, then without a file."""
    import torch

    class Whole(torch.nn.Module):
        """A function of pictures as a module, with the module that it computes with."""

        def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.trunk: Module | None = getattr(function, "trunk", None)
            self.function = function

        def forward(self, pictures: Tensor) -> Tensor:
            return self.function(pictures)

    examples = pictures(shape)
    try:
        whole = Whole(build()).eval()
        with torch.no_grad(), quiet():
            wanted = whole(torch.from_numpy(examples)).numpy()
            program: Any = torch.onnx.export(
                whole, (torch.from_numpy(examples[:1]),), dynamo=True, verbose=False
            )
            content = program.model_proto.SerializeToString()
        found = Exported(content)(examples)
    except (FsbenchError, MemoryError):
        raise
    except Exception as error:  # whatever three libraries raise for an operator that they do not know
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    scale = float(np.abs(wanted).max())
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return f"it gives arrays {found.shape} that are not those of torch, {wanted.shape}"
    if (difference := float(np.abs(found - wanted).max())) > AGREEMENT * scale:
        return f"its vectors differ from torch's by {difference:.1e}, of values up to {scale:.2g}"
    write_atomic(path, lambda stream: stream.write(sealed(content)))
    return ""


def pictures(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Returns ``[TRIED, *shape]``: a grey picture, coarse blocks of colour, a gradient and noise, private and fixed."""
    rng = np.random.default_rng(0)
    side = shape[-1]
    blocks = rng.integers(0, 256, (*shape[:-2], 8, 8), dtype=np.uint8)
    places = np.arange(side) * 8 // side
    ramp = np.broadcast_to(np.linspace(0, 255, side).astype(np.uint8), shape)
    noise = rng.integers(0, 256, shape, dtype=np.uint8)
    return np.stack([np.full(shape, 127, np.uint8), blocks[..., places[:, None], places], ramp, noise])


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what an exporter prints, warns and logs from the person who asked for vectors."""
    known = {name: logging.getLogger(name).level for name in ("torch", "torch.onnx", "onnxscript")}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in known:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in known.items():
                logging.getLogger(name).setLevel(level)
