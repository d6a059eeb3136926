"""``teacher-lr`` and ``student-lr``: logistic regression on frozen, trained embeddings."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from fewshot_bench.api import (
    BaseData,
    Context,
    EmbeddingMethod,
    LogisticRegression,
    training_facts,
)
from fsbench_teacher_student.config import Config as Settings
from fsbench_teacher_student.config import resolved
from fsbench_teacher_student.train import train_student, train_teacher, trained_one, untrained

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
    Config = Settings
    frozen: ClassVar[str]
    """Whose embeddings are evaluated."""

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        self.trains = self.config.checkpoint is None

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Train, or find what was trained before."""
        config = resolved(self.config)
        trunks = self.train(base, config, context)
        self.encoder = trained_one(self.frozen, config, context, trunks[self.frozen])
        folders = {name: trunk.parent for name, trunk in trunks.items()}
        return {"checkpoint": self.encoder.fingerprint()[:16], **training_facts(folders)}

    @abstractmethod
    def train(self, base: BaseData, config: Settings, context: Context) -> dict[str, Path]:
        """The trunk of each training by its name."""

    def setup(self, context: Context) -> None:
        """The regression; the encoder is there since ``fit``, or is that of ``checkpoint``."""
        config = resolved(self.config)
        if config.checkpoint is not None:
            self.encoder = trained_one(self.frozen, config, context, Path(config.checkpoint).expanduser())
        self.head = LogisticRegression(C=config.C, normalize=True)


class TeacherLr(Trained):
    """The teacher: contrastive loss on pairs, hard mining, LCA pooling; frozen, then regression."""

    name = "teacher-lr"
    summary = "contrastive teacher on product pairs, frozen; logistic regression"

    frozen = "teacher"

    def train(self, base: BaseData, config: Settings, context: Context) -> dict[str, Path]:
        """Pairs alone."""
        return {"teacher": train_teacher(base, config, context)}


class StudentLr(Trained):
    """The student: half pairs, half pseudolabels of the teacher on unlabelled pictures; then regression."""

    name = "student-lr"
    summary = "student distilled on the teacher's pseudolabels, frozen; logistic regression"

    frozen = "student"

    def train(self, base: BaseData, config: Settings, context: Context) -> dict[str, Path]:
        """Teacher first, then the student, whose network has to be there before hours are spent on the teacher."""
        untrained(config, context, config.student).fingerprint()
        teacher = train_teacher(base, config, context)
        return {"teacher": teacher, "student": train_student(base, config, context, teacher)}
