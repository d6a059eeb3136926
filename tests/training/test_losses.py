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


def library_losses(kind: str, vectors: torch.Tensor, tuples: tuple, margin: float) -> torch.Tensor:
    """pytorch-metric-learning's losses, one a pair or triplet, in the order given."""
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, losses, reducers

    options = {
        "distance": distances.LpDistance(normalize_embeddings=False, p=2, power=1),
        "reducer": reducers.DoNothingReducer(),
    }
    if kind == "triplet":
        loss = losses.TripletMarginLoss(margin=margin, swap=False, smooth_loss=False, **options)
        return loss(vectors, indices_tuple=tuples)["loss"]["losses"]
    loss = losses.ContrastiveLoss(pos_margin=0, neg_margin=margin, **options)
    found = loss(vectors, indices_tuple=tuples)
    return torch.cat([found["pos_loss"]["losses"], found["neg_loss"]["losses"]])


@pytest.mark.parametrize("margin", [0.5, 2.0, 20.0])
@pytest.mark.parametrize("kind", ["contrastive", "triplet"])
def test_losses_and_gradients_equal_pytorch_metric_learning_s(kind, margin):
    random = torch.Generator().manual_seed(0)
    ours = (torch.randn(90, 16, generator=random, dtype=torch.float64) * 2).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    a, b, c = torch.arange(30), torch.arange(30, 60), torch.arange(60, 90)
    if kind == "triplet":
        losses = triplet(ours[a], ours[b], ours[c], margin)
        known = library_losses(kind, theirs, (a, b, c), margin)
    else:
        same = torch.arange(60) < 30
        losses = contrastive(ours[torch.cat([a, a])], ours[torch.cat([b, c])], same, margin)
        known = library_losses(kind, theirs, (a, b, a, c), margin)
    assert torch.allclose(losses, known, atol=1e-9) and float((known > 0).double().mean()) > 0
    hardest(losses, 0.5).backward()
    hardest(known, 0.5).backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-9)


def test_close_pairs_keep_their_digits_where_the_library_s_matrix_of_distances_loses_them():
    random = torch.Generator().manual_seed(0)
    vectors = 0.5 + 0.05 * torch.randn(200, 256, generator=random)  # as sigmoids of a network at its start
    vectors[100:] = vectors[:100] + 1e-4 * torch.randn(100, 256, generator=random)
    a, b = torch.arange(100), torch.arange(100, 200)
    exact = (vectors[a].double() - vectors[b].double()).norm(dim=1)
    known = library_losses("contrastive", vectors, (a, b, a[:1], b[:1]), 2.0)[:100]
    ours = contrastive(vectors[a], vectors[b], torch.ones(100, dtype=torch.bool), 2.0)
    assert float((ours / exact - 1).abs().max()) < 1e-5
    assert float((known / exact - 1).abs().max()) > 1e-2
