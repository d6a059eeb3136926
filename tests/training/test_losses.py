"""Losses and mining against hand-made numbers and a slow obvious reference."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fewshot_bench.training.losses import contrastive, distance, hardest, triplet  # noqa: E402


def test_contrastive_on_hand_made_numbers():
    a = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    b = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.6, 0.8], [1.0, 1.0]])
    same = torch.tensor([True, False, False, True])
    # d = 5, 5, 1, 0: a positive costs d itself (not 25), a negative beyond the margin nothing
    losses = contrastive(a, b, same, margin=2.0)
    assert torch.allclose(losses, torch.tensor([5.0, 0.0, 1.0, 0.0]), atol=1e-5)


def test_losses_equal_a_slow_reference():
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(50, 7)) for _ in range(3))
    same = rng.random(50) < 0.5
    slow_c, slow_t = [], []
    for i in range(50):
        d, n = math.dist(a[i], b[i]), math.dist(a[i], c[i])
        slow_c.append(d if same[i] else max(0.0, 3.0 - d))
        slow_t.append(max(0.0, d + 0.5 - n))
    ta, tb, tc = (torch.from_numpy(x) for x in (a, b, c))
    assert np.allclose(contrastive(ta, tb, torch.from_numpy(same), 3.0).numpy(), slow_c)
    assert np.allclose(triplet(ta, tb, tc, 0.5).numpy(), slow_t)


@pytest.mark.parametrize(("share", "kept"), [(0.5, 2), (0.1, 1), (0.51, 3), (1.0, 4)])
def test_mining_keeps_the_largest_losses_and_only_their_gradient(share, kept):
    losses = torch.tensor([1.0, 4.0, 3.0, 2.0], requires_grad=True)
    mean = hardest(losses, share)
    mean.backward()
    assert float(mean.detach()) == pytest.approx(sum([4.0, 3.0, 2.0, 1.0][:kept]) / kept)
    assert int((losses.grad > 0).sum()) == kept
    assert float(losses.grad.sum()) == pytest.approx(1.0)


def test_the_gradient_at_distance_zero_is_zero_and_not_nan():
    a = torch.ones(1, 3, requires_grad=True)
    distance(a, torch.ones(1, 3)).sum().backward()
    assert torch.equal(a.grad, torch.zeros(1, 3))


def test_a_step_pulls_a_positive_together_and_pushes_a_negative_apart():
    a = torch.tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    b = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    same = torch.tensor([True, False])
    contrastive(a, b, same, margin=2.0).sum().backward()
    moved = a.detach() - 0.1 * a.grad
    before, after = distance(a.detach(), b), distance(moved, b)
    assert after[0] < before[0] and after[1] > before[1]
