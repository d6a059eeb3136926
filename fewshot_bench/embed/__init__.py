"""Encoders by name, pooling, and the cache of their embeddings."""

from fewshot_bench.embed.cache import EmbeddingCache

__all__ = ["EmbeddingCache"]
