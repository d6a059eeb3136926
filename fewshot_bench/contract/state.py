"""The state that all code of a process shares: read before a plugin runs, put back behind it.

A plugin that changes the working folder, the default number type or a global generator would change what the next
one gives. What is listed here is put back, and the change is reported; everything else of a process (its modules,
its environment variables, its open files) is the plugin's to leave alone.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Setting:
    """One thing that is shared: how it is read and how it is put back. ``read`` returns None where it cannot be read.

    ``initial`` is what it is when its library is loaded, None where that is not known. ``generator`` says that it is
    a global generator of random numbers.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    initial: Any = None
    generator: bool = False


def umask() -> int | None:
    """Returns the umask without setting it, which would open the files of other threads; None where that cannot be."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return None


def handlers() -> dict[int, Any] | None:
    """Returns the handler of each signal; None outside the main thread, where none can be set."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return {number: signal.getsignal(number) for number in sorted(signal.valid_signals())}


def set_handlers(wanted: Mapping[int, Any]) -> None:
    """Puts back the handlers that differ."""
    for number, handler in wanted.items():
        if signal.getsignal(number) != handler and handler is not None:
            with suppress(OSError, ValueError):
                signal.signal(number, handler)


class Filters(tuple[Any, ...]):
    """The filters of warnings; two are equal where those for all messages of Python's categories are.

    A library adds filters for messages, modules or categories of its own when it is loaded, and they stay.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filters) and self.general() == other.general()

    __hash__ = None  # type: ignore[assignment]

    def general(self) -> list[Any]:
        """Returns the filters that are no library's own."""
        return [found for found in self if not own(found)]


def own(found: Any) -> bool:
    """Returns whether a filter is for a message, a module or a category that only one library has."""
    return found[1] is not None or found[3] is not None or found[2].__module__ != "builtins"


def set_filters(wanted: Filters) -> None:
    """Puts back the filters, behind those that libraries added for themselves."""
    added = [found for found in warnings.filters if found not in tuple(wanted) and own(found)]
    warnings.filters[:] = [*added, *wanted]  # type: ignore[index]
    with warnings.catch_warnings():  # forgets which warnings the other filters had let pass
        pass


def numpy_generator() -> tuple[Any, ...]:
    """Returns the state of numpy's global generator."""
    name, words, *rest = np.random.get_state()  # noqa: NPY002
    return name, np.asarray(words).tobytes(), *rest


def set_numpy_generator(state: tuple[Any, ...]) -> None:
    """Puts back the state of numpy's global generator."""
    name, words, *rest = state
    np.random.set_state((name, np.frombuffer(words, np.uint32), *rest))  # noqa: NPY002


PLAIN = (
    Setting("the working folder", os.getcwd, os.chdir),
    Setting("the umask", umask, os.umask),
    Setting("the handlers of signals", handlers, set_handlers),
    Setting("the filters of warnings", lambda: Filters(warnings.filters), set_filters),
    Setting("numpy's treatment of floating-point errors", np.geterr, lambda state: np.seterr(**state)),
    Setting("the global generator of Python", random.getstate, random.setstate, generator=True),
    Setting("the global generator of numpy", numpy_generator, set_numpy_generator, generator=True),
)
"""What is shared without torch."""


def torch_settings() -> tuple[Setting, ...]:
    """Returns what torch shares, where it is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_rng_state"):  # not loaded, or being loaded by another thread
        return ()

    def generator() -> bytes:
        return bytes(torch.get_rng_state().numpy().tobytes())

    def set_generator(state: bytes) -> None:
        torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    def flags() -> tuple[Any, ...]:
        cudnn = torch.backends.cudnn
        strict = torch.are_deterministic_algorithms_enabled()
        warn = torch.is_deterministic_algorithms_warn_only_enabled()
        return strict, warn, cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32

    def set_flags(state: tuple[Any, ...]) -> None:
        torch.use_deterministic_algorithms(state[0], warn_only=state[1])
        cudnn = torch.backends.cudnn
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = state[2:]

    return (
        Setting(
            "torch's default number type", torch.get_default_dtype, torch.set_default_dtype, torch.float32
        ),
        Setting("torch's default device", torch.get_default_device, torch.set_default_device),
        Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
        Setting("torch's computing of gradients", torch.is_grad_enabled, torch.set_grad_enabled, True),
        Setting(
            "torch's precision of products",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
            "highest",
        ),
        Setting("torch's deterministic algorithms", flags, set_flags, (False, False, False, False, True)),
        Setting("the global generator of torch", generator, set_generator, generator=True),
    )


def snapshot() -> dict[str, tuple[Setting, Any]]:
    """Returns every setting with what it is now, by its name."""
    return {setting.name: (setting, _now(setting)) for setting in (*PLAIN, *torch_settings())}


def restore(before: Mapping[str, tuple[Setting, Any]], *, generators: bool = True) -> list[str]:
    """Puts back what differs from ``before``, but the global generators where that is not asked for.

    Returns the names of what was put back.
    """
    loaded = [(s, s.initial) for s in torch_settings() if s.name not in before]
    changed = []
    for setting, value in (*before.values(), *loaded):
        if value is None or (setting.generator and not generators) or _now(setting) == value:
            continue
        with suppress(OSError):  # a working folder that is gone
            setting.write(value)
        changed.append(setting.name)
    return changed


def _now(setting: Setting) -> Any:
    try:
        return setting.read()
    except OSError:
        return None
