"""Records of schema 1 as records of schema 2: both ends of intervals, today's names, and presets filled in."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import numpy as np

from fewshot_bench.identity import key
from fewshot_bench.records.arrays import Arrays, canonical

Json = dict[str, Any]

RENAMED: dict[str, dict[str, str]] = {
    "protonet": {"average": "ema_decay"},
    "siamese-contrastive": {"average": "ema_decay"},
    "siamese-triplet": {"average": "ema_decay"},
    "maml": {"average": "ema_decay"},
    "finetune": {"members": "n_networks"},
    "ensemble": {"members": "n_networks"},
    "hog-mlp": {"rate": "lr", "steps": "min_steps"},
    "whitened-lr": {"most": "max_images"},
    "whitened-proto": {"most": "max_images"},
}
"""Parameters that had another name in schema 1, by method."""

SIAMESE: dict[str, Json] = {
    "quick": {
        "backbone": "efficientnet_lite0", "train_size": 128, "samples": 640, "batch": 32, "epochs": 3, "lr": 3e-4,
    },
    "standard": {
        "backbone": "efficientnet_lite0", "train_size": 160, "samples": 1600, "batch": 32, "epochs": 6, "lr": 3e-4,
    },
    "paper": {
        "backbone": "resnet18", "train_size": 224, "samples": 10_000, "batch": 250, "epochs": 90, "lr": 5e-5,
    },
}  # fmt: skip
TEACHER: dict[str, Json] = {
    "quick": {
        "backbone": "efficientnet_lite0", "size": 128, "teacher_epochs": 2, "student_epochs": 2, "steps": 30,
        "accumulate": 1,
    },
    "standard": {
        "backbone": "efficientnet_lite0", "size": 160, "teacher_epochs": 4, "student_epochs": 4, "steps": 50,
        "accumulate": 1,
    },
    "paper": {
        "backbone": "timm:resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "size": 224, "teacher_epochs": 20,
        "student_epochs": 20, "steps": 1000, "accumulate": 4,
    },
}  # fmt: skip
PRESETS: dict[str, dict[str, Json]] = {
    "siamese-contrastive": SIAMESE,
    "siamese-triplet": SIAMESE,
    "teacher-lr": TEACHER,
    "student-lr": TEACHER,
}
"""What ran where a record of schema 1 says 0 or "": the presets of fsbench-siamese and fsbench-teacher-student 0.1."""

PADDED = (
    "pretrained-knn", "pretrained-proto", "pretrained-lr", "whitened-lr", "whitened-proto", "teacher-lr", "student-lr",
    "siamese-contrastive", "siamese-triplet", "protonet", "finetune", "ensemble",
)  # fmt: skip
"""Methods that padded every picture to a square, and had no parameter that said so."""

ADDED: dict[str, Json] = {
    **{name: {"view": "pad"} for name in PADDED},
    **{name: {"view": "pad", "pretrained": True} for name in ("teacher-lr", "student-lr")},
    **{name: {"view": "pad", "weight_decay": 0.0} for name in ("siamese-contrastive", "siamese-triplet")},
    **{name: {"view": "crop"} for name in ("maml", "fomaml", "anil")},
}
"""What ran where schema 1 had no such parameter, by method."""

SIZES = {"efficientnet_lite0": 224, "resnet18": 224, "conv4": 84, "conv4-32": 84, "resnet12": 84}
"""The side in pixels that a network's weights were trained for, which ``size`` 0 stood for."""

TRAINS_ON_EPISODES = ("finetune", "ensemble")
"""Methods whose parameter ``precision`` is that of the scores, and not only that of a training before."""

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution, of Wilson's interval."""


def from_1(data: Json, arrays: Arrays) -> tuple[Json, Arrays]:
    """Returns a record of schema 1 as one of schema 2.

    Both ends of every interval are kept; parameters have today's names and say what ran; one seed was both seeds.
    The rank of the truth, class names and pictures were not recorded and stay absent. ``command`` asks for the same
    run today; where it had to change, ``command_recorded`` holds the one of schema 1.
    """
    method, parameters = data["method"], _parameters(data)
    label = np.asarray(arrays["query_label"])
    queries = int((label >= 0).sum())
    made = {
        k: v
        for k, v in data.items()
        if k not in ("parameters", "parameters_set", "accuracy", "map", "command")
    }
    environment = data.get("environment", {})
    made |= {
        "schema_version": 2,
        "migrated_from": 1,
        "created": None,
        "method_source": "",
        "protocol": data.get("protocol", "fewshot"),
        "seed": data.get("seed", 0),
        "train_seed": data.get("seed", 0),
        "device": "cpu" if environment.get("device", "cpu") == "cpu" else "cuda",
        "precision": parameters.get("precision", "float32") if method in TRAINS_ON_EPISODES else "float32",
        "parameters": parameters,
        "parameters_set": _typed(data),
        "accuracy": _score(data["accuracy"], queries, over_pictures=data.get("episodes") == 1),
        "map": _score(data["map"], queries) if data.get("map") else None,
    }
    if "command" in data:
        made["command"] = _command(data)
        if made["command"] != data["command"]:
            made["command_recorded"] = data["command"]
    made["identity_facts"] = _facts(made)
    made["identity"] = key("record-1", made["identity_facts"])
    kept = {k: v for k, v in arrays.items() if k not in ("episode_accuracy", "episode_map")}
    return _ordered(made), canonical(kept)


