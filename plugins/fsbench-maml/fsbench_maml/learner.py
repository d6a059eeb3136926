"""The same inner loop by learn2learn, which is used where it is installed and asked for."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import UsageError, import_torchvision
from fsbench_maml.config import Rule
from fsbench_maml.network import features, linear, start
from fsbench_maml.scores import answer

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

RECIPE = (
    "pip install 'fsbench-maml[learn2learn]', then pip install --use-pep517 --no-deps -r learn2learn.txt, a file "
    'with the line: learn2learn==0.2.0 --config-settings "--build-option=build_ext"'
)


def learn2learn() -> Any:
    """Returns the package; UsageError, with the recipe, where it cannot be imported."""
    import_torchvision()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # gym says there that it is not maintained
            import learn2learn
    except ImportError as error:
        raise UsageError(
            f"backend=learn2learn needs a package that cannot be imported ({error}); use backend=torch, or {RECIPE}."
        ) from error
    return learn2learn


def by_learn2learn(network: Module, support: Tensor, labels: Tensor, query: Tensor, rule: Rule) -> Tensor:
    """Scores as ``by_torch`` does, one episode after the other."""
    import torch

    maml = learn2learn().algorithms.MAML
    graph = torch.is_grad_enabled()
    scores = []
    with torch.enable_grad():
        for pictures, asked in zip(support, query, strict=True):
            one = episode(maml, network, pictures, labels, asked, rule)
            scores.append(one if graph else one.detach())
    return torch.stack(scores)


def episode(maml: Any, network: Module, support: Tensor, labels: Tensor, query: Tensor, rule: Rule) -> Tensor:
    """Clones, adapts and answers: ``[Q, N]``."""
    from torch.nn.functional import cross_entropy

    count, options = len(support), {"lr": rule.lr, "first_order": not rule.second_order}
    clone = maml(network, **options).clone()
    head = clone.module["head"]
    ways = int(labels.max()) + 1
    begin = start({f"head.{key}": value for key, value in head.named_parameters()}, ways)
    head._parameters.update({key.removeprefix("head."): value for key, value in begin.items()})
    moved = clone if rule.whole else maml(head, **options)

    def weights() -> dict[str, Tensor]:
        return dict(clone.module.named_parameters())

    known = None if rule.whole else features(network, weights(), support, count)
    for _ in range(rule.steps):
        seen = features(network, weights(), support, count) if known is None else known
        moved.adapt(cross_entropy(linear(weights(), seen), labels))
    return answer(network, weights(), support, query)
