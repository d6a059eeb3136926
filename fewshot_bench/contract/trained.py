"""TrainedMethod: a method that trains on base data. Its author writes the mathematics, and nothing else.

The author says what a batch is (``data``), what is minimised (``loss``), for how long (``schedule``) and how episodes
are solved with the trained embedding (``make_head``). The identity of the training, its folder and lock, resuming,
validation and selection, the ``checkpoint`` parameter, export and loading, the list of what was seen, precision,
determinism and the facts for the record are worked out here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod, Parameters
from fewshot_bench.contract.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from fewshot_bench.embed.torch_encoder import TrunkEncoder
    from fewshot_bench.heads.head import Head
    from fewshot_bench.store.encoder import Encoder
    from fewshot_bench.training.base import BaseData
    from fewshot_bench.training.network import Projection
    from fewshot_bench.training.pictures import Prepare
    from fewshot_bench.training.schedule import Schedule
    from fewshot_bench.training.validation import ValidationEpisodes


class TrainedMethod(Trainable[Parameters], EmbeddingMethod[Parameters]):
    """An encoder that is trained on base data, and a head on its embeddings.

    ``loss`` is given the ``network``, a function from pictures ``[..., 3, S, S]`` (bytes, or floats 0..1) to
    embeddings ``[..., D]`` float32 through which gradients pass, and computes in float32. ``Config`` is a
    ``TrainedConfig``, or ``start`` is overridden.
    """

    learnt: Module | None = None
    """The learnt head of a method that has one: while it is trained, and thereafter."""

    def __init__(self, config: Parameters | None = None) -> None:
        super().__init__(config)
        self.trains = self._checkpoint is None

    @property
    def _checkpoint(self) -> str | None:
        """The trunk that a person gave; a Config without that parameter is always trained."""
        return getattr(self.config, "checkpoint", None)

    @abstractmethod
    def make_head(self, context: Context) -> Head:
        """Returns the head that solves episodes, in validation and in evaluation."""

    def start(self, context: Context) -> TrunkEncoder:
        """Returns the encoder that training begins with, at the size and view of the evaluation.

        It is one by name, of ``Config``'s parameters, unless a method overrides this: any torch module is one as a
        ``TorchEncoder``.
        """
        c: Any = self.config
        return context.encoder(
            c.backbone, pooling=c.pooling, size=c.size or None, view=c.view, pretrained=c.pretrained
        )

    def train_size(self, encoder: TrunkEncoder) -> int:
        """Returns the side in pixels of training pictures: that of the evaluation by default."""
        return encoder.transform.size

    def projection(self) -> Projection | None:
        """Returns the affine maps that are trained behind the pooled features; None: there are none."""
        return None

    @property
    def map_shape(self) -> tuple[int, ...]:
        """The shape ``(C, h, w)`` of the feature maps in training, ``(D,)`` of vectors; known from ``start`` on."""
        return self._start.map_shape

    def learnt_head(self, width: int) -> Module | None:
        """Returns a module with parameters of its own, trained with the encoder and stored beside it.

        ``width`` is the number of values of an embedding. ``loss`` finds the module as ``network.head``, and
        ``make_head`` as ``self.learnt``. A method whose evaluation does not need the module may return None where the
        encoder of a ``checkpoint`` is loaded, for which nothing is known of the base classes.
        """
        return None

    def teachers(self) -> Sequence[Encoder]:
        """Returns encoders beside the one of ``start`` that the training learns from."""
        return ()

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains, or finds the same training finished; the facts have ``checkpoint``, the encoder's fingerprint."""
        facts = super().fit(base, context)
        return {"checkpoint": self.encoder.fingerprint()[:16], **facts}

    def setup(self, context: Context) -> None:
        """Makes the head; the encoder is there since ``fit``, or is that of ``checkpoint``."""
        if self._checkpoint is not None:
            self._begin(context)
            self._take(Path(self._checkpoint).expanduser(), context)
            inner: Any = getattr(self.encoder, "inner", self.encoder)
            self._settle_size(inner)
        self.head = self.make_head(context)

    def _begin(self, context: Context) -> None:
        from fewshot_bench.training.projection import single_view

        self._evaluated = self.start(context)
        self._start = single_view(self._evaluated).changed(size=self.train_size(self._evaluated))
        if self._checkpoint is None:
            self._settle_size(self._evaluated)

    def _settle_size(self, encoder: TrunkEncoder) -> None:
        """Puts the side of the pictures into the configuration where that leaves it to the weights."""
        config: Any = self.config
        if getattr(config, "size", None) == 0:
            self.config = replace(config, size=encoder.transform.size)

    def _settled(self, schedule: Schedule) -> Schedule:
        if schedule.batch_norm != "auto":
            return schedule
        scratch = self._start.pretraining == "none"
        return replace(schedule, batch_norm="trained" if scratch else "frozen")

    def _start_facts(self, context: Context) -> Any:
        from fewshot_bench.embed.pretrained import PretrainedEncoder
        from fewshot_bench.embed.torch_encoder import TorchEncoder
        from fewshot_bench.training.projection import single_view

        return [
            (
                single_view(encoder) if isinstance(encoder, PretrainedEncoder | TorchEncoder) else encoder
            ).fingerprint()
            for encoder in (self._start, *self.teachers())
        ]

    def _prepare(self) -> Prepare:
        return self._start.prepare

    def _head_of(self, width: int) -> Module:
        head = self.learnt_head(width)
        assert head is not None
        self._width = width
        return head

    @property
    def _has_head(self) -> bool:
        return type(self).learnt_head is not TrainedMethod.learnt_head

    def _network(self, context: Context, schedule: Schedule) -> Module:
        from fewshot_bench.training.network import freeze, make_network, save_memory

        network = make_network(
            self._start, self.projection(), context.seed + self.seed_offset,
            precision=schedule.precision_on(context.device), head=self._head_of if self._has_head else None,
        )  # fmt: skip
        freeze(network.get_submodule("trunk"), schedule.freeze)
        if schedule.accumulate > 1:
            save_memory(network)
        return network

    def _loop_precision(self, schedule: Schedule, context: Context) -> Literal["float32", "bf16"]:
        return "float32"  # the network itself computes its trunk in bf16, and nothing else may

    def _score(self, network: Module, episodes: ValidationEpisodes, context: Context) -> float:
        if self._has_head:
            self.learnt = network.get_submodule("head")
        return episodes.score(network, self.make_head(context))

    def _export(self, folder: Path, tensors: dict[str, Tensor], base: BaseData) -> list[str]:
        from fewshot_bench.training.export import export_head, export_trunk
        from fewshot_bench.training.projection import FILE, write_projection

        parts: dict[str, dict[str, Tensor]] = {"trunk": {}, "maps": {}, "head": {}}
        for full, value in tensors.items():
            part, _, name = full.partition(".")
            parts[part][name] = value
        teachers = [encoder.pretraining for encoder in self.teachers()]
        saw = [self._evaluated.pretraining, *teachers, *self.saw(base)]
        starts = [self._evaluated.loaded, *(weights_of(teacher) for teacher in self.teachers())]
        names = []
        if (projection := self.projection()) is not None:
            write_projection(folder, parts["maps"], projection.output)
            names.append(FILE)
        if self._has_head:
            names.append(export_head(folder, parts["head"], self._width))
        return [*names, *export_trunk(folder, parts["trunk"], self._evaluated, saw, self.shown(base), starts)]

    def _load(self, folder: Path, context: Context) -> None:
        from fewshot_bench.training.export import TRUNK

        self._take(folder / TRUNK, context)

    def _take(self, trunk: Path, context: Context) -> None:
        """Takes encoder and learnt head of a finished training."""
        from fewshot_bench.training.export import load_head, trained_encoder
        from fewshot_bench.training.kept import check_files
        from fewshot_bench.training.projection import projected_encoder

        check_files(trunk)
        projection = self.projection()
        self.encoder = (
            trained_encoder(self._evaluated, trunk)
            if projection is None
            else projected_encoder(self._evaluated, trunk, projection)
        )
        if self._has_head:
            found = load_head(trunk, self.learnt_head)
            self.learnt = None if found is None else found.to(context.device)


def weights_of(encoder: Any) -> Path | None:
    """Returns the file of an encoder's weights, None where it has none."""
    found: Path | None = getattr(encoder, "weights", None)
    return found
