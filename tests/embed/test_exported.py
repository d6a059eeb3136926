"""Networks in ONNX Runtime: the vectors of torch, whatever the batch and the threads; else torch, and it is said."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_bench import identity
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed import exported as module
from fewshot_bench.embed.pooling import POOLINGS
from fewshot_bench.embed.transforms import VIEWS
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.cache import EmbeddingCache

pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def automatic(monkeypatch):
    monkeypatch.setenv(module.VARIABLE, "auto")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for the module: each encoder is exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def small(cache):
    """EfficientNet-Lite0 at 32 px."""
    return PretrainedEncoder(size=32, cache=cache)


def batch_of(encoder, count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *encoder.transform.shape), dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pooling", "view"), [*((p, "pad") for p in POOLINGS), *(("average", v) for v in VIEWS[1:])]
)
def test_vectors_are_those_of_torch(cache, pooling, view):
    encoder = PretrainedEncoder(size=32, pooling=pooling, view=view, cache=cache)
    batch = batch_of(encoder, 6)
    assert encoder.backend == "onnxruntime"
    found, wanted = encoder.encode(batch), encoder.own().encode(batch)
    assert found.dtype == np.float32 and np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_a_vector_depends_neither_on_its_batch_nor_on_the_number_of_threads(small, monkeypatch):
    batch, found = batch_of(small, 9), []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        again = replace(small)
        found += [
            again.encode(batch),
            np.concatenate([again.encode(batch[i : i + 2]) for i in range(0, 9, 2)]),
        ]
    assert len({vectors.tobytes() for vectors in found}) == 1


def test_the_cache_asks_for_no_more_pictures_than_there_are(small, plain, tmp_path, monkeypatch):
    asked: list[int] = []
    encode = PretrainedEncoder.encode

    def counted(self, batch):
        asked.append(len(batch))
        return encode(self, batch)

    monkeypatch.setattr(PretrainedEncoder, "encode", counted)
    index = plain(range(40))
    together = EmbeddingCache(tmp_path / "all").embed(small, index, np.arange(40), batch_size=16)
    alone = EmbeddingCache(tmp_path / "one").embed(small, index, np.array([7]), batch_size=16)
    assert asked == [16, 16, 8, 1]
    assert alone.tobytes() == together[7:8].tobytes()


def test_the_backend_is_part_of_the_key_and_not_of_the_fingerprint(small, monkeypatch):
    facts = identity.embedding_facts(small)
    monkeypatch.setenv(module.VARIABLE, "torch")
    torch_facts = identity.embedding_facts(replace(small))
    assert (facts["backend"], torch_facts["backend"]) == ("onnxruntime", "torch")
    assert "onnxruntime" in facts["versions"] and "onnxruntime" not in torch_facts["versions"]
    assert facts["encoder"] == torch_facts["encoder"]


def test_it_is_exported_once(small, monkeypatch):
    assert small.backend == "onnxruntime"
    monkeypatch.setattr(module, "made", lambda *_: pytest.fail("exported again"))
    assert replace(small).backend == "onnxruntime"


def test_a_damaged_export_is_made_again(small, tmp_path):
    encoder = replace(small, cache=tmp_path)
    batch = batch_of(encoder, 2)
    wanted = encoder.encode(batch)
    (path,) = (tmp_path / "exported").glob("*.onnx")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    again = replace(encoder)
    assert again.backend == "onnxruntime" and again.encode(batch).tobytes() == wanted.tobytes()


def test_an_export_that_does_not_agree_is_not_used_and_that_is_said_and_remembered(
    small, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "AGREEMENT", 1e-12)
    with pytest.warns(UserWarning, match="since ONNX Runtime cannot: its vectors differ from torch's by"):
        assert replace(small, cache=tmp_path).backend == "torch"
    monkeypatch.setattr(module, "made", lambda *_: pytest.fail("exported again"))
    with pytest.warns(UserWarning, match="computed by torch"):
        assert replace(small, cache=tmp_path).encode(batch_of(small, 2)).shape == (2, 1280)
    assert not list((tmp_path / "exported").glob("*.onnx"))
    monkeypatch.setenv(module.VARIABLE, "onnxruntime")
    with pytest.raises(FsbenchError, match=r"would be computed by torch.*FSBENCH_BACKEND=auto allows it"):
        _ = replace(small, cache=tmp_path).backend


def test_what_cannot_be_exported_stays_with_torch(small, tmp_path):
    def build():
        return lambda pictures: torch.from_numpy(np.sort(pictures.float().numpy().reshape(len(pictures), -1)))

    with pytest.warns(UserWarning, match="net is computed by torch, since ONNX Runtime cannot: "):
        assert module.exported("net", "0" * 64, (3, 8, 8), tmp_path, build) is None


def test_what_is_trained_is_computed_by_its_own_network(small):
    encoder = small.own()
    batch = batch_of(encoder, 2)
    before = encoder.encode(batch)
    with torch.no_grad():
        for parameter in encoder.trunk.parameters():
            parameter.mul_(0.5)
    assert encoder.backend == "torch" and not np.allclose(encoder.encode(batch), before)


@pytest.mark.parametrize(
    "options",
    [{"cache": None}, {"precision": "bf16"}, {"backbone": "conv4-32"}, {"frozen": False}, {"device": "cuda"}],
)
def test_torch_computes_what_an_export_is_not_for(small, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert replace(small, **options).backend == "torch"


def test_another_backend_is_refused(small, monkeypatch):
    monkeypatch.setenv(module.VARIABLE, "tensorrt")
    with pytest.raises(
        UsageError, match="FSBENCH_BACKEND is one of auto, torch, onnxruntime, not 'tensorrt'"
    ):
        _ = replace(small).backend
