"""The folder of vectors: every fact that changes them is in its key, and a person can read which ones they are."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from fewshot_bench import identity
from fewshot_bench.embed import PixelEncoder, PretrainedEncoder
from fewshot_bench.embed.pictures import Pictures
from fewshot_bench.store.cache import EmbeddingCache
from fewshot_bench.training.linear import LinearEncoder

ONE = np.arange(1)


@pytest.fixture
def installed(monkeypatch):
    """Versions of libraries as a test says they are."""
    versions = dict.fromkeys(identity.LIBRARIES, "1.0")
    monkeypatch.setattr(identity, "_version", lambda name: versions.get(name, ""))
    return versions


@pytest.fixture
def made(tmp_path, plain, counting):
    """``made(**attributes)``: how many pictures an encoder with these attributes has to encode."""
    cache, index = EmbeddingCache(tmp_path), plain([1])

    def run(**attributes):
        encoder = counting()
        for name, value in attributes.items():
            setattr(encoder, name, value)
        cache.embed(encoder, index, ONE)
        return len(encoder.colours)

    run.cache = cache
    return run


def test_a_gpu_does_not_read_what_the_cpu_made(made):
    assert made() == 1 and made() == 0 and made(device="cpu") == 0
    assert made(device="cuda") == 1 and made(device="cuda:1") == 0
    assert {row["device"] for row in made.cache.info()} == {"cpu", "cuda"}


@pytest.mark.parametrize("library", identity.LIBRARIES)
def test_another_version_of_a_library_encodes_anew(made, installed, library):
    assert made() == 1
    installed[library] = "1.1"
    assert made() == 1 and made() == 0
    assert sorted(row["made with"] for row in made.cache.info()) == ["", f"{library} 1.0"]


def test_only_the_libraries_that_an_encoder_names_count(made, installed):
    assert made(libraries=("pillow",)) == 1
    installed["torch"] = "1.1"
    assert made(libraries=("pillow",)) == 0
    installed["pillow"] = "1.1"
    assert made(libraries=("pillow",)) == 1


def test_backend_and_fingerprint_and_number_type(made, plain, counting):
    assert made() == 1 and made(backend="onnxruntime") == 1 and made(print="b" * 64) == 1
    encoder = counting()
    made.cache.embed(encoder, plain([1]), ONE, dtype="float16")
    assert len(encoder.colours) == 1


def test_a_map_behind_an_encoder_uses_the_vectors_and_the_key_of_the_inner_one(made, plain, counting):
    @dataclass(frozen=True, eq=False)
    class Inner:
        device: str = "cuda"
        libraries: tuple[str, ...] = ("numpy",)
        pretraining: str = "none"

        def fingerprint(self):
            return "inner"

    linear = LinearEncoder(Inner(), np.eye(2, dtype=np.float32), np.zeros(2, np.float32), "none")
    facts = identity.embedding_facts(linear)
    assert facts["device"] == "cuda" and list(facts["versions"]) == ["numpy"]
    assert made() == 1
    inner = counting()
    made.cache.embed(
        LinearEncoder(inner, np.eye(3, dtype=np.float32), np.zeros(3, np.float32), "none"), plain([1]), ONE
    )
    assert not inner.batches


def test_the_folder_says_what_its_key_is_made_of(made):
    made(device="cuda:0", libraries=("numpy", "pillow"))
    (card,) = made.cache.root.glob("*/encoder.json")
    kept = json.loads(card.read_text())
    assert kept["encoder"] == "counting"
    assert kept["identity"] == {
        "encoder": "a" * 64,
        "device": "cuda",
        "backend": "",
        "versions": identity.versions(("numpy", "pillow")),
    }
    assert card.parent.name == f"{identity.key('embedding', kept['identity'])}-float32"
    card.write_text("no JSON")
    assert made.cache.info()[0]["encoder"] == "unknown"


def test_encoders_name_the_libraries_that_they_use():
    assert PixelEncoder().libraries == Pictures(84).libraries == ("numpy", "pillow")
    assert set(PretrainedEncoder().libraries) == {"numpy", "pillow", "timm", "torch", "torchvision"}
    assert identity.embedding_facts(PretrainedEncoder())["backend"] == "torch"
