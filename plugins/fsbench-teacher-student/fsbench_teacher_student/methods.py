"""``teacher-lr`` and ``student-lr``: logistic regression on frozen, trained embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    Context,
    Encoder,
    ImageIndex,
    LogisticRegression,
    Mapped,
    PretrainedEncoder,
    Projection,
    Prototype,
    Schedule,
    TrainedMethod,
    Validation,
    batch_pairs,
    contrastive,
    mined,
    single_view,
)
from fsbench_teacher_student.config import Config as Parameters
from fsbench_teacher_student.data import Distillation, ProductPairs

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Loss = tuple["Tensor", dict[str, float]]


class TeacherLr(TrainedMethod):
    """The teacher: contrastive loss on pairs, hard mining, LCA pooling; frozen, then regression.

    Two distorted pictures of one product are pulled together, pictures of different products pushed apart:
    L = y·d + (1 − y)·max(0, m − d), d Euclidean and not squared, the mean of the largest of a batch (section 3).
    """

    api_version = 1
    name = "teacher-lr"
    training_name = "teacher"
    summary = "contrastive teacher on product pairs, frozen; logistic regression"
    reference = (
        "Srivastava: Using Contrastive Learning and Pseudolabels to Learn Representations for Retail Product "
        "Image Classification, VISAPP 2022"
    )
    calibrated = True
    Config = Parameters
    config: Parameters

    @property
    def epochs(self) -> int:
        """Epochs of the training."""
        return self.config.teacher_epochs

    def start(self, context: Context) -> PretrainedEncoder:
        """The pretrained backbone."""
        return self.pretrained(self.config.backbone, context)

    def pretrained(self, backbone: str, context: Context) -> PretrainedEncoder:
        """Returns a pretrained network with the pooling and the view of the configuration."""
        c = self.config
        return context.encoder(backbone, pooling=c.pooling, view=c.view, pretrained=c.pretrained)

    def data(self, base: BaseData) -> ProductPairs:
        """Pairs of pictures of base classes."""
        return ProductPairs(base.train, base.train, self.config)

    def loss(self, network: Module, batch: Any) -> Loss:
        """The mean of the hardest losses of the batch."""
        return self.pair_loss(self.vectors(network, batch.images), batch.products)

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        """Returns embeddings of length 1, ``[B, D]``, of pictures ``[B, 3, S, S]`` in 0..1."""
        from torch.nn.functional import normalize

        return normalize(network(images), dim=1)

    def pair_loss(self, vectors: Tensor, products: NDArray[np.int64]) -> Loss:
        """Returns the loss of embeddings ``[2B, D]``, with the share of active pairs (loss above 0)."""
        import torch

        first, second, same = (torch.from_numpy(x).to(vectors.device) for x in batch_pairs(products))
        losses = contrastive(vectors[first], vectors[second], same, self.config.margin)
        return mined(losses, self.config.mining)

    def schedule(self) -> Schedule:
        """Batch norms keep their statistics, and weights do not decay."""
        c, epochs = self.config, self.epochs
        return Schedule(
            epochs, c.steps, c.lr, weight_decay=0.0, accumulate=c.accumulate, ema_decay=0.98,
            patience=max(3, epochs // 2), precision="bf16", batch_norm="frozen", freeze=c.freeze,
        )  # fmt: skip

    def validation(self, base: BaseData) -> Validation:
        """1-shot accuracy of the nearest picture by cosine among all validation classes."""
        return Validation("all", 1, 5, episodes=5, seed=0, head=Prototype("cosine"))

    def make_head(self, context: Context) -> LogisticRegression:
        """The regression on each support."""
        return LogisticRegression(C=self.config.C, normalize=True)


class StudentLr(TeacherLr):
    """The student: half pairs, half pseudolabels of the teacher on unlabelled pictures; then regression.

    Of the teacher's architecture it starts from the teacher; of another, from its own pretraining, with a linear map
    behind it to the teacher's width.
    """

    name = "student-lr"
    training_name = "student"
    summary = "student distilled on the teacher's pseudolabels, frozen; logistic regression"
    reads = ("training", "student")
    seed_offset = 1

    teacher: TeacherLr | None = None
    labels: Mapped | None = None

    @property
    def epochs(self) -> int:
        """Epochs of the training."""
        return self.config.student_epochs

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains the teacher, then the student, whose network has to be there before that takes hours."""
        self.start(context).fingerprint()
        teacher = TeacherLr(self.config)
        before = teacher.fit(base, context)
        self.teacher, self.context = teacher, context
        facts = super().fit(base, context)
        return facts | {key: before[key] | facts[key] for key in ("log", "timings")}

    def start(self, context: Context) -> PretrainedEncoder:
        """The teacher, or the pretrained network named by ``student``."""
        if self.config.student:
            return self.pretrained(self.config.student, context)
        return super().start(context) if self.teacher is None else self.taught_by(self.teacher)

    def taught_by(self, teacher: TeacherLr) -> PretrainedEncoder:
        """Returns the encoder of a trained teacher."""
        encoder = teacher.encoder
        assert isinstance(encoder, PretrainedEncoder)
        return encoder

    def teachers(self) -> Sequence[Encoder]:
        """The teacher, once it is trained."""
        return [] if self.teacher is None else [self.teacher.encoder]

    def projection(self) -> Projection | None:
        """A linear map to the teacher's width and length 1, for another architecture."""
        if not self.config.student:
            return None
        return Projection(None if self.labels is None else (self.labels.shape[1],), "unit")

    def shown(self, base: BaseData) -> Sequence[ImageIndex]:
        """Base classes, validation classes and unlabelled pictures."""
        return [base.train, base.validation, base.unlabelled]

    def saw(self, base: BaseData) -> tuple[str, ...]:
        """Base classes and unlabelled sets."""
        return base.seen(labels=True, unlabelled=True)

    def data(self, base: BaseData) -> Distillation:
        """Pairs, and unlabelled pictures with the teacher's embeddings of the clean ones.

        The teacher sees them at the resolution that the student is trained at: what it sees at another one is
        another embedding, and a student that learns to bridge the two loses its own.
        """
        assert self.teacher is not None
        teacher = single_view(self.taught_by(self.teacher))
        quick = replace(teacher, precision="bf16", size=self.config.size)
        self.labels = self.context.mapped(quick, base.unlabelled, dtype="float16")
        return Distillation(base.train, base.unlabelled, self.config, labels=self.labels)

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        """Returns embeddings of length 1, which the projection gives by itself."""
        return network(images) if self.config.student else super().vectors(network, images)

    def loss(self, network: Module, batch: Any) -> Loss:
        """(1 − w) · contrastive + w · Smooth L1, the latter summed over the D values of a picture."""
        import torch
        from torch.nn.functional import smooth_l1_loss

        vectors = self.vectors(network, torch.cat([batch.pairs.images, batch.unlabelled]))
        count = len(batch.pairs.images)
        pairs, numbers = self.pair_loss(vectors[:count], batch.pairs.products)
        if not len(batch.unlabelled):
            return pairs, numbers
        target = batch.pseudolabels.to(vectors.device)
        pseudo = smooth_l1_loss(vectors[count:], target, reduction="none").sum(dim=1).mean()
        weight = self.config.weight
        numbers |= {"pairs": float(pairs.detach()), "pseudo": float(pseudo.detach())}
        return (1 - weight) * pairs + weight * pseudo, numbers
