"""Files of weights on this machine: where they are looked for, what is known of them, how they are read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.memo import Memo

if TYPE_CHECKING:
    from torch import Tensor

VARIABLE = "FSBENCH_WEIGHTS"
"""Environment variable that names one or more folders of weights, separated as in ``$PATH``."""

SUFFIXES = (".safetensors", ".pth")

KNOWN = {
    # mobilenet_v2 converted from the published TensorFlow Lite model: its paddings agree at 225 px
    "a23652ac6262f2647271e1dadb9b7c626e92736c97baff4266d08a325d443ca4": {
        "size": 225,
        "resize": 256,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bilinear",
        "pretraining": "ImageNet-1k",
    },
    # squeezenet1_0 converted from the published Deep Compression model
    "76e7fbb545bcc1a8c2c265a33636153e2f128ad839fe47d51685bca6b65b05cf": {
        "size": 227,
        "resize": 256,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "interpolation": "bilinear",
        "pretraining": "ImageNet-1k",
    },
}
"""Input and pretraining of published files that were trained otherwise than the library's own, by sha256."""

PUBLISHED = {
    "efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
}
"""The sha256 of the files of weights that a distribution which is required here installs."""

FACTS = ("size", "resize", "mean", "std", "interpolation", "pretraining")
"""Keys that a file ``NAME.pth.json`` beside ``NAME.pth`` may have; the published values hold for the others."""


def weights_folders() -> list[Path]:
    """Returns the folders of ``$FSBENCH_WEIGHTS``."""
    return [Path(part).expanduser() for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


def find_weights(stems: Sequence[str]) -> Path | None:
    """Returns the file ``STEM.pth``, ``STEM-….pth`` or ``.safetensors`` of the first folder that has one, or None.

    Raises UsageError when a folder has several.
    """
    for folder in weights_folders():
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        matching = [
            f
            for f in files
            if f.suffix in SUFFIXES and any(f.stem == stem or f.stem.startswith(f"{stem}-") for stem in stems)
        ]
        if len(matching) > 1:
            names = " and ".join(f.name for f in matching)
            raise UsageError(f"{folder} has several weights of {stems[0]} ({names}); name one as `weights`.")
        if matching:
            return matching[0]
    return None


def file_digest(path: Path, memo: Memo) -> str:
    """Returns sha256 (hex) of a file's bytes, remembered until its size or modification time changes."""
    try:
        stat = path.stat()
        with path.open("rb") as stream:
            return str(
                memo.get(
                    f"sha256 {path.resolve()} {stat.st_size} {stat.st_mtime_ns}",
                    lambda: hashlib.file_digest(stream, "sha256").hexdigest(),
                )
            )
    except OSError as error:
        raise UsageError(f"Cannot read the weights {path} ({error.strerror or error}).") from error


def require_published(path: Path, digest: str) -> None:
    """Raises FsbenchError where a file has the name of published weights and another content.

    The sha256 of what this project names itself is in ``PUBLISHED``; a published name such as
    ``resnet18-f37072fd.pth`` says how the sha256 of its content begins.
    """
    named = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    wanted = PUBLISHED.get(path.name) or (named[1] if named else "")
    if not digest.startswith(wanted):
        raise FsbenchError(
            f"{path} is not the published file of that name: its sha256 begins with {digest[:8]}, and not with "
            f"{wanted[:8]}; get it again, or give it another name and say --set weights=FILE."
        )


def weights_facts(path: Path, digest: str) -> dict[str, Any]:
    """Returns what is known of a file of weights beyond its architecture: some of ``FACTS``.

    Raises UsageError when the file beside it is not a JSON object of such facts.
    """
    sidecar = path.with_name(f"{path.name}.json")
    if not sidecar.is_file():
        return dict(KNOWN.get(digest, {}))
    try:
        facts = json.loads(sidecar.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{sidecar} is not a JSON object ({error}).") from error
    if not isinstance(facts, dict):
        raise UsageError(f"{sidecar} is not a JSON object.")
    if unknown := sorted(set(facts) - set(FACTS)):
        raise UsageError(f"{sidecar} says {unknown[0]!r}; it may say {', '.join(FACTS)}.")
    for key in ("size", "resize"):
        if not isinstance(facts.get(key, 1), int):
            raise UsageError(f"{sidecar} says {key} = {facts[key]!r}; it must be a whole number of pixels.")
    for key in ("mean", "std"):
        values = facts.get(key, [0, 0, 0])
        if not (
            isinstance(values, list) and len(values) == 3 and all(isinstance(v, int | float) for v in values)
        ):
            raise UsageError(f"{sidecar} says {key} = {values!r}; it must be three numbers, for R, G and B.")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}


def read_state(path: Path) -> dict[str, Tensor]:
    """Returns the state dict in a ``.safetensors`` file or a ``.pth`` file that needs no pickled code."""
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds for a damaged file
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise FsbenchError(f"{path} cannot be read as weights ({reason[0]}).") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FsbenchError(
            f"{path} holds no state dict (names and tensors), so it cannot be read as weights."
        )
    return state
