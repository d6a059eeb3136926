"""Episodes: integer arrays, drawn by a private counter-based generator, hashed, saved and replayed."""

from fewshot_bench.episodes.distinct import distinct_supports
from fewshot_bench.episodes.eligible import all_suffice
from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.manifest import load_manifest, save_manifest
from fewshot_bench.episodes.pools import ImageArrays
from fewshot_bench.episodes.sampler import sample
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.episodes.validate import validate

__all__ = [
    "EpisodeSet",
    "EpisodeSpec",
    "ImageArrays",
    "Tasks",
    "all_suffice",
    "distinct_supports",
    "load_manifest",
    "sample",
    "save_manifest",
    "validate",
]
