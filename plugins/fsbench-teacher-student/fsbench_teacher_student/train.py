"""Training teacher and student, each once for the same data, parameters and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fewshot_bench.api import (
    BaseData,
    Context,
    Mapped,
    PretrainedEncoder,
    Schedule,
    export,
    exported,
    freeze,
    train,
    trained_encoder,
)
from fsbench_teacher_student.config import Config
from fsbench_teacher_student.tasks import StudentTask, TeacherTask

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""


def untrained(config: Config, context: Context) -> PretrainedEncoder:
    """The pretrained backbone that both start from."""
    return context.encoder(config.backbone, pooling=config.pooling)


def train_teacher(base: BaseData, config: Config, context: Context) -> Path:
    """Contrastive loss on pairs, from the pretrained weights; returns the trunk."""
    encoder = untrained(config, context)
    unused = {"pseudolabels", "weight", "noise", "student_epochs"}
    identity = {k: v for k, v in config.training().items() if k not in unused}
    folder = context.folder("teacher", VERSION, identity, base.train.fingerprint, base.validation.fingerprint)
    trunk = exported(folder)
    if trunk is None:
        task = TeacherTask(base, encoder, config, context.seed)
        trunk = fit("teacher", encoder, task, config.teacher_epochs, folder, context)
    return trunk


def train_student(base: BaseData, config: Config, context: Context, teacher: Path) -> Path:
    """The student: it starts from the teacher, and goes on with pairs and the teacher's pseudolabels."""
    folder = context.folder("student", VERSION, config.training(), base.fingerprint)
    trunk = exported(folder)
    if trunk is None:
        encoder = untrained(config, context)
        start = trained_encoder(encoder, teacher)
        task = StudentTask(
            base, encoder, config, context.seed + 1, pseudolabels(start, base, config, context)
        )
        trunk = fit("student", start, task, config.student_epochs, folder, context)
    return trunk


def pseudolabels(teacher: PretrainedEncoder, base: BaseData, config: Config, context: Context) -> Mapped:
    """The teacher's embeddings ``[M, D]`` of the clean unlabelled pictures, each encoded once and left on disk.

    At the resolution that the student is trained at: what a teacher sees at another one is another embedding,
    and a student that learns to bridge the two loses its own.
    """
    quick = replace(teacher, precision="bf16", size=config.size)
    return context.mapped(quick, base.unlabelled, dtype="float16")


def fit(
    name: str, start: PretrainedEncoder, task: TeacherTask, epochs: int, folder: Path, context: Context
) -> Path:
    """Train a copy of the network of ``start`` and write its best weights to ``folder``; returns the trunk.

    On a GPU convolutions take the algorithms that give the same result every time.
    """
    from torch.backends import cudnn

    config = task.config
    network = replace(start).trunk  # a copy of the encoder builds a network of its own
    freeze(network, config.freeze)
    checkpointing: Any = getattr(network, "set_grad_checkpointing", None)
    if checkpointing is not None and config.accumulate > 1:
        checkpointing(True)
    plan = Schedule(
        epochs=epochs,
        steps=config.steps,
        lr=config.lr,
        weight_decay=0.0,
        warmup=20,
        accumulate=config.accumulate,
        average=0.98,
        patience=max(3, epochs // 2),
        precision="bf16",
    )
    with cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
        best = train(
            name, network, task, plan, folder, context.progress,
            device=context.device, images_per_batch=task.images_per_batch,
        )  # fmt: skip
    base, student = task.base, name == "student"
    shown = [base.train, base.validation, *([base.unlabelled] if student else [])]
    seen = base.seen(labels=True, unlabelled=student)
    return export(folder, best, task.encoder, *seen, shown=shown)