MIGRATIONS: dict[int, Callable[[Json, Arrays], tuple[Json, Arrays]]] = {1: from_1}
"""From schema version v to v + 1."""

FIRST = (
    "schema_version", "migrated_from", "identity", "created", "method", "method_distribution", "method_source",
    "summary", "reference", "parameters", "parameters_set", "train_seed", "device", "precision",
)  # fmt: skip
LAST = ("command", "command_recorded", "timings", "environment", "training", "identity_facts")
"""The order in which a person reads a record; other keys stay between the two as they were."""


def _ordered(data: Json) -> Json:
    middle = [k for k in data if k not in FIRST and k not in LAST]
    return {k: data[k] for k in (*FIRST, *middle, *LAST) if k in data}


def _renamed(method: str, parameters: Json) -> Json:
    names = RENAMED.get(method, {})
    return {names.get(k, k): v for k, v in parameters.items()}


def _parameters(data: Json) -> Json:
    """Returns the parameters that ran: today's names, presets filled in, and how pictures entered."""
    method = data["method"]
    parameters = _renamed(method, data.get("parameters", {}))
    preset = dict(PRESETS.get(method, {}).get(parameters.get("preset", ""), {}))
    if "train_size" in preset and parameters.get("size"):
        preset["train_size"] = parameters["size"]
    parameters |= {k: v for k, v in preset.items() if k in parameters and not parameters[k]}
    backbone = str(parameters.get("backbone", ""))
    if parameters.get("pooling") == "auto":
        parameters["pooling"] = "flatten" if backbone.startswith("conv4") else "average"
    if parameters.get("size") == 0:
        parameters["size"] = SIZES.get(backbone, 0)
    return {**ADDED.get(method, {}), **parameters}


def _typed(data: Json) -> Json:
    """Returns the parameters that were typed, by today's names.

    A frozen network has another view today where none is named, so that the one it had is named.
    """
    typed = _renamed(data["method"], data.get("parameters_set", {}))
    return {"view": "pad", **typed} if data["method"].startswith("pretrained-") else typed


def _command(data: Json) -> str:
    """Returns the command that asks for the same run today."""
    words = shlex.split(data["command"])
    for i, word in enumerate(words):
        if i and words[i - 1] == "--set":
            name, equals, value = word.partition("=")
            words[i] = RENAMED.get(data["method"], {}).get(name, name) + equals + value
    if data.get("seed"):
        words += ["--train-seed", str(data["seed"])]
    if data["method"] in PADDED:
        words += ["--set", "view=pad"]
    return shlex.join(words)


def _score(score: Json, queries: int, *, over_pictures: bool = False) -> Json:
    """Returns a score with both ends of its interval.

    ``over_pictures`` asks for Wilson's interval of an accuracy, of which schema 1 kept half the width alone, or
    nothing at all of a single episode.
    """
    mean, half, kind = score["mean"], score["ci95"], score["ci_kind"]
    centre = mean
    if over_pictures:
        kind = "over test pictures (Wilson)"
        centre = (mean + Z * Z / (2 * queries)) / (1 + Z * Z / queries)
        root = (mean * (1 - mean) / queries + (Z / (2 * queries)) ** 2) ** 0.5
        half = Z * root / (1 + Z * Z / queries)
    return {
        "mean": mean,
        "interval": None if half is None else [centre - half, centre + half],
        "kind": kind,
        "class_interval": score.get("class_interval"),
        "class_kind": score.get("class_ci_kind", ""),
    }


def _facts(data: Json) -> Json:
    """Returns what is known of a record's identity; schema 1 knew no source digest and no content of checkpoints."""
    training = data.get("training") or {}
    facts = ("dataset", "fingerprint", "unlabelled", "checkpoint", "weights")
    names = (
        "protocol",
        "episodes_sha256",
        "method",
        "method_distribution",
        "parameters",
        "train_seed",
        "device",
    )
    return {
        **{name: data.get(name) for name in (*names, "precision")},
        "training": {name: training[name] for name in facts if name in training},
        "versions": data.get("environment", {}).get("packages", {}),
    }
