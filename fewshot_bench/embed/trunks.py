"""Trunks: networks up to their last feature map, with weights: modules ``[B, 3, S, S] -> [B, C, h, w]``."""

from __future__ import annotations

import math
import os
import re
import socket
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from fewshot_bench.embed import lite0
from fewshot_bench.embed.backbones import Backbone
from fewshot_bench.embed.own_network import build_own
from fewshot_bench.embed.small import build_small, seeded
from fewshot_bench.embed.torchvision_guard import import_timm, import_torchvision
from fewshot_bench.embed.weights import SUFFIXES, VARIABLE, read_state
from fewshot_bench.errors import FsbenchError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

TRUNKS = {
    "AlexNet": ("features",),
    "ConvNeXt": ("features",),
    "DenseNet": ("features",),
    "EfficientNet": ("features",),
    "MobileNetV2": ("features",),
    "MobileNetV3": ("features",),
    "ResNet": ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
    "SqueezeNet": ("features",),
    "VGG": ("features",),
}
"""The parts that make the trunk, in order, by class of torchvision network."""


def build_trunk(backbone: Backbone) -> nn.Module:
    """Returns the trunk with its weights, in evaluation mode, on the CPU; draws no random numbers of the process.

    Raises FsbenchError, one sentence, when the weights are neither here nor to be downloaded, or do not fit.
    """
    build = {"small": _small_trunk, "torchvision": _torchvision_trunk, "timm": _timm_trunk}.get(
        backbone.library, _own_trunk
    )
    return build(backbone).eval()


def _own_trunk(backbone: Backbone) -> nn.Module:
    """A network in a file of one's own."""
    assert backbone.weights is not None
    return build_own(backbone.weights, backbone.library, backbone.model, backbone.transform.size)


def _small_trunk(backbone: Backbone) -> nn.Module:
    """A network of ours: as its seed draws it, or with the weights of a training."""
    trunk = seeded(lambda: build_small(backbone.model), backbone.seed or 0)
    if backbone.weights is not None:
        _load(trunk, read_state(backbone.weights), set(trunk.state_dict()), backbone)
    return trunk


def _torchvision_trunk(backbone: Backbone) -> nn.Module:
    import torch

    models = import_torchvision().models
    if backbone.seed is not None and backbone.weights is None:
        drawn = seeded(lambda: models.get_model(backbone.model, weights=None), backbone.seed)
        return _cut(drawn, backbone)
    with torch.device("meta"):
        network = models.get_model(backbone.model, weights=None)
    trunk = _cut(network, backbone)
    if backbone.weights is not None:
        state = read_state(backbone.weights)
    else:
        published = models.get_model_weights(backbone.model).DEFAULT
        try:
            state = published.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            file = published.url.rpartition("/")[2]
            raise _missing(backbone, file, f"{torch.hub.get_dir()}/checkpoints", file, error) from error
    if type(network).__name__ == "DenseNet":  # published before its layers had their present names
        old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
        state = {old.sub(r"\1\2.", name): value for name, value in state.items()}
    _load(trunk, state, set(network.state_dict()), backbone)
    return trunk


def _cut(network: nn.Module, backbone: Backbone) -> nn.Module:
    """A torchvision network without its classifier; UsageError for one that ends in no feature map."""
    import torch

    parts = TRUNKS.get(type(network).__name__)
    if parts is None:
        raise UsageError(
            f"The torchvision network {backbone.model} has no trunk that ends in a feature map; "
            "take one like it from timm (timm:vit_base_patch16_224, timm:swin_tiny_patch4_window7_224, …)."
        )
    trunk = torch.nn.Sequential(OrderedDict((part, getattr(network, part)) for part in parts))
    if type(network).__name__ == "DenseNet":
        trunk.add_module("relu", torch.nn.ReLU())
    return trunk


def _load(trunk: nn.Module, state: dict[str, Tensor], allowed: set[str], backbone: Backbone) -> None:
    """Give the trunk its tensors of ``state``; what else the state holds must be the network's."""
    import torch

    own = trunk.state_dict()
    counters = {n: torch.zeros((), dtype=torch.long) for n in own if n.endswith("num_batches_tracked")}
    state = {**counters, **state}
    wrong = [n for n in own if n not in state or state[n].shape != own[n].shape]
    wrong += [n for n in state if n not in allowed]
    if wrong:
        raise _misfit(backbone, f"names or shapes differ, first at {wrong[0]}, in all {len(wrong)}")
    trunk.load_state_dict({name: state[name].to(own[name].dtype) for name in own}, assign=True)


