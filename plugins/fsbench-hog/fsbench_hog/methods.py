"""HOG under two heads: nearest neighbours, and a perceptron with two hidden layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from fewshot_bench.api import Context, EmbeddingMethod, KNearest, Perceptron, setting, tunable
from fsbench_hog.encoder import HogEncoder, HogSetting

REFERENCE = (
    "Chesterkine, Han, Santos García, Obara Yamakoshi, Zhang: Fashion products identification, Navee project; "
    "Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005"
)


@dataclass(frozen=True, kw_only=True)
class Hog:
    """The parameters that both methods have.

    The report states 1,728 values and not the setting that gives them; this one does. 80 × 60 px is the size of
    the smaller copy of its pictures; 8-px cells in blocks of 2 × 2 with 8 orientations are then 9 × 6 × 4 × 8 =
    1,728 values.
    """

    height: int = tunable(80, 32, 224, unit="pixels", help="of the picture that is described")
    width: int = tunable(60, 32, 224, unit="pixels", help="of the picture that is described")
    cell: int = tunable(8, 4, 32, unit="pixels", help="side of a cell")
    block: int = tunable(2, 1, 4, unit="cells", help="side of a block; one begins at every cell")
    orientations: int = tunable(8, 4, 18, help="bins of the angle of a gradient, 0 to 180 degrees")
    norm: Literal["L1", "L1-sqrt", "L2", "L2-Hys"] = setting("L2-Hys", "normalisation of a block")
    colour: bool = setting(False, "the strongest gradient of R, G and B, instead of the grey picture")


Given = TypeVar("Given", bound=Hog)


class HogMethod(EmbeddingMethod[Given], Generic[Given]):
    """Describes shapes alone, by counting the directions of edges in each part of the picture."""

    api_version = 1
    reference = REFERENCE

    def setup(self, context: Context) -> None:
        """Sets the encoder; subclasses add the head."""
        c = self.config
        self.encoder = HogEncoder(
            HogSetting(c.height, c.width, c.cell, c.block, c.orientations, c.norm, c.colour)
        )


@dataclass(frozen=True, kw_only=True)
class KnnConfig(Hog):
    """Parameters of ``hog-knn``."""

    k: int = tunable(1, 1, 15, help="support images that vote")
    metric: Literal["euclidean", "cosine"] = setting(
        "euclidean", "distance between a query and a support image"
    )


class HogKnn(HogMethod[KnnConfig]):
    """Predicts the class of the support picture whose edges run most alike."""

    name = "hog-knn"
    summary = "histograms of oriented gradients, k nearest support images"

    def setup(self, context: Context) -> None:
        """Sets HOG as the encoder and nearest neighbours as the head."""
        super().setup(context)
        self.head = KNearest(k=self.config.k, metric=self.config.metric)


@dataclass(frozen=True, kw_only=True)
class MlpConfig(Hog):
    """Parameters of ``hog-mlp``; the widths are the report's, which does not describe the training."""

    first: int = tunable(256, 16, 1024, log=True, help="units of the first hidden layer")
    second: int = tunable(150, 0, 1024, help="units of the second hidden layer; 0: there is none")
    lr: float = tunable(1e-3, 1e-4, 1e-2, log=True, help="Adam's learning rate")
    batch: int = tunable(200, 32, 1024, log=True, help="images of a step")
    epochs: int = tunable(40, 5, 200, log=True, help="passes over the support after which training ends")
    min_steps: int = tunable(200, 50, 1000, log=True, help="steps that training takes at least")


class HogMlp(HogMethod[MlpConfig]):
    """A perceptron 1728–256–150–N on HOG, trained on the support of each episode."""

    name = "hog-mlp"
    summary = "histograms of oriented gradients, a perceptron with two hidden layers"
    calibrated = True

    def setup(self, context: Context) -> None:
        """Sets HOG as the encoder and a perceptron as the head."""
        super().setup(context)
        c = self.config
        self.head = Perceptron(
            hidden=(c.first, c.second) if c.second else (c.first,),
            lr=c.lr,
            batch=c.batch,
            epochs=c.epochs,
            min_steps=c.min_steps,
            seed=context.seed,
        )
