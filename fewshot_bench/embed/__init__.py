"""Encoders by name, pooling, and the cache of their embeddings. Importing it imports no torch."""

from fewshot_bench.embed.cache import EmbeddingCache
from fewshot_bench.embed.pixels import PixelEncoder
from fewshot_bench.embed.pretrained import PretrainedEncoder, pretrained_encoder

__all__ = ["EmbeddingCache", "PixelEncoder", "PretrainedEncoder", "pretrained_encoder"]
