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
    Loss,
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
from fsbench_teacher_student.data import Batch, Distillation, ProductPairs

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class TeacherLr(TrainedMethod[Parameters]):
    """The teacher: contrastive loss on pairs, hard mining, LCA pooling (section 3); frozen, then regression.

    Two distorted pictures of one product are pulled together, pictures of different products pushed apart:
    L = y·d + (1 − y)·max(0, m − d), d Euclidean and not squared, the mean of the largest of a batch.
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
    encoder: PretrainedEncoder

    def start(self, context: Context) -> PretrainedEncoder:
        c = self.config
        return context.encoder(c.backbone, pooling=c.pooling, view=c.view, pretrained=c.pretrained)

    def data(self, base: BaseData) -> ProductPairs:
        return ProductPairs(base.train, base.train, self.config)

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        """Returns embeddings of length 1, ``[B, D]``, of pictures ``[B, 3, S, S]`` in 0..1."""
        from torch.nn.functional import normalize

        return normalize(network(images), dim=1)

    def loss(self, network: Module, batch: Batch) -> Loss:
        return self.pair_loss(self.vectors(network, batch.images), batch.products)

    def pair_loss(self, vectors: Tensor, products: NDArray[np.int64]) -> Loss:
        """Returns the mean of the hardest losses of embeddings ``[2B, D]``."""
        import torch

        first, second, same = (torch.from_numpy(x).to(vectors.device) for x in batch_pairs(products))
        return mined(
            contrastive(vectors[first], vectors[second], same, self.config.margin), self.config.mining
        )

    def schedule(self) -> Schedule:
        c, epochs = self.config, self.config.teacher_epochs
        return Schedule(
            epochs, c.steps, c.lr, weight_decay=0.0, accumulate=c.accumulate, ema_decay=0.98,
            patience=max(3, epochs // 2), precision="bf16", batch_norm="frozen", freeze=c.freeze,
        )  # fmt: skip

    def validation(self, base: BaseData) -> Validation:
        return Validation("all", 1, 5, episodes=5, seed=0, head=Prototype("cosine"))

    def make_head(self, context: Context) -> LogisticRegression:
        return LogisticRegression(C=self.config.C, normalize=True)


class StudentLr(TeacherLr):
    """The student: half pairs, half pseudolabels of the teacher on unlabelled pictures; then regression.

    L = (1 − w) · contrastive + w · Smooth L1, the latter summed over the D values of a picture. A student of the
    teacher's architecture starts from the teacher; one of another architecture starts from its own pretraining, with a
    linear map behind it to the teacher's width.
    """

    name = "student-lr"
    training_name = "student"
    summary = "student distilled on the teacher's pseudolabels, frozen; logistic regression"
    reads = ("training", "student")
    seed_offset = 1
    teacher: TeacherLr | None = None
    labels: Mapped | None = None

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains the teacher, then the student, whose network has to be there before that takes hours."""
        self.start(context).fingerprint()
        teacher = TeacherLr(self.config)
        before = teacher.fit(base, context)
        self.teacher, self.context = teacher, context
        facts = super().fit(base, context)
        return facts | {key: before[key] | facts[key] for key in ("log", "timings")}

    def schedule(self) -> Schedule:
        epochs = self.config.student_epochs
        return replace(super().schedule(), epochs=epochs, patience=max(3, epochs // 2))

    def start(self, context: Context) -> PretrainedEncoder:
        if self.config.student:
            return replace(super().start(context), backbone=self.config.student)
        return super().start(context) if self.teacher is None else self.teacher.encoder

    def teachers(self) -> Sequence[Encoder]:
        return [] if self.teacher is None else [self.teacher.encoder]

    def projection(self) -> Projection | None:
        if not self.config.student:
            return None
        return Projection(None if self.labels is None else (self.labels.shape[1],), "unit")

    def shown(self, base: BaseData) -> Sequence[ImageIndex]:
        return [base.train, base.validation, base.unlabelled]

    def saw(self, base: BaseData) -> tuple[str, ...]:
        return base.seen(labels=True, unlabelled=True)

    def data(self, base: BaseData) -> Distillation:
        # The teacher sees clean pictures at the size that the student is trained at: its embeddings at another size
        # are others, and a student that learns to bridge the two loses its own.
        assert self.teacher is not None
        quick = replace(single_view(self.teacher.encoder), precision="bf16", size=self.config.size)
        self.labels = self.context.mapped(quick, base.unlabelled, dtype="float16")
        return Distillation(base.train, base.unlabelled, self.config, labels=self.labels)

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        return network(images) if self.config.student else super().vectors(network, images)

    def loss(self, network: Module, batch: Batch) -> Loss:
        from torch.nn.functional import smooth_l1_loss

        vectors, count = self.vectors(network, batch.images), len(batch.products)
        pairs, numbers = self.pair_loss(vectors[:count], batch.products)
        if batch.pseudolabels is None:
            return pairs, numbers
        target = batch.pseudolabels.to(vectors.device)
        pseudo = smooth_l1_loss(vectors[count:], target, reduction="none").sum(dim=1).mean()
        numbers |= {"pairs": float(pairs.detach()), "pseudo": float(pseudo.detach())}
        return (1 - self.config.weight) * pairs + self.config.weight * pseudo, numbers
