"""A network of one's own as a backbone: an ONNX or TorchScript file, and a JSON file beside it that states its input.

An ONNX file is data. A TorchScript file holds code that torch's interpreter runs; it unpickles no Python objects, but
is to be had from people one trusts. Identity is the content of both files, never their path.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench import identity
from fewshot_bench.embed.transforms import InputTransform
from fewshot_bench.embed.weights import file_digest
from fewshot_bench.errors import UsageError
from fewshot_bench.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = {".onnx": "onnx", ".pt": "torchscript", ".ts": "torchscript"}
"""The kind of a file by the end of its name."""

EXAMPLE = (
    '{"size": 224, "resize": 256, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], '
    '"interpolation": "bicubic", "pretraining": "ImageNet-1k", "licence": "Apache-2.0"}'
)
"""A file beside a network, as a sentence shows it."""

NEEDED = ("size", "resize", "mean", "std", "interpolation", "pretraining", "licence")
OPTIONAL = ("output",)
LARGEST = 4096
"""Side in pixels of the largest input, and length of the longest text, that a file may state."""

SIDECAR_BYTES = 1 << 16


@dataclass(frozen=True)
class OwnFile:
    """A file of a network with what is stated of it: ``kind`` is ``onnx`` or ``torchscript``.

    ``output`` names the output of an ONNX network that is taken; "" is its first. ``digest`` is the sha256 of the
    network's file and ``identity`` covers the stated facts as well.
    """

    path: Path
    kind: str
    transform: InputTransform
    pretraining: str
    licence: str
    output: str
    digest: str
    identity: str


def own_kind(name: str) -> str | None:
    """Returns ``onnx`` or ``torchscript`` for a backbone that is the name of such a file, else None."""
    if name.startswith(("timm:", "torchvision:")):
        return None
    return KINDS.get(Path(name).suffix.lower())


def own_file(name: str, memo: Memo) -> OwnFile:
    """Returns a network's file and what the file beside it states; UsageError, one sentence, for anything unsound."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise UsageError(
            f"There is no file of a network {path}; say --set backbone=FILE.onnx with one that is there."
        )
    facts = sidecar(path)
    digest = file_digest(path, memo)
    try:
        transform = InputTransform(
            size=facts["size"],
            resize=facts["resize"],
            mean=tuple(facts["mean"]),
            std=tuple(facts["std"]),
            interpolation=facts["interpolation"],
        )
    except UsageError as error:
        raise UsageError(f"{beside(path)}: {error}") from error
    key = identity.key("own-network", {"file": digest, "output": facts.get("output", "")})
    return OwnFile(
        path=path,
        kind=KINDS[path.suffix.lower()],
        transform=transform,
        pretraining=facts["pretraining"],
        licence=facts["licence"],
        output=facts.get("output", ""),
        digest=digest,
        identity=key,
    )


def beside(path: Path) -> Path:
    """Returns the path of the file that states a network's input: ``model.onnx.json`` beside ``model.onnx``."""
    return path.with_name(f"{path.name}.json")


def sidecar(path: Path) -> dict[str, Any]:
    """Returns what the file beside a network states; UsageError where it is missing or states something unsound."""
    file = beside(path)
    if not file.is_file():
        raise UsageError(
            f"{path} needs a file {file.name} beside it that states its input; write one with its own values: "
            f"echo '{EXAMPLE}' > '{file}'"
        )
    try:
        with file.open("rb") as stream:
            facts = json.loads(stream.read(SIDECAR_BYTES + 1).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not a JSON object ({error}); an example: {EXAMPLE}") from error
    if not isinstance(facts, dict):
        raise UsageError(f"{file} is not a JSON object; an example: {EXAMPLE}")
    if reason := defect(facts):
        raise UsageError(f"{file} {reason}; an example: {EXAMPLE}")
    return facts


def defect(facts: Mapping[str, Any]) -> str:
    """Returns "" where stated facts are sound, else what is wrong, as the rest of a sentence."""
    known = (*NEEDED, *OPTIONAL)
    if unknown := sorted(set(facts) - set(known)):
        return f"says {unknown[0]!r}, and may say {', '.join(known)}"
    if missing := [key for key in NEEDED if key not in facts]:
        return f"does not say {missing[0]!r}"
    for key in ("size", "resize"):
        value = facts[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
            return f"says {key} = {value!r}, which must be a whole number of pixels from 1 to {LARGEST}"
    for key in ("mean", "std"):
        value = facts[key]
        if not (isinstance(value, list) and len(value) == 3 and all(finite(one) for one in value)):
            return f"says {key} = {value!r}, which must be three numbers, for R, G and B on the scale 0 to 1"
    if min(facts["std"]) <= 0:
        return f"says std = {facts['std']!r}, whose numbers must be above 0"
    for key in ("interpolation", "pretraining", "licence", *(key for key in OPTIONAL if key in facts)):
        value = facts[key]
        if not isinstance(value, str) or not value.strip() or len(value) > LARGEST or not value.isprintable():
            return f"says {key} = {value!r}, which must be a text of one line ('unknown' where nobody knows)"
    return ""


def finite(value: Any) -> bool:
    """Returns whether a value is a finite number, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
