"""Training teacher and student, each once for the same data, parameters and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import (
    BaseData,
    Context,
    Encoder,
    Mapped,
    PretrainedEncoder,
    Schedule,
    export,
    export_projected,
    exported,
    freeze,
    projected,
    projected_encoder,
    train,
    trained_encoder,
)
from fsbench_teacher_student.config import Config
from fsbench_teacher_student.tasks import OtherStudentTask, StudentTask, TeacherTask

if TYPE_CHECKING:
    from torch.nn import Module

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""


def untrained(config: Config, context: Context, backbone: str = "") -> PretrainedEncoder:
    """The pretrained backbone that a training starts from; the teacher's, where none is named."""
    return context.encoder(backbone or config.backbone, pooling=config.pooling)


def trained_one(name: str, config: Config, context: Context, trunk: Path) -> Encoder:
    """The encoder of a finished training, ``teacher`` or ``student``."""
    if name == "student" and config.student:
        return projected_encoder(untrained(config, context, config.student), trunk, None, "unit")
    return trained_encoder(untrained(config, context), trunk)


def train_teacher(base: BaseData, config: Config, context: Context) -> Path:
    """Contrastive loss on pairs, from the pretrained weights; returns the trunk."""
    encoder = untrained(config, context)
    unused = {"pseudolabels", "weight", "noise", "student_epochs", "student"}
    identity = {k: v for k, v in config.training().items() if k not in unused}
    folder = context.folder("teacher", VERSION, identity, base.train.fingerprint, base.validation.fingerprint)
    trunk = exported(folder)
    if trunk is None:
        task = TeacherTask(base, encoder, config, context.seed)
        network = replace(encoder).trunk  # a copy of the encoder builds a network of its own
        best = fit("teacher", network, task, config.teacher_epochs, folder, context)
        seen = base.seen(labels=True, unlabelled=False)
        trunk = export(folder, best, encoder, *seen, shown=[base.train, base.validation])
    return trunk


def train_student(base: BaseData, config: Config, context: Context, teacher: Path) -> Path:
    """The student, on pairs and the teacher's pseudolabels.

    One of the teacher's architecture starts from the teacher; another from its own pretrained weights, with a linear
    map behind it to the teacher's width.
    """
    folder = context.folder("student", VERSION, config.training(), base.fingerprint)
    trunk = exported(folder)
    if trunk is None:
        start = trained_encoder(untrained(config, context), teacher)
        labels = pseudolabels(start, base, config, context)
        encoder = untrained(config, context, config.student)
        seen, shown = base.seen(labels=True, unlabelled=True), [base.train, base.validation, base.unlabelled]
        seed, epochs = context.seed + 1, config.student_epochs
        if config.student:
            other = OtherStudentTask(base, encoder, config, seed, labels)
            taught_by = [w for w in [untrained(config, context).pretraining] if w != encoder.pretraining]
            network = projected(encoder, [labels.shape[1]], "unit", seed)
            best = fit("student", network, other, epochs, folder, context)
            return export_projected(folder, best, encoder, "unit", *taught_by, *seen, shown=shown)
        task = StudentTask(base, encoder, config, seed, labels)
        best = fit("student", replace(start).trunk, task, epochs, folder, context)
        trunk = export(folder, best, encoder, *seen, shown=shown)
    return trunk


def pseudolabels(teacher: PretrainedEncoder, base: BaseData, config: Config, context: Context) -> Mapped:
    """The teacher's embeddings ``[M, D]`` of the clean unlabelled pictures, each encoded once and left on disk.

    At the resolution that the student is trained at: what a teacher sees at another one is another embedding,
    and a student that learns to bridge the two loses its own.
    """
    quick = replace(teacher, precision="bf16", size=config.size)
    return context.mapped(quick, base.unlabelled, dtype="float16")


def fit(name: str, network: Module, task: TeacherTask, epochs: int, folder: Path, context: Context) -> Path:
    """Train a network and return its best weights in ``folder``.

    On a GPU convolutions take the algorithms that give the same result every time.
    """
    from torch.backends import cudnn

    config = task.config
    trunk = getattr(network, "trunk", network)  # without the map that may be behind it
    freeze(trunk, config.freeze)
    checkpointing: Any = getattr(trunk, "set_grad_checkpointing", None)
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
        return train(
            name, network, task, plan, folder, context.progress,
            device=context.device, images_per_batch=task.images_per_batch,
        )  # fmt: skip
