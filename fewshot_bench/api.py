"""Everything that the author of a plugin imports. Names load what they need when they are first used.

    from fewshot_bench.api import Context, EmbeddingMethod, PixelEncoder, Prototype, tunable

A plugin module that imports only this stays as light as this: no torch, no scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewshot_bench.contract.config import NoConfig as NoConfig
    from fewshot_bench.contract.config import setting as setting
    from fewshot_bench.contract.config import tunable as tunable
    from fewshot_bench.contract.context import Context as Context
    from fewshot_bench.contract.method import (
        EmbeddingMethod as EmbeddingMethod,
    )
    from fewshot_bench.contract.method import (
        EpisodicMethod as EpisodicMethod,
    )
    from fewshot_bench.contract.method import (
        Method as Method,
    )
    from fewshot_bench.contract.source import Card as Card
    from fewshot_bench.contract.source import DatasetSource as DatasetSource
    from fewshot_bench.data.build import Row as Row
    from fewshot_bench.data.build import build_index as build_index
    from fewshot_bench.data.build import read_rows as read_rows
    from fewshot_bench.data.index import BOTH as BOTH
    from fewshot_bench.data.index import QUERY as QUERY
    from fewshot_bench.data.index import SUPPORT as SUPPORT
    from fewshot_bench.data.index import ImageIndex as ImageIndex
    from fewshot_bench.data.scan import Scan as Scan
    from fewshot_bench.datasets.locate import layout_error as layout_error
    from fewshot_bench.embed.pictures import Pictures as Pictures
    from fewshot_bench.embed.pixels import PixelEncoder as PixelEncoder
    from fewshot_bench.embed.pooling import pool as pool
    from fewshot_bench.embed.pretrained import PretrainedEncoder as PretrainedEncoder
    from fewshot_bench.embed.small import conv4 as conv4
    from fewshot_bench.embed.small import seeded as seeded
    from fewshot_bench.embed.torchvision_guard import import_torchvision as import_torchvision
    from fewshot_bench.embed.transforms import FROZEN_VIEW as FROZEN_VIEW
    from fewshot_bench.embed.transforms import View as View
    from fewshot_bench.episodes.image_tasks import ImageTasks as ImageTasks
    from fewshot_bench.episodes.tasks import Tasks as Tasks
    from fewshot_bench.errors import FsbenchError as FsbenchError
    from fewshot_bench.errors import UsageError as UsageError
    from fewshot_bench.files import write_atomic as write_atomic
    from fewshot_bench.heads.head import Head as Head
    from fewshot_bench.heads.knn import KNearest as KNearest
    from fewshot_bench.heads.logistic import LogisticRegression as LogisticRegression
    from fewshot_bench.heads.mlp import Perceptron as Perceptron
    from fewshot_bench.heads.prototype import Prototype as Prototype
    from fewshot_bench.metrics import average_precision as average_precision
    from fewshot_bench.store.encoder import Encoder as Encoder
    from fewshot_bench.store.mapped import Mapped as Mapped
    from fewshot_bench.training.augment import Augmentation as Augmentation
    from fewshot_bench.training.base import BaseData as BaseData
    from fewshot_bench.training.checkpoint import load_checkpoint as load_checkpoint
    from fewshot_bench.training.distort import Distortion as Distortion
    from fewshot_bench.training.embedding import (
        LinearEncoder as LinearEncoder,
    )
    from fewshot_bench.training.embedding import (
        Validation as Validation,
    )
    from fewshot_bench.training.embedding import (
        export as export,
    )
    from fewshot_bench.training.embedding import (
        exported as exported,
    )
    from fewshot_bench.training.embedding import (
        freeze as freeze,
    )
    from fewshot_bench.training.embedding import (
        pictures as pictures,
    )
    from fewshot_bench.training.embedding import (
        trained_encoder as trained_encoder,
    )
    from fewshot_bench.training.embedding import (
        unit_vectors as unit_vectors,
    )
    from fewshot_bench.training.episodic import (
        EpisodeBatch as EpisodeBatch,
    )
    from fewshot_bench.training.episodic import (
        Episodes as Episodes,
    )
    from fewshot_bench.training.episodic import (
        EpisodeShape as EpisodeShape,
    )
    from fewshot_bench.training.episodic import (
        PictureTable as PictureTable,
    )
    from fewshot_bench.training.episodic import (
        ValidationEpisodes as ValidationEpisodes,
    )
    from fewshot_bench.training.episodic import (
        embedded as embedded,
    )
    from fewshot_bench.training.log import append_log as append_log
    from fewshot_bench.training.log import training_facts as training_facts
    from fewshot_bench.training.loop import Schedule as Schedule
    from fewshot_bench.training.loop import train as train
    from fewshot_bench.training.losses import (
        contrastive as contrastive,
    )
    from fewshot_bench.training.losses import (
        hardest as hardest,
    )
    from fewshot_bench.training.losses import (
        triplet as triplet,
    )
    from fewshot_bench.training.pairs import (
        Pairs as Pairs,
    )
    from fewshot_bench.training.pairs import (
        batch_pairs as batch_pairs,
    )
    from fewshot_bench.training.pairs import (
        pairs_of_csv as pairs_of_csv,
    )
    from fewshot_bench.training.pairs import (
        pairs_of_labels as pairs_of_labels,
    )
    from fewshot_bench.training.projection import (
        ProjectedEncoder as ProjectedEncoder,
    )
    from fewshot_bench.training.projection import (
        export_projected as export_projected,
    )
    from fewshot_bench.training.projection import (
        projected as projected,
    )
    from fewshot_bench.training.projection import (
        projected_encoder as projected_encoder,
    )
    from fewshot_bench.training.seen import write_seen as write_seen

HOME = {
    "Augmentation": "training.augment",
    "BOTH": "data.index",
    "BaseData": "training.base",
    "Card": "contract.source",
    "Context": "contract.context",
    "DatasetSource": "contract.source",
    "Distortion": "training.distort",
    "EmbeddingMethod": "contract.method",
    "Encoder": "store.encoder",
    "EpisodeBatch": "training.episodic",
    "EpisodeShape": "training.episodic",
    "Episodes": "training.episodic",
    "EpisodicMethod": "contract.method",
    "FROZEN_VIEW": "embed.transforms",
    "FsbenchError": "errors",
    "Head": "heads.head",
    "ImageIndex": "data.index",
    "ImageTasks": "episodes.image_tasks",
    "KNearest": "heads.knn",
    "LinearEncoder": "training.embedding",
    "LogisticRegression": "heads.logistic",
    "Mapped": "store.mapped",
    "Method": "contract.method",
    "NoConfig": "contract.config",
    "Pairs": "training.pairs",
    "Perceptron": "heads.mlp",
    "PictureTable": "training.episodic",
    "Pictures": "embed.pictures",
    "PixelEncoder": "embed.pixels",
    "PretrainedEncoder": "embed.pretrained",
    "ProjectedEncoder": "training.projection",
    "Prototype": "heads.prototype",
    "QUERY": "data.index",
    "Row": "data.build",
    "SUPPORT": "data.index",
    "Scan": "data.scan",
    "Schedule": "training.loop",
    "Tasks": "episodes.tasks",
    "UsageError": "errors",
    "Validation": "training.embedding",
    "ValidationEpisodes": "training.episodic",
    "View": "embed.transforms",
    "average_precision": "metrics",
    "append_log": "training.log",
    "batch_pairs": "training.pairs",
    "build_index": "data.build",
    "contrastive": "training.losses",
    "conv4": "embed.small",
    "embedded": "training.episodic",
    "export": "training.embedding",
    "export_projected": "training.projection",
    "exported": "training.embedding",
    "freeze": "training.embedding",
    "hardest": "training.losses",
    "import_torchvision": "embed.torchvision_guard",
    "layout_error": "datasets.locate",
    "load_checkpoint": "training.checkpoint",
    "pairs_of_csv": "training.pairs",
    "pairs_of_labels": "training.pairs",
    "pictures": "training.embedding",
    "pool": "embed.pooling",
    "projected": "training.projection",
    "projected_encoder": "training.projection",
    "read_rows": "data.build",
    "seeded": "embed.small",
    "setting": "contract.config",
    "train": "training.loop",
    "trained_encoder": "training.embedding",
    "training_facts": "training.log",
    "triplet": "training.losses",
    "tunable": "contract.config",
    "unit_vectors": "training.embedding",
    "write_atomic": "files",
    "write_seen": "training.seen",
}

__all__ = sorted(HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"fewshot_bench.api has no {name!r}; it has {', '.join(sorted(HOME))}")
    return getattr(importlib.import_module(f"fewshot_bench.{HOME[name]}"), name)
