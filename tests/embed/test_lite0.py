"""EfficientNet-Lite0: the packaged tensors under timm's names are the network that Google trained."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fewshot_bench.embed import lite0
from fewshot_bench.embed.torchvision_guard import import_timm
from fewshot_bench.embed.weights import read_state

GRANNY_SMITH = 948


@pytest.fixture(scope="module")
def network():
    """timm's network without weights."""
    with torch.random.fork_rng(devices=[]):
        return import_timm().create_model(lite0.TIMM_NAME).eval()


def test_mapping_by_name_equals_mapping_by_order(network):
    """The package's file happens to have timm's order: each name must meet the tensor in its place."""
    state = read_state(lite0.weights_file())
    mapped = lite0.timm_state(state)
    assert list(mapped) == list(network.state_dict())
    assert all(a is b for a, b in zip(mapped.values(), state.values(), strict=True))
    network.load_state_dict(mapped, strict=True)


def test_blocks_are_numbered_through_the_stages():
    places = [lite0._place(number) for number in range(16)]
    assert places[:6] == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    assert places[-2:] == [(5, 3), (6, 0)]
    with pytest.raises(ValueError, match="16 blocks"):
        lite0._place(16)


def test_timms_own_names_stay():
    assert lite0.timm_state({"conv_stem.weight": 1, "bn1.bias": 2}) == {"conv_stem.weight": 1, "bn1.bias": 2}


def test_it_recognises_granny_smith_apples(network):
    """ImageNet's class 948 on photographs of that apple; 98 % measured on all of them with this file."""
    if not os.environ.get("FSBENCH_DATA"):
        pytest.skip("FSBENCH_DATA is not set: no photographs to look at")
    folder = Path(os.environ["FSBENCH_DATA"]) / "grocery-store/dataset/test/Fruit/Apple/Granny-Smith"
    files = sorted(folder.glob("*.jpg"))[:6]
    if not files:
        pytest.skip("grocery-store is not in FSBENCH_DATA")
    network.load_state_dict(lite0.timm_state(read_state(lite0.weights_file())))
    pictures = np.stack([lite0.TRANSFORM.prepare(Image.open(file)) for file in files])
    with torch.inference_mode():
        top = network(lite0.TRANSFORM.normalise(torch.from_numpy(pictures))).argmax(1)
    assert (top == GRANNY_SMITH).sum() >= len(files) - 1
