"""Training teacher and student, each once for the same data, parameters and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.api import (
    BaseData,
    Context,
    PretrainedEncoder,
    Schedule,
    freeze,
    state_pretraining,
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


def schedule(config: Config, epochs: int) -> Schedule:
    """AdamW with cosine decay, bf16, and averaged weights."""
    return Schedule(
        epochs=epochs,
        steps=config.steps,
        lr=config.lr,
        warmup=20,
        accumulate=config.accumulate,
        average=0.98,
        patience=max(3, epochs // 2),
        precision="bf16",
    )


def train_teacher(base: BaseData, config: Config, context: Context) -> PretrainedEncoder:
    """Contrastive loss on pairs, from the pretrained weights."""
    encoder = untrained(config, context)
    unused = {"pseudolabels", "noise", "student_epochs"}
    identity = {k: v for k, v in config.training().items() if k not in unused}
    folder = context.folder("teacher", VERSION, identity, base.train.fingerprint, base.validation.fingerprint)
    task = TeacherTask(base, encoder, config, context.seed)
    return fit(
        "teacher", encoder, task, schedule(config, config.teacher_epochs), folder, config, context, base
    )


def train_student(
    base: BaseData, config: Config, context: Context
) -> tuple[PretrainedEncoder, PretrainedEncoder]:
    """The teacher, and the student that starts from it and goes on with pairs and pseudolabels."""
    teacher = train_teacher(base, config, context)
    folder = context.folder("student", VERSION, config.training(), base.fingerprint)
    labels = context.embed(teacher, base.unlabelled, dtype="float16").astype(np.float32)
    labels /= np.linalg.norm(labels, axis=1, keepdims=True)
    task = StudentTask(base, teacher, config, context.seed + 1, labels)
    student = fit(
        "student", teacher, task, schedule(config, config.student_epochs), folder, config, context, base
    )
    return teacher, student


def fit(
    name: str,
    start: PretrainedEncoder,
    task: TeacherTask,
    plan: Schedule,
    folder: Path,
    config: Config,
    context: Context,
    base: BaseData,
) -> PretrainedEncoder:
    """Train a copy of ``start``'s network and return the encoder with its best weights."""
    network = replace(start).trunk  # a copy of the encoder builds a network of its own
    freeze(network, config.freeze)
    checkpointing: Any = getattr(network, "set_grad_checkpointing", None)
    if checkpointing is not None and config.accumulate > 1:
        checkpointing(True)
    best = train(
        name, network, task, plan, folder, context.progress,
        device=context.device, images_per_batch=2 * config.batch,
    )  # fmt: skip
    plain = replace(start, weights=None)
    state_pretraining(best, plain, f"{base.name} (base classes)")
    return trained_encoder(start, best)
