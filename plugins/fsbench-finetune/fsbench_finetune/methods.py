"""Fine-tuning on the support: of an episode, or of a whole train split; the code is the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    Context,
    EpisodicMethod,
    ImageTasks,
    PretrainedEncoder,
    Schedule,
    UsageError,
    network_once,
    setting,
    train,
    used_parameters,
)
from fsbench_finetune.config import Config as Parameters
from fsbench_finetune.network import BLOCK, classifier
from fsbench_finetune.task import SupportTask, probabilities

if TYPE_CHECKING:
    from torch.nn import Module

KEPT_FROM = 500
"""Support pictures from which on a training is kept on disk: one of minutes resumes, one of seconds need not."""


class FineTune(EpisodicMethod[Parameters]):
    """p(y | x) = 1/M Σ_m softmax(W_m · f_m(x) + b_m): M networks f_m fine-tuned on the support."""

    api_version = 1
    name = "finetune"
    summary = "pretrained network with a new last layer, trained on the support pictures"
    reference = "Srivastava, VISAPP 2022 (baselines); Navee: Fashion products identification"
    calibrated = True

    def setup(self, context: Context) -> None:
        """Finds the network and its weights; nothing is built yet."""
        c = self.config
        if not 0 <= c.held_out < 1:
            raise UsageError(f"Fine-tuning needs held_out from 0 and below 1, not {c.held_out:g}.")
        self.context, self.image_size, self.image_view = context, c.size, c.view
        self.encoder = context.encoder(
            c.backbone,
            pooling=c.pooling,
            weights=c.weights,
            size=c.size,
            view=c.view,
            pretrained=c.pretrained,
        )

    @property
    def pretraining(self) -> str:
        """What the backbone's weights saw."""
        return self.encoder.pretraining

    def solve(self, tasks: ImageTasks) -> NDArray[np.float64]:
        """Probabilities ``[E, Q, N]``; −inf for padded classes."""
        return np.stack(
            [
                self.episode(tasks.table, *pair)
                for pair in zip(tasks.tasks.support, tasks.tasks.query, strict=True)
            ]
        )

    def episode(
        self, table: NDArray[np.uint8], support: NDArray[np.int64], query: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Probabilities ``[Q, N]`` of one episode: ``support [N, K]``, ``query [Q]``, rows of ``table``."""
        ways = int((support >= 0).any(axis=1).sum())  # padding comes last
        labels, _ = np.nonzero(support >= 0)
        rows, asked = support[support >= 0], query[query >= 0]
        inputs: NDArray[Any]
        queries: NDArray[Any]
        if self.config.tune == "head":
            inputs, queries = (encoded(self.encoder, table[r]) for r in (rows, asked))
        else:
            inputs, queries = table[rows], table[asked]
        networks = [self.network(n, inputs, labels, ways) for n in range(self.config.n_networks)]
        scores = np.full((len(query), len(support)), -np.inf)
        scores[:, :ways] = 1 / ways
        scores[: len(asked), :ways] = np.mean([probabilities(net, queries) for net in networks], axis=0)
        return scores

    def network(self, number: int, inputs: NDArray[Any], labels: NDArray[np.int64], ways: int) -> Module:
        """Returns the ``number``-th network, fine-tuned; found where the same training was done before."""
        c = self.config
        seed = self.context.seed + number
        encoder = replace(self.encoder)  # a copy builds a network of its own
        task = SupportTask(inputs, labels, c, seed)
        whole = c.tune == "whole"
        width = inputs.shape[1] if not whole else encoded(encoder, inputs[:1]).shape[1]
        network = classifier(encoder, ways, width, seed, trunk=whole)
        plan = Schedule(
            epochs=c.epochs,
            steps=task.steps,
            lr=c.lr,
            weight_decay=c.weight_decay,
            warmup=min(20, task.steps),
            patience=max(3, c.epochs // 2),
            precision=c.precision if whole else "float32",
            batch_norm="frozen" if c.pretrained else "trained",
        )
        options: dict[str, Any] = {"device": self.context.device, "images_per_batch": c.batch}
        if len(labels) < KEPT_FROM:
            train(self.name, network, task, plan, None, self.context.progress, **options)
            return network
        content = hashlib.sha256(np.ascontiguousarray(inputs).tobytes() + labels.tobytes()).hexdigest()
        return network_once(
            "finetune", self, self.context, network, task, plan, images_per_batch=c.batch,
            parameters=used_parameters(c), start=self.encoder.fingerprint(), number=number, ways=ways,
            support=content,
        )  # fmt: skip


def encoded(encoder: PretrainedEncoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Vectors ``[M, D]`` of pictures ``[M, 3, S, S]``."""
    starts = range(0, len(images), BLOCK)
    return np.concatenate([encoder.encode(images[start : start + BLOCK]) for start in starts])


@dataclass(frozen=True, kw_only=True)
class VGG16(Parameters):
    """Parameters of ``finetune-vgg16``."""

    backbone: str = setting("vgg16", "name of a torchvision or timm network")


@dataclass(frozen=True, kw_only=True)
class ResNet18(Parameters):
    """Parameters of ``finetune-resnet18``."""

    backbone: str = setting("resnet18", "name of a torchvision or timm network")


@dataclass(frozen=True, kw_only=True)
class ResNet50(Parameters):
    """Parameters of ``finetune-resnet50``."""

    backbone: str = setting("resnet50", "name of a torchvision or timm network")


@dataclass(frozen=True, kw_only=True)
class ResNeXtWSL(Parameters):
    """Parameters of ``finetune-resnext-wsl``."""

    backbone: str = setting(
        "timm:resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "name of a torchvision or timm network"
    )


@dataclass(frozen=True, kw_only=True)
class Three(Parameters):
    """Parameters of ``ensemble``."""

    n_networks: int = setting(
        3,
        "networks whose probabilities are averaged, each of its own seed",
        used_by="average",
        at_least=1,
    )


@dataclass(frozen=True, kw_only=True)
class ThreeResNet50(Three):
    """Parameters of ``ensemble-resnet50``."""

    backbone: str = setting("resnet50", "name of a torchvision or timm network")


class FineTuneVGG16(FineTune):
    """A fine-tuned VGG16."""

    name, summary, Config = "finetune-vgg16", "VGG16, fine-tuned on the support pictures", VGG16


class FineTuneResNet18(FineTune):
    """A fine-tuned ResNet-18."""

    name, summary, Config = "finetune-resnet18", "ResNet-18, fine-tuned on the support pictures", ResNet18


class FineTuneResNet50(FineTune):
    """A fine-tuned ResNet-50."""

    name, summary, Config = "finetune-resnet50", "ResNet-50, fine-tuned on the support pictures", ResNet50


class FineTuneResNeXtWSL(FineTune):
    """A fine-tuned ResNeXt-101 32×8d, pretrained on hashtags."""

    name, summary, Config = (
        "finetune-resnext-wsl",
        "ResNeXt-101 WSL, fine-tuned on the support pictures",
        ResNeXtWSL,
    )


class Ensemble(FineTune):
    """Three fine-tuned networks, their probabilities averaged."""

    name, summary, Config = "ensemble", "three fine-tuned networks, averaged probabilities", Three


class EnsembleResNet50(FineTune):
    """Three fine-tuned ResNet-50, their probabilities averaged."""

    name, summary, Config = (
        "ensemble-resnet50",
        "three fine-tuned ResNet-50, averaged probabilities",
        ThreeResNet50,
    )
