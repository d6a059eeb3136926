"""Distortions: the right shape and range, the same for the same generator, each of them visible."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fewshot_bench.training.distort import Distortion, homography  # noqa: E402

NONE = Distortion(**{f.name: 1.05 if f.name == "area" else 0.0 for f in fields(Distortion)})


@pytest.fixture
def pictures():
    ticks = np.linspace(0, 1, 64, dtype=np.float32)
    picture = np.stack(
        [ticks[:, None] + 0 * ticks, ticks[None] + 0 * ticks[:, None], np.indices((64, 64)).sum(0) // 4 % 2]
    )
    return torch.from_numpy(np.stack([picture.astype(np.float32)] * 6))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shape_range_and_determinism(pictures):
    first = Distortion()(pictures, 48, generator())
    assert first.shape == (6, 3, 48, 48) and float(first.min()) >= 0 and float(first.max()) <= 1
    assert torch.equal(first, Distortion()(pictures, 48, generator()))
    assert not torch.equal(first, Distortion()(pictures, 48, generator(1)))
    assert not torch.equal(first[0], first[1])


def test_the_pictures_themselves_are_left_as_they_are(pictures):
    before = pictures.clone()
    Distortion()(pictures, 64, generator())
    assert torch.equal(pictures, before)


def test_without_any_strength_a_picture_is_only_resampled(pictures):
    same = NONE(pictures, 64, generator())
    assert float((same - pictures)[:, :2, 4:-4, 4:-4].abs().max()) < 0.06


@pytest.mark.parametrize(
    "change",
    [{"area": 0.3}, {"aspect": 0.5}, {"perspective": 0.3}, {"rotation": 0.5}, {"low_resolution": 1.0},
     {"light": 0.8}, {"colour": 0.3}, {"occlusion": 1.0}, {"jpeg": 1.0}, {"noise": 0.1}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_distortion_does_something(pictures, change):
    plain = NONE(pictures, 64, generator())
    strengths = {f.name: getattr(NONE, f.name) for f in fields(Distortion)} | change
    assert float((Distortion(**strengths)(pictures, 64, generator()) - plain).abs().mean()) > 1e-3


def test_a_homography_maps_corner_to_corner():
    rng = np.random.default_rng(0)
    source = torch.tensor([[[-1.0, -1], [1, -1], [1, 1], [-1, 1]]]).expand(5, 4, 2).double()
    target = source + torch.from_numpy(rng.uniform(-0.3, 0.3, (5, 4, 2)))
    points = torch.cat([source, torch.ones(5, 4, 1).double()], dim=2) @ homography(source, target).transpose(
        1, 2
    )
    assert torch.allclose(points[..., :2] / points[..., 2:], target, atol=1e-9)
