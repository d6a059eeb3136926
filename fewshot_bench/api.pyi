# ruff: noqa: I001 (the order is that of the groups, each below the line that ``help`` shows above its names)

# Methods: subclass one, and declare it in the entry-point group fewshot_bench.methods.
from fewshot_bench.contract.method import EmbeddingMethod as EmbeddingMethod
from fewshot_bench.contract.method import EpisodicMethod as EpisodicMethod
from fewshot_bench.contract.method import Method as Method
from fewshot_bench.contract.context import Context as Context

# Parameters of a method: fields of a frozen dataclass, which is the method's Config.
from fewshot_bench.contract.config import NoConfig as NoConfig
from fewshot_bench.contract.config import setting as setting
from fewshot_bench.contract.config import share as share
from fewshot_bench.contract.config import tunable as tunable
from fewshot_bench.contract.config import used_parameters as used_parameters

# Episodes as a method sees them: row numbers of a table, without the labels of queries.
from fewshot_bench.episodes.image_tasks import ImageTasks as ImageTasks
from fewshot_bench.episodes.tasks import Tasks as Tasks
from fewshot_bench.episodes.blocks import Block as Block

# Encoders: a picture becomes a vector.
from fewshot_bench.store.encoder import Encoder as Encoder
from fewshot_bench.embed.pixels import PixelEncoder as PixelEncoder
from fewshot_bench.embed.pretrained import PretrainedEncoder as PretrainedEncoder
from fewshot_bench.embed.torch_encoder import TorchEncoder as TorchEncoder
from fewshot_bench.embed.torch_encoder import TrunkEncoder as TrunkEncoder
from fewshot_bench.embed.transforms import InputTransform as InputTransform
from fewshot_bench.store.mapped import Mapped as Mapped
from fewshot_bench.embed.pictures import Pictures as Pictures
from fewshot_bench.embed.transforms import FROZEN_VIEW as FROZEN_VIEW
from fewshot_bench.embed.transforms import View as View
from fewshot_bench.embed.pooling import pool as pool
from fewshot_bench.embed.small import conv4 as conv4
from fewshot_bench.embed.small import seeded as seeded
from fewshot_bench.embed.weights import read_state as read_state
from fewshot_bench.embed.weights import weights_facts as weights_facts
from fewshot_bench.embed.torchvision_guard import import_torchvision as import_torchvision

# Heads: vectors of support and queries become scores of classes.
from fewshot_bench.heads.gather import indices as indices
from fewshot_bench.heads.gather import inner_products as inner_products
from fewshot_bench.heads.head import Head as Head
from fewshot_bench.heads.knn import KNearest as KNearest
from fewshot_bench.heads.logistic import LogisticRegression as LogisticRegression
from fewshot_bench.heads.estimator import EstimatorHead as EstimatorHead
from fewshot_bench.heads.per_episode import PerEpisode as PerEpisode
from fewshot_bench.heads.estimator import make_estimator as make_estimator
from fewshot_bench.heads.mlp import Perceptron as Perceptron
from fewshot_bench.heads.prototype import Prototype as Prototype

# Methods that train: the mathematics of a training; the engine does the rest.
from fewshot_bench.contract.trained import TrainedMethod as TrainedMethod
from fewshot_bench.contract.trained_episodic import TrainedEpisodicMethod as TrainedEpisodicMethod
from fewshot_bench.contract.trained_config import TrainedConfig as TrainedConfig
from fewshot_bench.contract.trained_config import ScheduledConfig as ScheduledConfig
from fewshot_bench.contract.trained_config import BothViews as BothViews
from fewshot_bench.contract.trainable import Loss as Loss
from fewshot_bench.contract.once import arrays_once as arrays_once
from fewshot_bench.contract.once import network_once as network_once

