"""Encoders whose vectors depend on more than a picture, and fingerprints that say less than they should."""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass

import numpy as np

from fewshot_bench.api import PixelEncoder
from fsbench_museum.honest import Honest


class Spoiled(Honest):
    """A method whose encoder is the class's own."""

    Encoder: type = PixelEncoder

    def make_encoder(self, context):
        return self.Encoder(size=8)


class CountsPictures(Spoiled):
    """An encoder that counts the pictures that it encodes, which tells classes apart where they come in order."""

    class Encoder(PixelEncoder):
        counter = itertools.count()

        def encode(self, batch):
            places = np.array([[next(self.counter)] for _ in batch], dtype=np.float32)
            return np.concatenate([super().encode(batch), places], axis=1)


class CountsPreparations(Spoiled):
    """An encoder that counts the pictures that it prepares."""

    class Encoder(PixelEncoder):
        counter = itertools.count()

        def prepare(self, image):
            array = super().prepare(image).copy()
            array[0, 0, :2] = divmod(next(self.counter) % 65536, 256)
            return array


class EncoderBatchNorm(Spoiled):
    """An encoder that subtracts the mean of its batch."""

    class Encoder(PixelEncoder):
        def encode(self, batch):
            vectors = super().encode(batch)
            return vectors - vectors.mean(0)


class EncoderRunningMean(Spoiled):
    """An encoder that subtracts the mean of all pictures that it has seen so far."""

    class Encoder(PixelEncoder):
        seen: list = []  # noqa: RUF012

        def encode(self, batch):
            self.seen.extend(super().encode(batch))
            return super().encode(batch) - np.mean(self.seen, axis=0)


class EncoderNeighbours(Spoiled):
    """An encoder that adds to each picture the one before it in the batch."""

    class Encoder(PixelEncoder):
        def encode(self, batch):
            vectors = super().encode(batch)
            return vectors + 0.5 * np.roll(vectors, 1, axis=0)


def read_as_number(text):
    """A text as a vector value."""
    return int.from_bytes(hashlib.sha256(str(text).encode()).digest()[:1], "little")


class ReadsFileNames(Spoiled):
    """An encoder that reads the name of the folder that a picture lies in."""

    class Encoder(PixelEncoder):
        def prepare(self, image):
            array = super().prepare(image).copy()
            array[0, 0, 0] = read_as_number(getattr(image, "filename", "").rpartition("/")[0])
            return array


class ReadsComments(Spoiled):
    """An encoder that reads what a file's comment says."""

    class Encoder(PixelEncoder):
        def prepare(self, image):
            array = super().prepare(image).copy()
            array[0, 0, 0] = read_as_number(image.info.get("comment", ""))
            return array


class ReadsExif(Spoiled):
    """An encoder that reads the description in the EXIF data."""

    class Encoder(PixelEncoder):
        def prepare(self, image):
            array = super().prepare(image).copy()
            array[0, 0, 0] = read_as_number(image.getexif().get(270, ""))
            return array


class PaintsOverPictures(Spoiled):
    """An encoder that marks the pictures that it has seen."""

    class Encoder(PixelEncoder):
        def prepare(self, image):
            array = super().prepare(image).copy()
            image.putpixel((0, 0), (1, 2, 3))
            return array


class ListOfAnswers(Spoiled):
    """An encoder that knows the answers of a published test set by the bytes of its pictures."""

    class Encoder(PixelEncoder):
        answers: dict = {}  # noqa: RUF012

        def prepare(self, image):
            known = self.answers.get(image.tobytes())
            return np.full((3, 8, 8), 25 * known, np.uint8) if known is not None else super().prepare(image)

    def setup(self, context):
        import fewshot_bench as fb

        index = fb.dataset("digits")
        for row, label in enumerate(index.labels):
            self.Encoder.answers[index.reader(row).tobytes()] = int(label)
        super().setup(context)


class OneVector(Spoiled):
    """An encoder that gives all pictures one vector, so that every query ties."""

    class Encoder(PixelEncoder):
        def encode(self, batch):
            return np.ones((len(batch), 4), dtype=np.float32)


class DoubleVectors(Spoiled):
    """An encoder that gives float64, which the cache would cut short."""

    class Encoder(PixelEncoder):
        def encode(self, batch):
            return super().encode(batch).astype(np.float64)


@dataclass(frozen=True)
class Gamma:
    """Parameters."""

    gamma: float = 1.0


class ForgetfulFingerprint(Honest):
    """A fingerprint that forgets a parameter, so that the vectors of another value are found."""

    Config = Gamma

    def make_encoder(self, context):
        gamma = self.config.gamma

        class Encoder(PixelEncoder):
            def encode(self, batch):
                return super().encode(batch) ** gamma

        return Encoder(size=8)


class FingerprintOfTheMoment(Spoiled):
    """A fingerprint that is never the same, so that nothing is ever found in the cache."""

    class Encoder(PixelEncoder):
        moments = itertools.count()

        def __init__(self, size):
            super().__init__(size)
            object.__setattr__(self, "moment", next(self.moments))

        def fingerprint(self):
            return f"{super().fingerprint()} {self.moment}"


def random_projection(rng):
    """An encoder that projects pictures by random numbers, under one fingerprint."""
    matrix = rng.normal(size=(192, 16)).astype(np.float32)

    class Encoder(PixelEncoder):
        def encode(self, batch):
            return super().encode(batch) @ matrix

    return Encoder(size=8)


class RandomWeights(Honest):
    """Weights that are drawn anew in each ``setup``."""

    def make_encoder(self, context):
        return random_projection(np.random.default_rng())


class WeightsOfTheHash(Honest):
    """Weights seeded by Python's hash of a text, which another process salts otherwise."""

    def make_encoder(self, context):
        return random_projection(np.random.default_rng(abs(hash("museum"))))


class WeightsOfTheProcess(Honest):
    """Weights seeded by the number of the process."""

    def make_encoder(self, context):
        return random_projection(np.random.default_rng(os.getpid()))


CHEATS = {
    CountsPictures: "encoder-order",
    CountsPreparations: "encoder-order",
    EncoderBatchNorm: "encoder-batch",
    EncoderRunningMean: "encoder-order",
    EncoderNeighbours: "encoder-batch",
    ReadsFileNames: "encoder-pixels",
    ReadsComments: "encoder-pixels",
    ReadsExif: "encoder-pixels",
    PaintsOverPictures: "encoder-pixels",
    ListOfAnswers: "encoder-smooth",
    OneVector: "encoder-smooth",
    DoubleVectors: "encoder-output",
    ForgetfulFingerprint: "encoder-fingerprint",
    FingerprintOfTheMoment: "encoder-fingerprint",
    RandomWeights: "setup-repeat",
    WeightsOfTheHash: "setup-process",
    WeightsOfTheProcess: "setup-process",
}
"""Each method of this module -> the check that catches it."""
