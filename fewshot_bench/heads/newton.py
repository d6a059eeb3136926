"""Multinomial logistic regression of many episodes at once, by Newton's method with conjugate gradients.

One episode minimises, over Θ [R, N] (the last row is the intercept, which carries no penalty),

    J(Θ) = Σ_i w_i (log Σ_k exp l_ik − l_i,y(i)) + ½ Σ_r<R ‖Θ_r‖²,   l = A Θ,

with A [S, R] the support's coordinates and a column of ones. On principal axes the columns of A are
orthogonal, so that the Hessian with all samples alike is diagonal: the preconditioner. Each episode stops
by its own tolerance, and its numbers do not depend on its neighbours in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

FORCING = 0.1
"""Conjugate gradients reduce the residual of a Newton system to this share (inexact Newton)."""

INNER_STEPS = 100
"""The largest number of conjugate-gradient steps of one Newton system."""

HALVINGS = 40
"""The largest number of halvings of a Newton step."""

SATURATED = 1e-20
"""The least curvature of an intercept, reached where every probability is 0 or 1."""

STRIDE = 8.0
"""A Newton step adds at most this to the largest logit, or doubles it: beyond, probabilities saturate and J loses
its curvature.
"""

ARMIJO = 1e-4
"""A step is kept when J falls by at least this share of what its slope promises, up to ``ROUNDING``."""

ROUNDING = 1e-12
"""The rounding error of J, as a share of J."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A batch of e episodes on principal axes.

    Parameters
    ----------
    axes : float64 [e, S, R], coordinates A, zero for padded samples; the last column is the intercept's.
    energy : float64 [e, R], sums of squares of the columns of A.
    label : int64 [e, S], class of each sample, 0 … N−1.
    weight : float64 [e, S], weight w of each sample's loss (C), 0 for padded samples.
    barrier : float64 [e, 1, N], added to the logits: 0, or −inf for padded classes.
    tolerance : float64 [e], an episode stops when ‖∇J‖₂ is no greater.
    """

    axes: Tensor
    energy: Tensor
    label: Tensor
    weight: Tensor
    barrier: Tensor
    tolerance: Tensor

    def take(self, keep: Tensor) -> Problem:
        """Returns the problem of the episodes ``keep``."""
        return Problem(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Solution:
    """What the minimiser reached in each episode.

    ``residual [e, S, N]`` is w (y − p), ``intercept [e, N]`` the intercept, ``gradient [e]`` the norm ‖∇J‖₂
    there, and ``iterations [e]`` the number of Newton steps.
    """

    residual: Tensor
    intercept: Tensor
    gradient: Tensor
    iterations: Tensor


@dataclass(frozen=True, eq=False)
class _Point:
    """Parameters ``theta [e, R, N]``, their ``logits [e, S, N]``, ``probability`` and ``objective [e]``."""

    theta: Tensor
    logits: Tensor
    probability: Tensor
    objective: Tensor

    def take(self, keep: Tensor) -> _Point:
        return _Point(self.theta[keep], self.logits[keep], self.probability[keep], self.objective[keep])


def minimise(problem: Problem, max_iter: int) -> Solution:
    """Minimises J of every episode from Θ = 0 and returns the solution; J is convex and every step lowers it."""
    import torch

    e, samples, width = problem.axes.shape
    ways = problem.barrier.shape[-1]
    zeros = problem.axes.new_zeros
    solution = Solution(
        zeros(e, samples, ways), zeros(e, ways), zeros(e), torch.zeros_like(problem.label[:, 0])
    )
    active = torch.arange(e, device=problem.axes.device)
    point = _evaluate(problem, zeros(e, width, ways), zeros(e, samples, ways))
    for iteration in range(max_iter + 1):
        residual = _residual(problem, point.probability)
        gradient = -(problem.axes.mT @ residual)
        gradient[:, :-1] += point.theta[:, :-1]
        length = gradient.square().sum((1, 2)).sqrt()
        done = (length <= problem.tolerance) | (iteration == max_iter)
        if bool(done.any()):
            ended = active[done]
            solution.residual[ended] = residual[done]
            solution.intercept[ended] = point.theta[done, -1]
            solution.gradient[ended] = length[done]
            solution.iterations[ended] = iteration
            active, gradient = active[~done], gradient[~done]
            problem, point = problem.take(~done), point.take(~done)
        if len(active) == 0:
            break
        step = _newton_step(problem, point.probability, gradient)
        point = _line_search(problem, point, step, (gradient * step).sum((1, 2)))
    return solution


def _residual(problem: Problem, probability: Tensor) -> Tensor:
    """Returns w (y − p), minus the gradient of the loss in the logits; 1 − p_y is summed, to keep its digits near 0."""
    label = problem.label.unsqueeze(2)
    others = (problem.weight.unsqueeze(2) * probability).scatter_(2, label, 0)
    return others.neg().scatter_(2, label, others.sum(2, keepdim=True))


def _evaluate(problem: Problem, theta: Tensor, logits: Tensor) -> _Point:
    """Returns the probabilities and J at parameters whose logits are known."""
    masked = logits + problem.barrier
    top = masked.amax(2, keepdim=True)
    probability = (masked - top).exp_()
    total = probability.sum(2, keepdim=True)
    probability /= total
    loss = (total.log_() + top - logits.gather(2, problem.label.unsqueeze(2))).squeeze(2)
    penalty = theta[:, :-1].square().sum((1, 2)) / 2
    return _Point(theta, logits, probability, (loss * problem.weight).sum(1) + penalty)


def _newton_step(problem: Problem, probability: Tensor, gradient: Tensor) -> Tensor:
    """Returns the direction D with ∇²J D ≈ −∇J, by conjugate gradients in float32.

    A direction needs few digits. With U = A D and the penalty P, the Hessian applied to D is P(D) + Aᵀ [w p ∘ (U
    − Σ_k p_k U_k)]. Its preconditioner takes p(1 − p) as its mean over samples and classes.
    """
    import torch

    axes, p = problem.axes.float(), probability.float()
    weight = problem.weight.unsqueeze(2)
    classes = (problem.barrier == 0).sum((1, 2)).clamp_min(2)
    samples = (problem.weight > 0).sum(1)
    spread = (weight * probability * (1 - probability)).sum((1, 2)) / (samples * (classes - 1))
    diagonal = spread.unsqueeze(1) * problem.energy
    diagonal[:, :-1] += 1
    inverse = (1 / diagonal.clamp_min(SATURATED)).float().unsqueeze(2)
    scale = gradient.abs().amax((1, 2), keepdim=True)
    weighted = (weight * probability).float()
    likely = p.argmax(2, keepdim=True)

    residual = (-gradient / scale).float()
    step = torch.zeros_like(residual)
    preconditioned = residual * inverse
    direction = preconditioned.clone()
    size = (residual * preconditioned).sum((1, 2))
    enough = size * FORCING**2
    for _ in range(INNER_STEPS):
        change = axes @ direction
        change = weighted * (change - change.gather(2, likely))
        change.addcmul_(p, change.sum(2, keepdim=True), value=-1)
        image = axes.mT @ change
        image[:, :-1] += direction[:, :-1]
        curvature = (direction * image).sum((1, 2))
        length = torch.where((size > enough) & (curvature > 0), size / curvature, 0)[:, None, None]
        step.addcmul_(length, direction)
        residual.addcmul_(length, image, value=-1)
        preconditioned = residual * inverse
        before, size = size, (residual * preconditioned).sum((1, 2))
        if not bool((size > enough).any()):
            break
        ratio = torch.where(before > 0, size / before, 0)[:, None, None]
        direction.mul_(ratio).add_(preconditioned)
    return step.double() * scale


def _line_search(problem: Problem, start: _Point, step: Tensor, slope: Tensor) -> _Point:
    """Returns, for each episode, the longest of the steps 1, ½, ¼, … of the reach that lowers J enough."""
    import torch

    change = problem.axes @ step
    reach = STRIDE + start.logits.abs().amax((1, 2))
    length = (reach / change.abs().amax((1, 2))).clamp_max(1)
    slack = ROUNDING * (1 + start.objective)
    for _ in range(HALVINGS):
        by = length[:, None, None]
        point = _evaluate(
            problem, torch.addcmul(start.theta, by, step), torch.addcmul(start.logits, by, change)
        )
        high = ~(point.objective <= start.objective + ARMIJO * length * slope + slack)
        if not bool(high.any()):
            break
        length = torch.where(high, length / 2, length)
    return point
