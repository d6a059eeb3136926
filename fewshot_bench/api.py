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
    from fewshot_bench.contract.config import share as share
    from fewshot_bench.contract.config import tunable as tunable
    from fewshot_bench.contract.config import used_parameters as used_parameters
    from fewshot_bench.contract.context import Context as Context
    from fewshot_bench.contract.method import EmbeddingMethod as EmbeddingMethod
    from fewshot_bench.contract.method import EpisodicMethod as EpisodicMethod
    from fewshot_bench.contract.method import Method as Method
    from fewshot_bench.contract.once import arrays_once as arrays_once
    from fewshot_bench.contract.once import network_once as network_once
    from fewshot_bench.contract.source import Card as Card
    from fewshot_bench.contract.source import DatasetSource as DatasetSource
    from fewshot_bench.contract.trained import Loss as Loss
    from fewshot_bench.contract.trained import TrainedEpisodicMethod as TrainedEpisodicMethod
    from fewshot_bench.contract.trained import TrainedMethod as TrainedMethod
    from fewshot_bench.contract.trained_config import ScheduledConfig as ScheduledConfig
    from fewshot_bench.contract.trained_config import TrainedConfig as TrainedConfig
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
    from fewshot_bench.episodes.image_tasks import ImageTasks as ImageTasks
    from fewshot_bench.episodes.tasks import Tasks as Tasks
    from fewshot_bench.errors import FsbenchError as FsbenchError
    from fewshot_bench.errors import UsageError as UsageError
    from fewshot_bench.heads.head import Head as Head
    from fewshot_bench.heads.knn import KNearest as KNearest
    from fewshot_bench.heads.logistic import LogisticRegression as LogisticRegression
    from fewshot_bench.heads.mlp import Perceptron as Perceptron
    from fewshot_bench.heads.prototype import Prototype as Prototype
    from fewshot_bench.store.encoder import Encoder as Encoder
    from fewshot_bench.store.mapped import Mapped as Mapped
    from fewshot_bench.training.augment import Augment as Augment
    from fewshot_bench.training.augment import Augmentation as Augmentation
    from fewshot_bench.training.augment import augmented as augmented
    from fewshot_bench.training.base import BaseData as BaseData
    from fewshot_bench.training.batches import Batches as Batches
    from fewshot_bench.training.batches import EpisodeBatch as EpisodeBatch
    from fewshot_bench.training.batches import Episodes as Episodes
    from fewshot_bench.training.batches import PairBatches as PairBatches
    from fewshot_bench.training.batches import PictureBatch as PictureBatch
    from fewshot_bench.training.batches import PictureBatches as PictureBatches
    from fewshot_bench.training.batches import TripletBatches as TripletBatches
    from fewshot_bench.training.batches import TupleBatch as TupleBatch
    from fewshot_bench.training.distort import Distortion as Distortion
    from fewshot_bench.training.distort import as_tensor as as_tensor
    from fewshot_bench.training.distort import resized as resized
    from fewshot_bench.training.draw import generators as generators
    from fewshot_bench.training.linear import LinearEncoder as LinearEncoder
    from fewshot_bench.training.loop import train as train
    from fewshot_bench.training.losses import contrastive as contrastive
    from fewshot_bench.training.losses import cosines as cosines
    from fewshot_bench.training.losses import episode_loss as episode_loss
    from fewshot_bench.training.losses import hardest as hardest
    from fewshot_bench.training.losses import mined as mined
    from fewshot_bench.training.losses import squared_distances as squared_distances
    from fewshot_bench.training.losses import triplet as triplet
    from fewshot_bench.training.network import Projection as Projection
    from fewshot_bench.training.network import make_network as make_network
    from fewshot_bench.training.pairs import Pairs as Pairs
    from fewshot_bench.training.pairs import batch_pairs as batch_pairs
    from fewshot_bench.training.pairs import pairs_of_csv as pairs_of_csv
    from fewshot_bench.training.pairs import pairs_of_labels as pairs_of_labels
    from fewshot_bench.training.pictures import Prepare as Prepare
    from fewshot_bench.training.pictures import read_pictures as read_pictures
    from fewshot_bench.training.precision import mixed as mixed
    from fewshot_bench.training.projection import single_view as single_view
    from fewshot_bench.training.schedule import Schedule as Schedule
    from fewshot_bench.training.validation import Validation as Validation

HOME = {
    "Augment": "training.augment",
    "Augmentation": "training.augment",
    "BOTH": "data.index",
    "BaseData": "training.base",
    "Batches": "training.batches",
    "Card": "contract.source",
    "Context": "contract.context",
    "DatasetSource": "contract.source",
    "Distortion": "training.distort",
    "EmbeddingMethod": "contract.method",
    "Encoder": "store.encoder",
    "EpisodeBatch": "training.batches",
    "Episodes": "training.batches",
    "EpisodicMethod": "contract.method",
    "FsbenchError": "errors",
    "Head": "heads.head",
    "ImageIndex": "data.index",
    "ImageTasks": "episodes.image_tasks",
    "KNearest": "heads.knn",
    "LinearEncoder": "training.linear",
    "LogisticRegression": "heads.logistic",
    "Loss": "contract.trained",
    "Mapped": "store.mapped",
    "Method": "contract.method",
    "NoConfig": "contract.config",
    "PairBatches": "training.batches",
    "Pairs": "training.pairs",
    "Perceptron": "heads.mlp",
    "PictureBatch": "training.batches",
    "PictureBatches": "training.batches",
    "Pictures": "embed.pictures",
    "PixelEncoder": "embed.pixels",
    "Prepare": "training.pictures",
    "PretrainedEncoder": "embed.pretrained",
    "Projection": "training.network",
    "Prototype": "heads.prototype",
    "QUERY": "data.index",
    "Row": "data.build",
    "SUPPORT": "data.index",
    "Scan": "data.scan",
    "Schedule": "training.schedule",
    "ScheduledConfig": "contract.trained_config",
    "Tasks": "episodes.tasks",
    "TrainedConfig": "contract.trained_config",
    "TrainedEpisodicMethod": "contract.trained",
    "TrainedMethod": "contract.trained",
    "TripletBatches": "training.batches",
    "TupleBatch": "training.batches",
    "UsageError": "errors",
    "Validation": "training.validation",
    "arrays_once": "contract.once",
    "as_tensor": "training.distort",
    "augmented": "training.augment",
    "batch_pairs": "training.pairs",
    "build_index": "data.build",
    "contrastive": "training.losses",
    "conv4": "embed.small",
    "cosines": "training.losses",
    "episode_loss": "training.losses",
    "generators": "training.draw",
    "hardest": "training.losses",
    "import_torchvision": "embed.torchvision_guard",
    "layout_error": "datasets.locate",
    "make_network": "training.network",
    "mined": "training.losses",
    "mixed": "training.precision",
    "network_once": "contract.once",
    "pairs_of_csv": "training.pairs",
    "pairs_of_labels": "training.pairs",
    "pool": "embed.pooling",
    "read_pictures": "training.pictures",
    "read_rows": "data.build",
    "resized": "training.distort",
    "seeded": "embed.small",
    "setting": "contract.config",
    "share": "contract.config",
    "single_view": "training.projection",
    "squared_distances": "training.losses",
    "train": "training.loop",
    "triplet": "training.losses",
    "tunable": "contract.config",
    "used_parameters": "contract.config",
}

__all__ = sorted(HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"fewshot_bench.api has no {name!r}; it has {', '.join(sorted(HOME))}")
    return getattr(importlib.import_module(f"fewshot_bench.{HOME[name]}"), name)
