"""Encoders by name, and pooling. Importing it imports no torch."""

from fewshot_bench.embed.pixels import PixelEncoder
from fewshot_bench.embed.pretrained import PretrainedEncoder, pretrained_encoder

__all__ = ["PixelEncoder", "PretrainedEncoder", "pretrained_encoder"]
