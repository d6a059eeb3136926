"""Multinomial logistic regression, exact, on thousands of episodes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads.axes import Dual, Primal, principal_axes
from fewshot_bench.heads.gather import indices, inner_products
from fewshot_bench.heads.newton import Problem, minimise

if TYPE_CHECKING:
    from torch import Tensor

SOLVER_ARRAYS = 16
"""Episodes are solved together while this many of their [S, S + N] float64 arrays fit the working memory."""

PRODUCT_ERROR = 0.1
"""The share of ``tol`` that rounding may cost: a logit is Σ α_i x_i·q with no |α_i| above C max b_i."""

GRADIENT_ERROR = 1e-14
"""Rounding error of ∇J as a share of C S R, S = Σ b_i: no episode is asked for less (it matters where C R² > 1e9)."""

CELLS = 10**8
"""The most products of classes and support images of an episode: the solver holds some ten float64 arrays of that."""


def too_many(ways: int, shots: int) -> bool:
    """Returns whether so many classes of so many support images are more than the solver takes at once."""
    return ways * ways * shots > CELLS


def require_room(ways: int, shots: int) -> None:
    """Raises FsbenchError where there are ``too_many``."""
    if too_many(ways, shots):
        raise FsbenchError(
            f"Logistic regression does not take {ways:,} classes of up to {shots} support images at once: it would "
            "need hours and tens of gigabytes. Take nearest mean, such as --method pretrained-proto."
        )


@dataclass(frozen=True)
class LogisticRegression:
    """L2-regularised multinomial logistic regression with scikit-learn's objective and probabilities.

    It minimises J = C Σ_i −b_i log p(y_i | x_i) + ½ ‖W‖² over W [D, N] and an unpenalised intercept. Classes
    count alike, however many of the S support images are theirs: b_i = S / (N K), K the images of the class of i, is
    1 where all have equally many (scikit-learn's ``class_weight="balanced"``; King, Zeng: Logistic Regression in
    Rare Events Data, 2001). For two classes, scikit-learn penalises one weight vector, the difference of our two;
    this equals halving C. At the minimum W = C Σ_i b_i x_i (y_i − p_i)ᵀ lies in the span of the support (the
    representer theorem). So the problem is solved in the support's principal axes, and queries enter by their inner
    products with the support.

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

        require_room(tasks.ways, tasks.shots)
        largest = float(balance(torch.from_numpy(tasks.support)).max())
        error = PRODUCT_ERROR * self.tol / self.C / largest
        inner = inner_products(table, tasks, normalize=self.normalize, error=error)
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

    def fitted(self, table: Tensor, support: NDArray[np.int64]) -> FittedRegression:
        """Returns the solution for one episode's support, rows ``[N, K]`` of ``table [M, D]`` with −1 for padding.

        It gives any query the probabilities of ``scores``, without solving anew. With α = w (y − p) and the support's
        mean m, W = Σ_i α_i (x_i − m)ᵀ. Raises FsbenchError for a class without support.
        """
        if not (support >= 0).any(1).all():
            raise FsbenchError("Every class of a fitted regression needs a support image.")
        require_room(*support.shape)
        tasks = Tasks(support[None], np.zeros((1, 0), dtype=np.int64))
        error = PRODUCT_ERROR * self.tol / self.C
        inner = inner_products(table, tasks, normalize=self.normalize, error=error, gram=False)
        rows = indices(tasks, table.device)[0]
        solution = minimise(self._problem(principal_axes(inner, rows.flatten(1)), rows), self.max_iter)
        present = rows.flatten() >= 0
        features = inner.rows(rows.flatten()[present])
        mean = features.mean(0)
        weight = (features - mean).mT @ solution.residual[0, present]
        return FittedRegression(weight, solution.intercept[0] - mean @ weight, self.normalize)

    def restored(self, arrays: dict[str, NDArray[Any]]) -> FittedRegression:
        """Returns a solution of this head from its ``arrays``."""
        import torch

        weight, bias = (torch.from_numpy(np.ascontiguousarray(arrays[name])) for name in ("weight", "bias"))
        return FittedRegression(weight, bias, self.normalize)

    def _problem(self, support: Dual | Primal, rows: Tensor) -> Problem:
        """Returns the minimisation problem of the episodes whose support is ``rows [e, N, K]``."""
        import torch

        e, ways, shots = rows.shape
        present = (rows >= 0).flatten(1).double()
        absent = (rows < 0).all(2)
        strength = torch.where((~absent).sum(1, keepdim=True) == 2, self.C / 2, self.C)
        strength = strength * balance(rows).repeat_interleave(shots, 1)
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


def balance(rows: Tensor) -> Tensor:
    """Returns S / (N K), float64 ``[e, N]``, of support ``rows [e, N, K]`` (−1: padding), and 1 for padded classes.

    S counts the images of an episode, N its classes, K those of a class; with equal K it is 1 to the last bit.
    """
    import torch

    counts = (rows >= 0).sum(2).double()
    classes = (counts > 0).sum(1, keepdim=True)
    return torch.where(counts > 0, counts.sum(1, keepdim=True) / (classes * counts).clamp_min(1), 1)


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A logistic regression whose support is done with: ``weight`` float64 [D, N], ``bias`` float64 [N].

    With ``normalize`` an embedding is divided by its length first.
    """

    weight: Tensor
    bias: Tensor
    normalize: bool

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns ``weight`` and ``bias``, for ``LogisticRegression.restored``."""
        return {"weight": self.weight.cpu().numpy(), "bias": self.bias.cpu().numpy()}

    def __call__(self, queries: Tensor) -> Tensor:
        """Returns the probabilities of embeddings ``[Q, D]`` as float32 ``[Q, N]``."""
        features = queries.double()
        if self.normalize:
            length = features.norm(dim=1, keepdim=True)
            features = features / length.clamp_min(1e-300)
        return (features @ self.weight + self.bias).softmax(1).float()
