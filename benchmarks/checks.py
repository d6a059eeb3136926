"""``fsbench check`` of every method that is shipped: ``python -m benchmarks.checks [METHOD …]``.

Networks are as small and trainings as short as they can be: what is tried is the contract and no accuracy.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fewshot_bench as fb
from fewshot_bench.api import import_torchvision
from fewshot_bench.contract import registry
from fewshot_bench.errors import FsbenchError

FINE = {
    "backbone": "conv4-32", "pretrained": False, "size": 16, "epochs": 1, "least_steps": 40, "precision": "float32",
}  # fmt: skip
"""A network from scratch in place of the published one, which only starts elsewhere."""

MAML = {
    "channels": 4, "size": 16, "inner_steps": 2, "inner_lr": 0.1, "queries": 2, "epochs": 1, "iterations": 3,
    "validation": 4,
}  # fmt: skip
SIAMESE = {
    "backbone": "conv4-32", "pretrained": False, "size": 28, "train_size": 28, "epochs": 1, "samples": 64,
    "precision": "float32",
}  # fmt: skip
CLASSIFIER = {
    "backbone": "conv4-32", "size": 28, "epochs": 1, "steps": 3, "batch": 16, "validation_episodes": 3,
}  # fmt: skip
EPISODIC = {
    "backbone": "conv4-32", "size": 28, "train_ways": 4, "queries": 2, "epochs": 1, "episodes": 3,
    "validation_episodes": 3,
}  # fmt: skip
PRETRAINED = {**EPISODIC, "pretrain_epochs": 1}
STUDENT = {"preset": "quick", "size": 32, "teacher_epochs": 1, "student_epochs": 1, "steps": 2, "batch": 4}

SETTINGS: dict[str, dict[str, Any]] = {
    "alpha-tim": {},
    "anil": MAML,
    "baseline": CLASSIFIER,
    "baseline++": CLASSIFIER,
    "bd-cspn": {},
    "clip-probe": {},
    "clip-zero-shot": {},
    "deepemd": PRETRAINED,
    "ensemble": {**FINE, "n_networks": 2},
    "ensemble-resnet50": {**FINE, "n_networks": 2},
    "feat": PRETRAINED,
    "finetune": FINE,
    "finetune-resnet18": FINE,
    "finetune-resnet50": FINE,
    "finetune-resnext-wsl": FINE,
    "finetune-vgg16": FINE,
    "fomaml": MAML,
    "frn": {**EPISODIC, "size": 32},
    "gda": {},
    "hog-knn": {},
    "hog-mlp": {},
    "kernel-cache": {},
    "laplacianshot": {},
    "maml": MAML,
    "matchingnet": EPISODIC,
    "meta-baseline": PRETRAINED,
    "metaoptnet": EPISODIC,
    "metric": CLASSIFIER,
    "paddle": {},
    "pixels": {},
    "pretrained-knn": {},
    "pretrained-lr": {},
    "pretrained-proto": {},
    "protonet": EPISODIC,
    "pt-map": {},
    "r2d2": EPISODIC,
    "relationnet": EPISODIC,
    "ridge": {},
    "siamese-contrastive": SIAMESE,
    "siamese-triplet": SIAMESE,
    "simpleshot": {},
    "sklearn": {},
    "soft-kmeans": {},
    "student-lr": STUDENT,
    "teacher-lr": STUDENT,
    "tim": {},
    "tip-adapter": {},
    "transductive-finetune": {},
    "whitened-lr": {"max_images": 64},
    "whitened-proto": {"max_images": 64},
}  # fmt: skip
"""Each method -> the parameters with which it is checked."""


CLIP = ("clip-probe", "clip-zero-shot", "tip-adapter")
"""Methods that are checked on a tiny network of open_clip with weights drawn at random."""

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
"""The settings of that network."""


def tiny_clip(folder: Path) -> dict[str, Any]:
    """Writes a tiny network of open_clip; returns the parameters that name it. FsbenchError without open_clip."""
    torch = importlib.import_module("torch")
    import_torchvision()
    try:
        open_clip = importlib.import_module("open_clip")
    except ImportError as error:
        raise FsbenchError(f"it is not tried without open_clip ({error})") from error
    torch.manual_seed(0)
    (folder / "tiny.json").write_text(json.dumps(TINY), encoding="utf-8")
    torch.save(open_clip.CLIP(**TINY).state_dict(), folder / "tiny.pth")
    return {"model": str(folder / "tiny.json"), "weights": str(folder / "tiny.pth")}


def row(name: str) -> tuple[str, bool]:
    """Returns one line of the table of a method, and whether it keeps its contract."""
    began = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as place:
            files = tiny_clip(Path(place)) if name in CLIP else {}
            report = fb.check(
                name, queries=2, episodes=2, parameters={**SETTINGS[name], **files}, device="cpu"
            )
    except FsbenchError as error:
        return f"| {name} | cannot be set up: {error} | | | | |", False
    counts = Counter(trial.verdict for trial in report.trials)
    told = "; ".join(f"{t.check}: {t.text}" for t in report.trials if t.verdict not in ("holds", "skipped"))
    seconds = time.perf_counter() - began
    numbers = " | ".join(str(counts[verdict]) for verdict in ("holds", "skipped", "expected", "fails"))
    return f"| {name} | {numbers} | {seconds:.0f} | {told} |", report.sound


def main(names: Sequence[str]) -> int:
    """Prints the table of some methods, of all where none is named; returns 1 where one breaks its contract."""
    print("| method | holds | does not apply | expected to fail | fails | s | what is told |")
    print("|---|---|---|---|---|---|---|")
    sound = True
    for name in names or sorted(set(registry.entries(registry.METHODS)) & set(SETTINGS)):
        line, kept = row(name)
        sound &= kept
        print(line, flush=True)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
