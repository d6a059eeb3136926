"""Training teacher and student, each once for the same data, parameters and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    Context,
    LinearEncoder,
    PretrainedEncoder,
    Schedule,
    embedding_network,
    export,
    freeze,
    pictures,
    train,
    trained_encoder,
    trained_network,
)
from fsbench_teacher_student.config import Config
from fsbench_teacher_student.tasks import StudentTask, TeacherTask

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""


EXPORTED = "trunk.safetensors"
"""Written last: a folder that holds it holds a finished training."""


def untrained(config: Config, context: Context) -> PretrainedEncoder:
    """The pretrained backbone that both start from."""
    return context.encoder(config.backbone, pooling=config.pooling)


def train_teacher(base: BaseData, config: Config, context: Context) -> LinearEncoder:
    """Contrastive loss on pairs, from the pretrained weights."""
    encoder = untrained(config, context)
    unused = {"pseudolabels", "weight", "noise", "student_epochs"}
    identity = {k: v for k, v in config.training().items() if k not in unused}
    folder = context.folder("teacher", VERSION, identity, base.train.fingerprint, base.validation.fingerprint)
    if not (folder / EXPORTED).is_file():
        rows = context.generator("centre").permutation(len(base.train))[:256]
        network = embedding_network(replace(encoder, precision="bf16"), pictures(base.train, rows, encoder))
        task = TeacherTask(base, encoder, config, context.seed)
        fit("teacher", network, task, config.teacher_epochs, folder, context)
    return trained_encoder(encoder, folder)


def train_student(base: BaseData, config: Config, context: Context) -> LinearEncoder:
    """The student: it starts from the teacher, and goes on with pairs and the teacher's pseudolabels."""
    teacher = train_teacher(base, config, context)
    encoder = untrained(config, context)
    folder = context.folder("student", VERSION, config.training(), base.fingerprint)
    if not (folder / EXPORTED).is_file():
        network = trained_network(teacher)
        task = StudentTask(base, encoder, config, context.seed + 1, pseudolabels(teacher, base, context))
        fit("student", network, task, config.student_epochs, folder, context)
    return trained_encoder(encoder, folder)


def pseudolabels(teacher: LinearEncoder, base: BaseData, context: Context) -> NDArray[np.float32]:
    """The teacher's embeddings ``[M, D]`` of the clean unlabelled pictures, of length 1, each encoded once."""
    quick = replace(teacher, inner=replace(teacher.inner, precision="bf16"))
    labels = context.embed(quick, base.unlabelled, dtype="float16").astype(np.float32)
    return labels / np.linalg.norm(labels, axis=1, keepdims=True)


def fit(name: str, network: Any, task: TeacherTask, epochs: int, folder: Path, context: Context) -> None:
    """Train a network in place and export its best weights to ``folder``."""
    config = task.config
    freeze(network["trunk"], config.freeze)
    checkpointing: Any = getattr(network["trunk"], "set_grad_checkpointing", None)
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
    best = train(
        name, network, task, plan, folder, context.progress,
        device=context.device, images_per_batch=task.images_per_batch,
    )  # fmt: skip
    export(folder, best, task.encoder, f"{task.base.name} (base classes)")
