"""Methods of the plugins, and a recogniser, on a GPU: heads answer as on the CPU, trainings repeat themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import fewshot_bench as fb
from benchmarks.checks import SETTINGS
from fewshot_bench.contract.context import Context
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.metrics import predictions

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]

HEADS = (
    *(
        "alpha-tim",
        "bd-cspn",
        "gda",
        "kernel-cache",
        "laplacianshot",
        "paddle",
        "pt-map",
        "ridge",
        "simpleshot",
    ),
    *("soft-kmeans", "tim", "transductive-finetune"),
)


def episodes(shots: int, *, ragged: bool) -> tuple[torch.Tensor, Tasks]:
    """Embeddings ``[600, 256]`` that overlap a little, and forty 5-way episodes; ``ragged``: of unequal supports."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 1, 256))
    table = (centres + 1.5 * rng.normal(size=(60, 10, 256))).reshape(600, 256).astype(np.float32)
    rows = rng.random((40, 60)).argsort(1)[:, :5, None] * 10 + rng.random((40, 5, 10)).argsort(2)
    support, query = rows[..., :shots].copy(), rows[..., 5:].reshape(40, -1).copy()
    if ragged:
        support[np.arange(shots) >= rng.integers(1, shots + 1, (40, 5, 1))] = -1
    return torch.from_numpy(table), Tasks(support, query)


@pytest.mark.parametrize("ragged", [False, True], ids=["equal", "unequal"])
@pytest.mark.parametrize("shots", [1, 5])
@pytest.mark.parametrize("name", HEADS)
def test_a_head_answers_as_on_the_cpu_and_twice_the_same(
    name: str, shots: int, ragged: bool, tmp_path: Path
) -> None:
    method = ready(name, tmp_path)
    table, tasks = episodes(shots, ragged=ragged)
    there, again = (method.head.scores(table.cuda(), tasks)[0].cpu() for _ in range(2))
    assert torch.equal(there, again)
    here = method.head.scores(table, tasks)[0]
    asked = tasks.query >= 0
    same = predictions(there.numpy(), asked) == predictions(here.numpy(), asked)
    assert same.mean() >= 0.995


def ready(name: str, cache: Path) -> Any:
    """Returns a method that is ready."""
    method, _ = method_of(Request(name, ""))
    method.setup(Context(device="cuda", seed=0, cache=cache))
    return method


TRAINED = (
    *(
        "baseline",
        "baseline++",
        "deepemd",
        "feat",
        "frn",
        "matchingnet",
        "meta-baseline",
        "metaoptnet",
        "metric",
    ),
    *("r2d2", "relationnet"),
)


@pytest.mark.parametrize("method", TRAINED)
def test_a_training_repeats_itself_to_the_byte(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(number: int) -> fb.Record:
        monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / str(number)))
        return fb.run(
            method, "packshots", ways=3, queries=2, episodes=10, parameters=SETTINGS[method], device="cuda"
        )

    assert trained(0).scores_sha256 == trained(1).scores_sha256


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(0)
    looks = rng.integers(30, 220, (8, 6, 6, 3)).repeat(4, axis=1).repeat(4, axis=2)
    for c in range(8):
        for i in range(7):
            noisy = np.clip(looks[c] + rng.integers(-40, 41, looks[0].shape), 0, 255).astype(np.uint8)
            path = tmp_path / ("new" if i > 3 else "shop") / f"product {c}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noisy).save(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("method", ["pretrained-lr", "pretrained-proto", "pretrained-knn"])
def test_a_recogniser_of_a_gpu_answers_as_that_of_the_cpu(shop: Path, method: str) -> None:
    found = []
    for device in ("cpu", "cuda"):
        made = fb.fit("shop", method, device=device)
        made.save(f"{device}.fsb")
        found.append(made.predict("new").frame())
        kept = fb.load(f"{device}.fsb", device="cuda").predict("new").frame()
        assert (kept["class_1"] == found[-1]["class_1"]).all()
    assert (found[0]["class_1"] == found[1]["class_1"]).all() and (
        found[0]["nearest"] == found[1]["nearest"]
    ).all()
    assert np.abs(found[0]["similarity"] - found[1]["similarity"]).max() < 1e-3
    column = next(name for name in found[0] if name.startswith(("probability_1", "score_1")))
    assert np.abs(found[0][column] - found[1][column]).max() < 2e-2


def test_decide_says_on_a_gpu_what_it_says_on_the_cpu(shop: Path) -> None:
    first, second = (
        fb.decide("shop", on="new", backbones=(), device=device).facts for device in ("cpu", "cuda")
    )
    assert first["method"] == second["method"]
    for name, value in first["accuracies"].items():
        assert second["accuracies"][name] == pytest.approx(value, abs=0.05)
    assert second["on"]["accuracy"]["value"] == pytest.approx(first["on"]["accuracy"]["value"], abs=0.05)
    json.dumps(second)
