# ruff: noqa: I001 (the order is that of the groups, each below the line that ``help`` shows above its names)

# Methods: subclass one, and declare it in the entry-point group fewshot_bench.methods.
from fewshot_bench.contract.method import EmbeddingMethod as EmbeddingMethod
from fewshot_bench.contract.method import EpisodicMethod as EpisodicMethod
from fewshot_bench.contract.method import Method as Method
from fewshot_bench.contract.context import Context as Context

# Parameters of a method: fields of a frozen dataclass, which is the method's Config.
from fewshot_bench.contract.config import NoConfig as NoConfig
from fewshot_bench.contract.config import setting as setting
from fewshot_bench.contract.config import tunable as tunable

# Episodes as a method sees them: row numbers of a table, without the labels of queries.
from fewshot_bench.episodes.image_tasks import ImageTasks as ImageTasks
from fewshot_bench.episodes.tasks import Tasks as Tasks

# Encoders: a picture becomes a vector.
from fewshot_bench.store.encoder import Encoder as Encoder
from fewshot_bench.embed.pixels import PixelEncoder as PixelEncoder
from fewshot_bench.embed.pretrained import PretrainedEncoder as PretrainedEncoder
from fewshot_bench.store.mapped import Mapped as Mapped
from fewshot_bench.embed.pictures import Pictures as Pictures
from fewshot_bench.embed.pooling import pool as pool
from fewshot_bench.embed.small import conv4 as conv4
from fewshot_bench.embed.small import seeded as seeded
from fewshot_bench.embed.torchvision_guard import import_torchvision as import_torchvision

# Heads: vectors of support and queries become scores of classes.
from fewshot_bench.heads.head import Head as Head
from fewshot_bench.heads.knn import KNearest as KNearest
from fewshot_bench.heads.logistic import LogisticRegression as LogisticRegression
from fewshot_bench.heads.estimator import EstimatorHead as EstimatorHead
from fewshot_bench.heads.mlp import Perceptron as Perceptron
from fewshot_bench.heads.prototype import Prototype as Prototype

# Training data: base classes, and batches drawn from them.
from fewshot_bench.training.base import BaseData as BaseData
from fewshot_bench.training.episodic import EpisodeBatch as EpisodeBatch
from fewshot_bench.training.episodic import Episodes as Episodes
from fewshot_bench.training.episodic import EpisodeShape as EpisodeShape
from fewshot_bench.training.episodic import PictureTable as PictureTable
from fewshot_bench.training.episodic import ValidationEpisodes as ValidationEpisodes
from fewshot_bench.training.pairs import Pairs as Pairs
from fewshot_bench.training.pairs import batch_pairs as batch_pairs
from fewshot_bench.training.pairs import pairs_of_csv as pairs_of_csv
from fewshot_bench.training.pairs import pairs_of_labels as pairs_of_labels
from fewshot_bench.training.augment import Augmentation as Augmentation
from fewshot_bench.training.distort import Distortion as Distortion

# Training: losses, the loop, what is kept of a training.
from fewshot_bench.training.losses import contrastive as contrastive
from fewshot_bench.training.losses import hardest as hardest
from fewshot_bench.training.losses import triplet as triplet
from fewshot_bench.training.loop import Schedule as Schedule
from fewshot_bench.training.loop import train as train
from fewshot_bench.training.checkpoint import load_checkpoint as load_checkpoint
from fewshot_bench.training.embedding import LinearEncoder as LinearEncoder
from fewshot_bench.training.embedding import Validation as Validation
from fewshot_bench.training.embedding import export as export
from fewshot_bench.training.embedding import exported as exported
from fewshot_bench.training.embedding import freeze as freeze
from fewshot_bench.training.embedding import pictures as pictures
from fewshot_bench.training.embedding import trained_encoder as trained_encoder
from fewshot_bench.training.embedding import unit_vectors as unit_vectors
from fewshot_bench.training.episodic import embedded as embedded
from fewshot_bench.training.log import append_log as append_log
from fewshot_bench.training.log import training_facts as training_facts
from fewshot_bench.training.projection import ProjectedEncoder as ProjectedEncoder
from fewshot_bench.training.projection import export_projected as export_projected
from fewshot_bench.training.projection import projected as projected
from fewshot_bench.training.projection import projected_encoder as projected_encoder
from fewshot_bench.training.seen import write_seen as write_seen

# Data sets: subclass DatasetSource, and declare it in the entry-point group fewshot_bench.datasets.
from fewshot_bench.contract.source import Card as Card
from fewshot_bench.contract.source import DatasetSource as DatasetSource
from fewshot_bench.data.build import Row as Row
from fewshot_bench.data.build import build_index as build_index
from fewshot_bench.data.build import read_rows as read_rows
from fewshot_bench.data.index import ImageIndex as ImageIndex
from fewshot_bench.data.scan import Scan as Scan
from fewshot_bench.datasets.locate import layout_error as layout_error

# The side of an episode on which a picture may stand, one value a picture in ImageIndex.pools: 1, 2 and 3.
from fewshot_bench.data.index import SUPPORT as SUPPORT
from fewshot_bench.data.index import QUERY as QUERY
from fewshot_bench.data.index import BOTH as BOTH

# Measures, for the validation of a training.
from fewshot_bench.metrics import average_precision as average_precision

# Errors that a person sees as one sentence, and files that are either the old one or the new one.
from fewshot_bench.errors import FsbenchError as FsbenchError
from fewshot_bench.errors import UsageError as UsageError
from fewshot_bench.files import write_atomic as write_atomic
