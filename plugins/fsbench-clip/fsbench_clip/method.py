"""The base of the three methods: a network, its templates, and blocks of episodes with their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fewshot_bench.api import Block, Context, EmbeddingMethod, FsbenchError, Tasks, UsageError, View, setting
from fsbench_clip.encoder import ClipEncoder
from fsbench_clip.network import ClipNetwork, weights_of

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 100.0
"""The inverse temperature at which CLIP's training ends (Radford et al. 2021)."""


class Texts(Protocol):
    """Unit vectors of class names, such as ``ClipNetwork``'s."""

    def texts(self, names: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Returns t [N, D]."""
        ...


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Parameters that the three methods have."""

    model: str = setting("ViT-B-32", "name of a network of open_clip, or a JSON file of its settings")
    weights: str | None = setting(None, "file of its weights; else open_clip-MODEL of $FSBENCH_WEIGHTS")
    view: View = setting("pad", "how a picture that is not square enters")
    templates: str = setting(
        "a photo of a {}.|a picture of a {}.|a {}.",
        "sentences, {} the name of a class, separated by |; averaged",
    )


Given = TypeVar("Given", bound=ClipConfig)


class ClipMethod(EmbeddingMethod[Given], Generic[Given]):
    """A method on CLIP's vectors that reads the names of classes."""

    api_version = 1
    reads_names = True

    def setup(self, context: Context) -> None:
        """Sets the network and the encoder; subclasses add the head."""
        c = self.config
        self.templates = tuple(part.strip() for part in c.templates.split("|") if part.strip())
        if not self.templates or not all("{}" in template for template in self.templates):
            raise UsageError(
                f"Templates are sentences with {{}} for the name of a class, separated by |, not {c.templates!r}: "
                "--set 'templates=a photo of a {}.'"
            )
        self.clip = ClipNetwork(c.model, weights_of(c.model, c.weights), c.view, context.device)
        self.encoder = ClipEncoder(self.clip)


def with_texts(
    table: Tensor, tasks: Tasks, clip: Texts, templates: Sequence[str]
) -> Iterator[tuple[Block, Tensor]]:
    """Yields blocks of episodes of unit vectors, and the texts t [e, N, D] of their classes, 0 for padded ones."""
    from torch.nn.functional import normalize

    if tasks.names is None:
        raise FsbenchError("The method reads the names of classes, and these episodes have none.")
    for block in tasks.blocks(normalize(table.float(), dim=1)):
        names = [str(name) for name in tasks.names[block.episodes].ravel()]
        texts = clip.texts(names, templates).to(table.device).view(*block.class_mask.shape, -1)
        yield block, texts * block.class_mask.unsqueeze(2)
