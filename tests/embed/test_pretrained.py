"""PretrainedEncoder: vectors that depend on the picture alone, and a fingerprint on all else."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fewshot_bench.embed import PretrainedEncoder, pretrained_encoder
from fewshot_bench.embed.pooling import POOLINGS, pool
from fewshot_bench.embed.transforms import VIEWS
from fewshot_bench.errors import UsageError
from fewshot_bench.store.cache import EmbeddingCache
from fewshot_bench.store.encoder import Encoder


def pictures(count, seed=0):
    rng = np.random.default_rng(seed)
    return [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.fixture(scope="module")
def small():
    """EfficientNet-Lite0 at 64 px."""
    return PretrainedEncoder(size=64)


def test_it_is_an_encoder_of_finite_float32_vectors(small):
    assert isinstance(small, Encoder)
    assert (small.pretraining, small.name) == ("ImageNet-1k", "efficientnet_lite0, average, pad 64px")
    batch = np.stack([small.prepare(picture) for picture in pictures(3)])
    assert batch.shape == (3, 3, 64, 64) and batch.dtype == np.uint8
    vectors = small.encode(batch)
    assert vectors.shape == (3, 1280) and vectors.dtype == np.float32
    assert np.isfinite(vectors).all() and np.unique(vectors, axis=0).shape[0] == 3


def test_encoding_is_the_trunk_and_the_pooling(small):
    batch = np.stack([small.prepare(picture) for picture in pictures(2)])
    with torch.inference_mode():
        features = small.trunk((torch.from_numpy(batch).float() - 127) / 128)
    for kind in POOLINGS:
        encoder = PretrainedEncoder(size=64, pooling=kind)
        encoder.__dict__["trunk"] = small.trunk
        np.testing.assert_allclose(encoder.encode(batch), pool(features, kind).numpy(), atol=1e-5)


def test_a_vector_is_the_same_alone_or_among_others(small, plain, tmp_path):
    """Byte for byte, through the cache, which always encodes full batches."""
    images = pictures(40)
    index = plain(range(40), lambda row: images[row])
    together = EmbeddingCache(tmp_path / "a").embed(small, index, np.arange(40), batch_size=16)
    for rows in ([7], [39, 3], [20, 21, 22]):
        alone = EmbeddingCache(tmp_path / str(rows[0])).embed(small, index, np.array(rows), batch_size=16)
        assert alone.tobytes() == together[rows].tobytes()


def test_bf16_is_close_to_float32(small):
    batch = np.stack([small.prepare(picture) for picture in pictures(4)])
    exact, fast = small.encode(batch), PretrainedEncoder(size=64, precision="bf16").encode(batch)
    assert fast.dtype == np.float32
    cosine = (exact * fast).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(fast, axis=1)
    assert cosine.min() > 0.99


def test_both_is_the_sum_of_the_unit_vectors_of_the_padded_and_the_cropped_view(small):
    vectors = {}
    for view in ("pad", "crop", "both"):
        encoder = PretrainedEncoder(size=64, view=view)
        encoder.__dict__["trunk"] = small.trunk
        vectors[view] = encoder.encode(np.stack([encoder.prepare(picture) for picture in pictures(3)]))
    pad, crop = (vectors[v] / np.linalg.norm(vectors[v], axis=1, keepdims=True) for v in ("pad", "crop"))
    np.testing.assert_allclose(vectors["both"], pad + crop, atol=1e-5)
    assert np.abs(pad - crop).max() > 0.01


def test_for_both_a_picture_is_decoded_once(plain, tmp_path):
    read = []

    def reader(row):
        read.append(row)
        return pictures(4)[row]

    encoder = PretrainedEncoder(size=32, view="both")
    found = EmbeddingCache(tmp_path).embed(encoder, plain(range(4), reader), np.arange(4), batch_size=4)
    assert found.shape == (4, 1280) and sorted(read) == [0, 1, 2, 3]


def test_bf16_is_for_the_network_alone():
    """The trunk computes in bfloat16; LCA's weighted sum of its map does not."""
    encoder = PretrainedEncoder(size=64, pooling="lca", precision="bf16")
    maps, trunk = [], encoder.trunk
    encoder.__dict__["trunk"] = lambda x: maps.append(trunk(x)) or maps[0]
    vectors = encoder.encode(np.stack([encoder.prepare(picture) for picture in pictures(2)]))
    assert maps[0].dtype == torch.bfloat16
    np.testing.assert_array_equal(vectors, pool(maps[0].float(), "lca").numpy())


