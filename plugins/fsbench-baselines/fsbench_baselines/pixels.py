"""Raw pixels: 1-nearest neighbour on 32×32 pictures, the floor of every leaderboard."""

from __future__ import annotations

from dataclasses import dataclass

from fewshot_bench.api import Context, EmbeddingMethod, KNearest, PixelEncoder, tunable


@dataclass(frozen=True)
class Config:
    """Parameters of ``pixels``."""

    size: int = tunable(32, 8, 64, unit="pixels", help="side of the square that a picture is shrunk to")
    k: int = tunable(1, 1, 5, help="support images that vote")


class Pixels(EmbeddingMethod[Config]):
    """Predicts the class of the support picture that differs least, pixel by pixel."""

    api_version = 1
    name = "pixels"
    summary = "1-nearest neighbour on raw 32×32 pixels: the floor"

    def setup(self, context: Context) -> None:
        """Sets raw pixels as the encoder and nearest neighbours as the head."""
        self.encoder = PixelEncoder(size=self.config.size)
        self.head = KNearest(k=self.config.k)
