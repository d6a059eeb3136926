"""Multinomial logistic regression, exact, on thousands of episodes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.axes import Dual, Primal, principal_axes
from fewshot_bench.heads.gather import indices, inner_products
from fewshot_bench.heads.newton import Problem, minimise

if TYPE_CHECKING:
    from torch import Tensor

SOLVER_ARRAYS = 16
"""Episodes are solved together while this many of their [S, S + N] float64 arrays fit the working memory."""

PRODUCT_ERROR = 0.1
"""The share of ``tol`` that rounding may cost: a logit is Σ α_i x_i·q with no |α_i| above C."""

GRADIENT_ERROR = 1e-14
"""Rounding error of ∇J as a share of C N·K R: no episode is asked for less (it matters where C R² > 1e9)."""


@dataclass(frozen=True)
class LogisticRegression:
    """L2-regularised multinomial logistic regression with scikit-learn's objective and probabilities.

    It minimises J = C Σ_i −log p(y_i | x_i) + ½ ‖W‖² over W [D, N] and an unpenalised intercept. For two
    classes, scikit-learn penalises one weight vector, the difference of our two; this equals halving C. At the
    minimum W = C Σ_i x_i (y_i − p_i)ᵀ lies in the span of the support (the representer theorem). So the problem
    is solved in the support's principal axes, and queries enter by their inner products with the support.

    Parameters
    ----------
    C : inverse strength of the penalty, above 0.
    tol : how far a probability may be from that of the minimum, above 0. J is 1-strongly convex in W, hence
        ‖W − W*‖ ≤ ‖∇J‖; an episode stops at ‖∇J‖₂ ≤ tol / R, R² = 1 + max ‖x_i − mean‖² over its support.
    max_iter : the largest number of Newton steps of an episode, at least 1.
    normalize : whether each embedding is divided by its length first.

    Raises UsageError for other values.
    """

    C: float = 1.0
    tol: float = 1e-3
    max_iter: int = 100
    normalize: bool = False

    def __post_init__(self) -> None:
        for name, value in (("C", self.C), ("tol", self.tol)):
            if not 0 < value < float("inf"):
                raise UsageError(f"Logistic regression needs {name} above 0, not {value}.")
        if self.max_iter < 1:
            raise UsageError(f"Logistic regression needs max_iter of at least 1, not {self.max_iter}.")

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns probabilities: ``table [M, D]`` -> float32 ``[E, Q, N]``, −inf for padded classes.

        Equal calls give equal bytes; another block size or number of threads may round otherwise. The
        dictionary has for each episode [E] ``iterations`` (Newton steps), ``not_converged`` (whether it stopped
        short of its tolerance) and ``gradient_norm`` (‖∇J‖₂ at the end).
        """
        import torch

        inner = inner_products(
            table, tasks, normalize=self.normalize, error=PRODUCT_ERROR * self.tol / self.C
        )
        support, query = indices(tasks, table.device)
        scores = torch.empty(*query.shape, tasks.ways, device=table.device)
        report: dict[str, list[Tensor]] = {"iterations": [], "not_converged": [], "gradient_norm": []}
        samples = tasks.ways * tasks.shots
        episodes = max(1, inner.memory // (8 * SOLVER_ARRAYS * samples * (samples + tasks.ways)))
        for start in range(0, len(tasks), episodes):
            part = slice(start, start + episodes)
            axes = principal_axes(inner, support[part].flatten(1))
            problem = self._problem(axes, support[part])
            solution = minimise(problem, self.max_iter)
            bias = (solution.intercept.unsqueeze(1) + problem.barrier).mT
            queries = max(1, 4 * inner.memory // (inner.cost(tasks.ways, tasks.shots)[1] * len(bias)))
            for first in range(0, query.shape[1], queries):
                rows = slice(first, first + queries)
                logits = (axes.evaluate(solution.residual, query[part, rows]) + bias).float()
                odds = (logits - logits.amax(1, keepdim=True)).exp_()
                scores[part, rows] = (odds / odds.sum(1, keepdim=True)).mT
            if tasks.ragged:
                scores[part].masked_fill_(problem.barrier < 0, -float("inf"))
            report["iterations"].append(solution.iterations)
            report["not_converged"].append(~(solution.gradient <= problem.tolerance))
            report["gradient_norm"].append(solution.gradient)
        return scores, {key: torch.cat(parts).cpu().numpy() for key, parts in report.items()}

    def _problem(self, support: Dual | Primal, rows: Tensor) -> Problem:
        """Returns the minimisation problem of the episodes whose support is ``rows [e, N, K]``."""
        import torch

        e, ways, shots = rows.shape
        present = (rows >= 0).flatten(1).double()
        absent = (rows < 0).all(2)
        strength = torch.where((~absent).sum(1, keepdim=True) == 2, self.C / 2, self.C)
        radius = (1 + support.axes.square().sum(2).amax(1)).sqrt()
        return Problem(
            axes=torch.cat([support.axes, present.unsqueeze(2)], 2),
            energy=torch.cat([support.energy, present.sum(1, keepdim=True)], 1),
            label=torch.arange(ways, device=rows.device).repeat_interleave(shots).expand(e, -1),
            weight=strength * present,
            barrier=torch.zeros_like(absent, dtype=torch.float64).masked_fill_(absent, -float("inf"))[
                :, None
            ],
            tolerance=torch.maximum(self.tol / radius, GRADIENT_ERROR * self.C * present.sum(1) * radius),
        )