def test_every_setting_is_in_the_fingerprint_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)
    other = tmp_path / "other.pth"
    other.write_bytes(b"other weights")
    settings = [
        *({"pooling": pooling, "view": view} for pooling, view in itertools.product(POOLINGS, VIEWS)),
        {"size": 128},
        {"precision": "bf16"},
        {"weights": other},
        {"backbone": "resnet18"},
        {"backbone": "resnet34"},
        {"backbone": "timm:resnet18"},
    ]
    prints = [PretrainedEncoder(**options).fingerprint() for options in settings]
    assert len(set(prints)) == len(prints)
    same = [
        PretrainedEncoder(device="cuda"),
        PretrainedEncoder(cache=tmp_path),
        pretrained_encoder(view=None),
    ]
    assert {encoder.fingerprint() for encoder in same} == {PretrainedEncoder().fingerprint()}
    assert (tmp_path / "weights.json").is_file()
    qualified = PretrainedEncoder("torchvision:resnet18")
    assert qualified.fingerprint() == PretrainedEncoder("resnet18").fingerprint()


def test_the_same_weights_in_another_place_have_the_same_fingerprint(tmp_path):
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).write_bytes(b"weights")
    one, two = (pretrained_encoder("resnet18", weights=str(tmp_path / name)) for name in ("a.pth", "b.pth"))
    assert one.fingerprint() == two.fingerprint()


def test_no_network_is_built_for_a_fingerprint(monkeypatch):
    monkeypatch.setattr("fewshot_bench.embed.trunks.build_trunk", None)
    assert len(PretrainedEncoder().fingerprint()) == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "no pooling 'max'"),
        ({"precision": "int8"}, "float32, bf16, not 'int8'"),
    ],
)
def test_wrong_settings_are_usage_errors_at_once(options, message):
    with pytest.raises(UsageError, match=message):
        pretrained_encoder(**options)


def test_a_wrong_view_is_a_usage_error():
    with pytest.raises(UsageError, match="not 'squash'"):
        pretrained_encoder(view="squash").fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dim", "side"), [("mobilenet_v2", 1280, 225), ("squeezenet1_0", 512, 227)])
def test_real_files_tell_apples_from_bananas(name, dim, side):
    """Nearest class mean of four pictures each, on pictures that were not among them."""
    folder, data = os.environ.get("FSBENCH_WEIGHTS"), os.environ.get("FSBENCH_DATA")
    if not folder or not data:
        pytest.skip("FSBENCH_WEIGHTS or FSBENCH_DATA is not set: no weights, or no photographs")
    encoder = PretrainedEncoder(name)
    if encoder.found.weights is None:
        pytest.skip(f"{name} is not in FSBENCH_WEIGHTS")
    fruit = Path(data) / "grocery-store/dataset/train/Fruit"
    files = [sorted((fruit / kind).glob("*.jpg"))[:8] for kind in ("Apple/Granny-Smith", "Banana")]
    if not all(files):
        pytest.skip("grocery-store is not in FSBENCH_DATA")
    batch = np.stack([encoder.prepare(Image.open(file)) for kind in files for file in kind])
    assert batch.shape[1:] == (3, side, side)
    vectors = encoder.encode(batch).reshape(2, 8, dim)
    means = vectors[:, :4].mean(1)
    distances = np.linalg.norm(vectors[:, 4:, None] - means, axis=3)
    assert (distances.argmin(2) == np.array([[0], [1]])).mean() >= 7 / 8
