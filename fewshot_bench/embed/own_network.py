"""Networks of one's own as modules ``[B, 3, S, S] -> [B, C, h, w]`` or ``[B, D]``; what they give is looked at."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.embed.exported import Exported
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class OnnxNetwork(Exported):
    """An ONNX file in ONNX Runtime, each picture by one thread; ``output`` names what is taken, "" the first."""

    def __init__(self, content: bytes, output: str, size: int, path: Path) -> None:
        super().__init__(content)
        self.output, self.size, self.path = output, size, path

    def __getstate__(self) -> dict[str, Any]:
        return {key: self.__dict__[key] for key in ("content", "output", "size", "path")}

    def require_fit(self) -> None:
        """Raises FsbenchError where the file cannot be read, or takes or gives something else than is stated."""
        try:
            session = self.session
        except Exception as error:  # ONNX Runtime has exceptions of its own for each kind of damage
            raise FsbenchError(f"{self.path} cannot be read as an ONNX network ({line(error)}).") from error
        entering = session.get_inputs()
        if len(entering) != 1 or entering[0].type != "tensor(float)" or len(entering[0].shape) != 4:
            told = ", ".join(f"{one.name} {one.type} {one.shape}" for one in entering)
            raise FsbenchError(
                f"{self.path} takes {told or 'nothing'}, and must take one float tensor [B, 3, S, S]; export it so."
            )
        for got, wanted in zip(entering[0].shape, (1, 3, self.size, self.size), strict=True):
            if isinstance(got, int) and got != wanted:
                raise FsbenchError(
                    f"{self.path} takes {entering[0].shape}, and is asked for pictures "
                    f"[1, 3, {self.size}, {self.size}]; "
                    f"state the size in {self.path.name}.json, and export it for any batch or a batch of 1."
                )
        names = [one.name for one in session.get_outputs()]
        if self.output and self.output not in names:
            raise FsbenchError(
                f"{self.path} has no output {self.output!r}; state one of {', '.join(names)} in {self.path.name}.json."
            )

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        name = self.session.get_inputs()[0].name
        wanted = [self.output or self.session.get_outputs()[0].name]

        def one(picture: NDArray[Any]) -> NDArray[np.float32]:
            found: NDArray[np.float32] = self.session.run(wanted, {name: picture[None]})[0]
            return found

        return np.concatenate(list(self.pool.map(one, batch)))


def build_own(path: Path, kind: str, output: str, size: int) -> nn.Module:
    """Returns the module of a file, in evaluation mode; FsbenchError, one sentence, where it cannot be one."""
    import torch

    compute: Callable[[Tensor], Any]
    if kind == "onnx":
        network = OnnxNetwork(read(path), output, size, path)
        network.require_fit()
        compute = partial(by_onnx, network)
    else:
        try:
            compute = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except Exception as error:  # torch raises several kinds for a damaged file
            raise FsbenchError(f"{path} cannot be read as TorchScript ({line(error)}).") from error

    class Checked(torch.nn.Module):
        """A network whose outputs are looked at."""

        def __init__(self) -> None:
            super().__init__()
            self.compute = compute

        def forward(self, pictures: Tensor) -> Tensor:
            try:
                found = self.compute(pictures.contiguous())
            except Exception as error:
                raise FsbenchError(
                    f"{path} fails on pictures {list(pictures.shape)} ({line(error)}); is the size in "
                    f"{path.name}.json the one that it was made for?"
                ) from error
            return sound(found, len(pictures), path)

    return Checked().eval()


def by_onnx(network: OnnxNetwork, pictures: Tensor) -> Tensor:
    """Returns what an ONNX network gives for pictures, on their device."""
    import torch

    found = network(pictures.detach().cpu().numpy())
    return torch.from_numpy(np.ascontiguousarray(found)).to(pictures.device)


def sound(found: Any, count: int, path: Path) -> Tensor:
    """Returns the output of a network where it is a vector or a map of each picture; FsbenchError for others."""
    import torch

    if (
        not isinstance(found, torch.Tensor)
        or found.ndim not in (2, 4)
        or len(found) != count
        or not found.numel()
    ):
        told = list(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise FsbenchError(
            f"{path} gives {told} for {count} pictures, and must give vectors [B, D] or feature maps [B, C, h, w]; "
            "export it without its classifier, or state the name of another output."
        )
    if not found.is_floating_point() or not bool(torch.isfinite(found).all()):
        raise FsbenchError(
            f"{path} gives values that are no finite numbers; do mean and std beside it fit it?"
        )
    return found.float()


def read(path: Path) -> bytes:
    """Returns the content of a file; FsbenchError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FsbenchError(f"Cannot read {path} ({error.strerror or error}).") from error


def line(error: BaseException) -> str:
    """Returns the message of an error in one line of at most 160 characters."""
    return " ".join(str(error).split())[:160] or type(error).__name__
