"""``teacher-lr`` and ``student-lr``: logistic regression on frozen, trained embeddings."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from fewshot_bench.api import (
    BaseData,
    Context,
    EmbeddingMethod,
    LogisticRegression,
    PretrainedEncoder,
    trained_encoder,
)
from fsbench_teacher_student.config import Config, resolved
from fsbench_teacher_student.train import train_student, train_teacher, untrained

REFERENCE = (
    "Srivastava: Using Contrastive Learning and Pseudolabels to Learn Representations for Retail Product "
    "Image Classification, VISAPP 2022"
)


class Trained(EmbeddingMethod):
    """A frozen encoder that was trained on base data, and multinomial logistic regression on each support."""

    api_version = 1
    reference = REFERENCE
    calibrated = True
    trains = True
    Config = Config

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Load ``checkpoint``, or train (or find what was trained before)."""
        config = resolved(self.config)
        if config.checkpoint is not None:
            self.encoder = trained_encoder(untrained(config, context), Path(config.checkpoint))
        else:
            self.encoder = self.train(base, config, context)
        return {"checkpoint": self.encoder.fingerprint()[:16]}

    @abstractmethod
    def train(self, base: BaseData, config: Config, context: Context) -> PretrainedEncoder:
        """The trained encoder."""

    def setup(self, context: Context) -> None:
        """The regression; the encoder is there since ``fit``."""
        self.head = LogisticRegression(C=self.config.C, normalize=True)


class TeacherLr(Trained):
    """The teacher: contrastive loss on pairs, hard mining, LCA pooling; frozen, then regression."""

    name = "teacher-lr"
    summary = "contrastive teacher on product pairs, frozen; logistic regression"

    def train(self, base: BaseData, config: Config, context: Context) -> PretrainedEncoder:
        """Pairs alone."""
        return train_teacher(base, config, context)


class StudentLr(Trained):
    """The student: half pairs, half pseudolabels of the teacher on unlabelled pictures; then regression."""

    name = "student-lr"
    summary = "student distilled on the teacher's pseudolabels, frozen; logistic regression"

    def train(self, base: BaseData, config: Config, context: Context) -> PretrainedEncoder:
        """Teacher first, then the student."""
        return train_student(base, config, context)
