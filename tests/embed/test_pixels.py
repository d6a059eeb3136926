"""Raw pixels, by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.embed.pixels import PixelEncoder
from fewshot_bench.store.encoder import Encoder


def test_pixels_are_the_picture_scaled_to_one():
    encoder = PixelEncoder(size=2)
    colours = np.array([[[255, 0, 51], [0, 0, 0]], [[255, 255, 255], [102, 0, 0]]], dtype=np.uint8)
    batch = encoder.prepare(Image.fromarray(colours))[None]
    got = encoder.encode(batch)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, [[1, 0, 1, 0.4, 0, 0, 1, 0, 0.2, 0, 1, 0]], atol=1e-7)


def test_every_picture_has_one_shape():
    encoder = PixelEncoder()
    assert isinstance(encoder, Encoder) and encoder.pretraining == "none"
    for image in (Image.new("L", (5, 90)), Image.new("RGB", (300, 20)), Image.new("P", (1, 1))):
        assert encoder.prepare(image).shape == (3, 32, 32)


def test_the_size_is_in_the_fingerprint():
    assert PixelEncoder(32).fingerprint() == PixelEncoder().fingerprint() != PixelEncoder(16).fingerprint()


@pytest.mark.subprocess
def test_no_torch_is_imported():
    code = (
        "import sys, numpy as np; from fewshot_bench.embed import PixelEncoder, pretrained_encoder;"
        "PixelEncoder().encode(np.zeros((1, 3, 32, 32), np.uint8)); pretrained_encoder().fingerprint();"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
