"""LCA as one weighted sum equals pooling over every window, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.embed.pooling import POOLINGS, average_weights, lca_weights, pool
from fewshot_bench.errors import UsageError

torch = pytest.importorskip("torch")
SIZES = [(n, n) for n in range(2, 15)] + [(2, 14), (14, 2), (1, 7), (7, 1), (5, 9), (13, 8)]


def by_every_window(features, weighting):
    """LCA as its definition says: average-pool over every window larger than one cell, then average."""
    h, w = features.shape[2:]
    concepts = [
        torch.nn.functional.avg_pool2d(features, (a, b), stride=1).flatten(2)
        for a in range(1, h + 1)
        for b in range(1, w + 1)
        if (a, b) != (1, 1)
    ]
    if weighting == "window":
        return torch.cat(concepts, dim=2).mean(2)
    return torch.stack([c.mean(2) for c in concepts]).mean(0)


@pytest.mark.parametrize(("h", "w"), SIZES)
@pytest.mark.parametrize("weighting", ["size", "window"])
def test_one_weighted_sum_equals_every_window(h, w, weighting):
    features = torch.from_numpy(np.random.default_rng(h * 100 + w).normal(size=(2, 3, h, w)))
    expected = by_every_window(features, weighting)
    weights = torch.from_numpy(lca_weights(h, w, weighting))
    assert torch.allclose((features * weights).sum((2, 3)), expected, atol=1e-12)
    kind = "lca" if weighting == "size" else "lca-window"
    assert (pool(features.float(), kind) - expected).abs().max() < 1e-6


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from(["size", "window"]))
def test_weights_are_a_symmetric_distribution(h, w, weighting):
    weights = lca_weights(h, w, weighting)
    assert weights.shape == (h, w) and weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(weights, lca_weights(w, h, weighting).T, atol=1e-15)


def test_weights_by_hand():
    """2×1: the one window larger than a cell is the map. 3×1: windows 01, 12 and 012."""
    np.testing.assert_allclose(lca_weights(2, 1), [[1 / 2], [1 / 2]])
    np.testing.assert_allclose(lca_weights(3, 1)[:, 0], [(1 / 4 + 1 / 3) / 2, (1 / 2 + 1 / 3) / 2, 7 / 24])
    np.testing.assert_allclose(
        lca_weights(3, 1, "window")[:, 0], [(1 / 2 + 1 / 3) / 3, (1 + 1 / 3) / 3, (1 / 2 + 1 / 3) / 3]
    )


def test_a_map_of_one_cell_is_its_own_concept():
    features = torch.arange(6.0).reshape(2, 3, 1, 1)
    for kind in POOLINGS:
        assert torch.equal(pool(features, kind), features[:, :, 0, 0])


def test_average_is_the_mean_of_the_cells():
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 4, 5)))
    expected = (features * torch.from_numpy(average_weights(4, 5))).sum((2, 3))
    assert torch.allclose(pool(features, "average").double(), expected, atol=1e-6)


@pytest.mark.parametrize("kind", POOLINGS)
def test_gradients_pass_after_use_in_inference_mode(kind):
    features = torch.ones(1, 2, 3, 3)
    with torch.inference_mode():
        pool(features, kind)
    features.requires_grad_()
    pool(features, kind).sum().backward()
    assert features.grad.sum() == pytest.approx(2.0 if kind != "flatten" else 18.0)


@pytest.mark.parametrize("kind", POOLINGS)
def test_half_precision_maps_are_summed_in_float32(kind):
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 7, 7))).bfloat16()
    assert pool(features, kind).dtype == torch.float32
    assert torch.equal(pool(features, kind), pool(features.float(), kind))


@pytest.mark.parametrize("kind", POOLINGS)
def test_autocast_of_the_caller_changes_nothing(kind):
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 30, 7, 7)).astype(np.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = pool(features, kind)
        assert (features.flatten(1) @ features.flatten(1).T).dtype == torch.bfloat16, "autocast is at work"
    assert inside.dtype == torch.float32
    assert torch.equal(inside, pool(features, kind))


def test_an_unknown_pooling_is_a_usage_error():
    with pytest.raises(UsageError, match="'max'.*average, lca, lca-window"):
        pool(torch.ones(1, 1, 2, 2), "max")


def test_flatten_keeps_every_cell_of_every_channel():
    features = torch.arange(24.0).reshape(2, 3, 2, 2)
    assert torch.equal(pool(features, "flatten"), torch.arange(24.0).reshape(2, 12))
