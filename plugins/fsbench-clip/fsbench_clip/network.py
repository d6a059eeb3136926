"""ClipNetwork: both towers of a network of open_clip, with the weights of a file, built when first used."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import (
    FsbenchError,
    InputTransform,
    UsageError,
    View,
    read_state,
    seeded,
    weights_facts,
)

if TYPE_CHECKING:
    from torch import Tensor

OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and deviation of the pictures that CLIP was trained on (Radford et al. 2021)."""

SUFFIXES = (".safetensors", ".pth")


@dataclass(frozen=True, eq=False)
class ClipNetwork:
    """A network by name with the weights of a file; ``model`` is a name of open_clip or a file of its settings."""

    model: str
    weights: Path
    view: View = "pad"
    device: str = "cpu"
    _known: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the network: ``embed_dim``, ``vision_cfg`` and ``text_cfg``."""
        open_clip = import_open_clip()
        if self.model.endswith(".json"):
            try:
                found = json.loads(Path(self.model).expanduser().read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"{self.model} is no JSON file of a network's settings ({error})."
                ) from error
        else:
            found = open_clip.get_model_config(self.model)
        if found is None:
            raise UsageError(
                f"open_clip has no network {self.model!r}; one that it has: --set model=ViT-B-32."
            )
        if not isinstance(found, dict) or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(found):
            raise UsageError(
                f"{self.model} lacks embed_dim, vision_cfg or text_cfg, as open_clip's files have them."
            )
        if {"hf_model_name", "hf_tokenizer_name"} & set(found["text_cfg"]):
            raise UsageError(
                f"The texts of {self.model} need a tokenizer from elsewhere; take --set model=ViT-B-32."
            )
        return found

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The facts that the file beside the weights states."""
        return weights_facts(self.weights, "")

    @cached_property
    def transform(self) -> InputTransform:
        """How a picture becomes the input, as the file beside the weights states it, or as CLIP was trained."""
        given = {key: value for key, value in self.facts.items() if key != "pretraining"}
        size = given.pop("size", self.settings["vision_cfg"]["image_size"])
        mean, std = ((0.5,) * 3,) * 2 if "siglip" in self.model.lower() else OPENAI
        usual = {"resize": size, "mean": mean, "std": std, "interpolation": "bicubic"}
        return InputTransform(**{"size": size, **usual, **given, "view": self.view})

    @property
    def pretraining(self) -> str:
        """The data that the weights saw, as the file beside them states it."""
        return str(self.facts.get("pretraining", f"unknown (file {self.weights.name})"))

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 (hex) of the file of weights and the settings."""
        with self.weights.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return hashlib.sha256(json.dumps([digest, self.settings], sort_keys=True).encode()).hexdigest()

    @cached_property
    def network(self) -> Any:
        """The network with its weights, in evaluation mode; FsbenchError where they do not fit it."""
        open_clip = import_open_clip()
        settings = {k: v for k, v in self.settings.items() if k != "custom_text"}
        kind = open_clip.CustomTextCLIP if self.settings.get("custom_text") else open_clip.CLIP
        made = seeded(lambda: kind(**settings), 0)
        try:
            made.load_state_dict(read_state(self.weights))
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise FsbenchError(
                f"The weights {self.weights} are not those of {self.model} ({reason})."
            ) from error
        return made.to(self.device).eval()

    def texts(self, names: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Returns t_n [N, D] of unit length: the mean over templates of a name's unit text vectors, at length 1.

        Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, ICML 2021, 3.1.4.
        """
        import torch
        from torch.nn.functional import normalize

        for name in dict.fromkeys(names):
            if (name, *templates) not in self._known:
                words = name.replace("_", " ").strip()
                tokens = self.tokens([template.replace("{}", words) for template in templates])
                with torch.no_grad():
                    each = normalize(self.network.encode_text(tokens).float(), dim=1)
                self._known[(name, *templates)] = normalize(each.mean(0), dim=0)
        return torch.stack([self._known[(name, *templates)] for name in names])

    def tokens(self, sentences: Sequence[str]) -> Tensor:
        """Returns the tokens of sentences, cut to the length that the network reads."""
        open_clip = import_open_clip()
        length = int(self.settings["text_cfg"].get("context_length", 77))
        found: Tensor = open_clip.SimpleTokenizer(context_length=length)(list(sentences))
        return found.to(self.device)


def import_open_clip() -> Any:
    """Returns the module ``open_clip``; UsageError, with the command that installs it, where it is not there."""
    from fewshot_bench.api import import_torchvision

    import_torchvision()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("open_clip")
    except ImportError as error:
        raise UsageError(
            f"This method needs open_clip ({error}): pip install 'fsbench-clip[open_clip]'."
        ) from error


def weights_of(model: str, given: str | None) -> Path:
    """Returns the file of weights of a model: the one given, or ``open_clip-MODEL`` of ``$FSBENCH_WEIGHTS``."""
    if given is not None:
        path = Path(given).expanduser()
        if not path.is_file():
            raise UsageError(
                f"There is no file of weights {path}; say --set weights=FILE with one that is there."
            )
        return path
    stem = f"open_clip-{Path(model).stem if model.endswith('.json') else model.replace('/', '-')}"
    for folder in filter(None, os.environ.get("FSBENCH_WEIGHTS", "").split(os.pathsep)):
        for suffix in SUFFIXES:
            if (found := Path(folder).expanduser() / f"{stem}{suffix}").is_file():
                return found
    raise UsageError(
        f"The weights of {model} are not here: put the file as {stem}{SUFFIXES[0]} into a folder FOLDER and say "
        "export FSBENCH_WEIGHTS=FOLDER, or say --set weights=FILE."
    )