# Training data: base classes, and batches drawn from them.
from fewshot_bench.training.base import BaseData as BaseData
from fewshot_bench.training.batches import Batches as Batches
from fewshot_bench.training.class_batches import ClassBatches as ClassBatches
from fewshot_bench.training.batches import EpisodeBatch as EpisodeBatch
from fewshot_bench.training.batches import Episodes as Episodes
from fewshot_bench.training.batches import PairBatches as PairBatches
from fewshot_bench.training.batches import PictureBatch as PictureBatch
from fewshot_bench.training.batches import PictureBatches as PictureBatches
from fewshot_bench.training.batches import TripletBatches as TripletBatches
from fewshot_bench.training.batches import TupleBatch as TupleBatch
from fewshot_bench.training.pairs import Pairs as Pairs
from fewshot_bench.training.pairs import batch_pairs as batch_pairs
from fewshot_bench.training.pairs import pairs_of_csv as pairs_of_csv
from fewshot_bench.training.pairs import pairs_of_labels as pairs_of_labels
from fewshot_bench.training.pictures import Prepare as Prepare
from fewshot_bench.training.pictures import read_pictures as read_pictures
from fewshot_bench.training.augment import Augment as Augment
from fewshot_bench.training.augment import Augmentation as Augmentation
from fewshot_bench.training.augment import augmented as augmented
from fewshot_bench.training.distort import Distortion as Distortion
from fewshot_bench.training.distort import as_tensor as as_tensor
from fewshot_bench.training.distort import resized as resized
from fewshot_bench.training.draw import generators as generators

# Training: losses, networks, the schedule, validation.
from fewshot_bench.training.losses import contrastive as contrastive
from fewshot_bench.training.losses import cosines as cosines
from fewshot_bench.training.losses import episode_loss as episode_loss
from fewshot_bench.training.losses import hardest as hardest
from fewshot_bench.training.losses import mined as mined
from fewshot_bench.training.losses import squared_distances as squared_distances
from fewshot_bench.training.losses import triplet as triplet
from fewshot_bench.training.network import Projection as Projection
from fewshot_bench.training.network import make_network as make_network
from fewshot_bench.training.precision import mixed as mixed
from fewshot_bench.training.schedule import Schedule as Schedule
from fewshot_bench.training.loop import train as train
from fewshot_bench.training.validation import Validation as Validation
from fewshot_bench.training.projection import single_view as single_view
from fewshot_bench.training.linear import LinearEncoder as LinearEncoder

# Data sets: subclass DatasetSource, and declare it in the entry-point group fewshot_bench.datasets.
from fewshot_bench.contract.source import Card as Card
from fewshot_bench.contract.source import DatasetSource as DatasetSource
from fewshot_bench.data.build import Row as Row
from fewshot_bench.data.build import build_index as build_index
from fewshot_bench.data.build import read_rows as read_rows
from fewshot_bench.data.decode import open_rgb as open_rgb
from fewshot_bench.files import open_regular as open_regular
from fewshot_bench.files import open_text as open_text
from fewshot_bench.data.from_bytes import index_of_bytes as index_of_bytes
from fewshot_bench.data.index import ImageIndex as ImageIndex
from fewshot_bench.data.scan import Scan as Scan
from fewshot_bench.datasets.locate import layout_error as layout_error

# Metrics: subclass Metric, and declare it in the entry-point group fewshot_bench.metrics.
from fewshot_bench.metrics.metric import Metric as Metric
from fewshot_bench.episodes.own import Sampler as Sampler
from fewshot_bench.episodes.sampler import sample as sample
from fewshot_bench.protocols import Protocol as Protocol

# Scores of a run, as ``fsbench run --keep-scores`` writes them.
from fewshot_bench.engine.kept_scores import KeptScores as KeptScores

# The side of an episode on which a picture may stand, one value a picture in ImageIndex.pools: 1, 2 and 3.
from fewshot_bench.data.index import SUPPORT as SUPPORT
from fewshot_bench.data.index import QUERY as QUERY
from fewshot_bench.data.index import BOTH as BOTH

# Errors that a person sees as one sentence.
from fewshot_bench.errors import FsbenchError as FsbenchError
from fewshot_bench.errors import UsageError as UsageError