def _timm_trunk(backbone: Backbone) -> nn.Module:
    import torch

    timm = import_timm()
    file = backbone.weights or _in_hub_cache(backbone)
    options: dict[str, Any] = {"pretrained": True}
    if file is not None:
        state = read_state(file)
        if backbone.model == lite0.TIMM_NAME:
            state = lite0.timm_state(state)
        classes = _classes_in(backbone, state)
        options["num_classes"] = classes
        options["pretrained_cfg_overlay"] = {"state_dict": state, "num_classes": classes}
    else:
        _require_hub(backbone)
    with torch.random.fork_rng(devices=[]):
        try:
            trunk: nn.Module = timm.create_model(backbone.model, **options)
        except (OSError, RuntimeError) as error:
            if file is None:
                raise _missing_timm(backbone, error) from error
            reason = str(error).strip().splitlines()
            raise _misfit(backbone, " ".join(line.strip() for line in reason[:2])) from error
    reset: Any = trunk.reset_classifier
    reset(
        0, ""
    )  # after loading: timm takes a file that lacks tensors where another number of classes is asked for
    getattr(trunk, "pretrained_cfg", {}).pop("state_dict", None)
    trunk.register_forward_hook(_as_map)
    return trunk


def _classes_in(backbone: Backbone, state: dict[str, Tensor]) -> int:
    """The number of classes of a file of weights, 0 for one without a classifier, so that timm loads it whole."""
    config = import_timm().models.get_pretrained_cfg(backbone.model)
    named = (config.classifier if config is not None else None) or ()
    for name in (named,) if isinstance(named, str) else named:
        for key in (f"{name}.weight", f"{name}.bias"):
            if key in state:
                return len(state[key])
    return 0


def _as_map(trunk: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    """Returns ``[B, C, h, w]``; networks of timm give that, or channels last, or the tokens of a square grid."""
    if output.ndim == 3:
        patches = output[:, getattr(trunk, "num_prefix_tokens", 0) :]
        side = math.isqrt(patches.shape[1])
        return patches.transpose(1, 2).reshape(len(patches), -1, side, side)
    if getattr(trunk, "output_fmt", "") == "NHWC":
        return output.permute(0, 3, 1, 2)
    return output


def _in_hub_cache(backbone: Backbone) -> Path | None:
    """The file that an earlier download left, so that no network is needed to use it."""
    from huggingface_hub import try_to_load_from_cache

    if "/" not in backbone.source or backbone.source.startswith("http"):
        return None
    found = try_to_load_from_cache(backbone.source, "model.safetensors")
    return Path(found) if isinstance(found, str) else None


def _require_hub(backbone: Backbone) -> None:
    """Fail at once where the hub's name cannot be resolved; its own client would retry for a minute."""
    from huggingface_hub import constants

    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return
    try:
        socket.getaddrinfo(urlparse(constants.ENDPOINT).hostname, 443)
    except OSError as error:
        raise _missing_timm(backbone, error) from error


def _missing_timm(backbone: Backbone, error: Exception) -> FsbenchError:
    from huggingface_hub import constants

    file = f"model.safetensors of {backbone.source}"
    return _missing(backbone, file, constants.HF_HUB_CACHE, f"{backbone.model}{SUFFIXES[0]}", error)


def _missing(backbone: Backbone, file: str, cache: str, name: str, error: Exception) -> FsbenchError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].strip("<>")
    return FsbenchError(
        f"The weights of {backbone.model} ({file}) are neither in {cache} nor to be downloaded ({reason}); "
        f"put the file as {name} into a folder FOLDER and say export {VARIABLE}=FOLDER, or say --set weights=FILE."
    )


def _misfit(backbone: Backbone, reason: str) -> FsbenchError:
    where = backbone.weights or backbone.source
    return FsbenchError(f"The weights {where} do not fit the network {backbone.model} ({reason}).")
