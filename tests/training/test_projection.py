"""Projections: the exported encoder is the trained network, its trunk stands alone, its files are checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.embed.pretrained import PretrainedEncoder, pretrained_encoder  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.training.export import export_trunk  # noqa: E402
from fewshot_bench.training.loop import training_mode  # noqa: E402
from fewshot_bench.training.network import Projection, make_network  # noqa: E402
from fewshot_bench.training.projection import (  # noqa: E402
    FILE,
    ProjectedEncoder,
    projected_encoder,
    sigmoid,
    write_projection,
)

BATCH = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module")
def encoder() -> PretrainedEncoder:
    return pretrained_encoder("conv4-8", size=32)


def part(network, name):
    return dict(network.get_submodule(name).state_dict())


def exported(folder, encoder, widths, output):
    """A network, and the trunk written of it."""
    network = make_network(encoder, Projection(widths, output), 3).eval()
    write_projection(folder, part(network, "maps"), output)
    shown = [fb.dataset("digits")]
    export_trunk(folder, part(network, "trunk"), encoder, ["toys (base classes)"], shown)
    return network, folder / "trunk.safetensors"


@pytest.mark.parametrize("output", ["none", "sigmoid", "unit"])
@pytest.mark.parametrize("widths", [(), (5,), (7, 5)])
def test_the_exported_encoder_gives_what_the_network_gives(tmp_path, encoder, widths, output):
    network, trunk = exported(tmp_path, encoder, widths, output)
    found = projected_encoder(encoder, trunk, Projection(widths, output))
    with torch.no_grad():
        expected = network(torch.from_numpy(BATCH)).numpy()
    vectors = found.encode(BATCH)
    assert vectors.dtype == np.float32 and vectors.shape == (6, widths[-1] if widths else 8)
    assert np.allclose(vectors, expected, atol=1e-6) and float(np.ptp(vectors, axis=0).max()) > 1e-4
    assert (found.pretraining, found.weights) == ("toys (base classes)", trunk) and output in found.name


def test_hidden_maps_are_followed_by_a_sigmoid_and_the_last_by_the_output(encoder):
    rng = np.random.default_rng(1)
    maps = tuple(
        (rng.normal(size=s).astype("f4"), rng.normal(size=s[0]).astype("f4")) for s in ((7, 8), (5, 7))
    )
    features = encoder.encode(BATCH)
    hidden = 1 / (1 + np.exp(-(features @ maps[0][0].T + maps[0][1])))
    last = hidden @ maps[1][0].T + maps[1][1]
    assert np.allclose(ProjectedEncoder(encoder, maps, "none").encode(BATCH), last, atol=1e-5)
    squashed = ProjectedEncoder(encoder, maps, "sigmoid").encode(BATCH)
    assert np.allclose(squashed, 1 / (1 + np.exp(-last)), atol=1e-5)
    unit = ProjectedEncoder(encoder, maps, "unit").encode(BATCH)
    assert np.allclose(np.linalg.norm(unit, axis=1), 1) and np.allclose(
        unit * np.linalg.norm(last, axis=1)[:, None], last, atol=1e-5
    )
    assert np.array_equal(sigmoid(np.array([-1e30, 0, 1e30], "f4")), np.array([0, 0.5, 1], "f4"))


@pytest.mark.parametrize("pooling", ["average", "lca"])
def test_a_network_whose_trunk_is_in_bf16_gives_nearly_the_same(pooling):
    encoder = pretrained_encoder("conv4-8", size=32, pooling=pooling)
    network = make_network(encoder, Projection((5,), "unit"), 3, precision="bf16")
    images = torch.from_numpy(BATCH)
    with torch.no_grad():
        exact = network.eval()(images)
        training_mode(network, frozen=True)
        fast = network(images)
    assert (
        fast.dtype == torch.float32
        and torch.allclose(fast, exact, atol=0.05)
        and not torch.equal(fast, exact)
    )


def test_distances_keep_their_digits_where_the_trunk_is_in_bf16(encoder):
    network = make_network(encoder, Projection((5,), "sigmoid"), precision="bf16")
    training_mode(network, frozen=True)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        vectors = network(torch.from_numpy(BATCH))
    assert vectors.dtype == torch.float32
    assert not torch.equal(vectors, vectors.bfloat16().float())


def test_the_trunk_is_one_that_any_weights_parameter_takes(tmp_path, encoder):
    network, trunk = exported(tmp_path, encoder, (5,), "sigmoid")
    alone = pretrained_encoder("conv4-8", size=32, weights=trunk)
    with torch.no_grad():
        features = network.features(torch.from_numpy(BATCH)).numpy()
    assert np.allclose(alone.encode(BATCH), features, atol=1e-6)


def test_the_fingerprint_is_of_all_that_the_vectors_depend_on(tmp_path, encoder):
    (tmp_path / "again").mkdir()
    _, trunk = exported(tmp_path, encoder, (5,), "sigmoid")
    _, again = exported(tmp_path / "again", encoder, (5,), "sigmoid")
    found = projected_encoder(encoder, trunk, Projection((5,), "sigmoid"))
    assert found.fingerprint() == projected_encoder(encoder, again, Projection((5,), "sigmoid")).fingerprint()
    ((matrix, offset),) = found.maps
    others = {
        found.fingerprint(),
        found.inner.fingerprint(),
        replace(found, output="none").fingerprint(),
        replace(found, maps=()).fingerprint(),
        replace(found, maps=((matrix, offset + 1),)).fingerprint(),
        replace(found, maps=((matrix * 2, offset),)).fingerprint(),
        replace(found, inner=replace(found.inner, size=48)).fingerprint(),
    }
    assert len(others) == 7


def test_the_maps_begin_as_the_seed_says_and_the_process_s_generator_is_left_alone(encoder):
    before = torch.random.get_rng_state()
    first, again, other = (make_network(encoder, Projection((5,)), seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["maps.0.weight"], other["maps.0.weight"])


def test_what_does_not_fit_is_one_sentence(tmp_path, encoder):
    _, trunk = exported(tmp_path, encoder, (5,), "sigmoid")
    with pytest.raises(UsageError, match=r"widths \[5\] and output sigmoid, and \[6\] and sigmoid were"):
        projected_encoder(encoder, trunk, Projection((6,), "sigmoid"))
    with pytest.raises(UsageError, match=r"\[5\] and unit were asked"):
        projected_encoder(encoder, trunk, Projection((5,), "unit"))
    other = projected_encoder(replace(encoder, size=48), trunk, Projection((5,), "sigmoid"))
    flat = replace(other, inner=replace(other.inner, pooling="flatten"))
    with pytest.raises(FsbenchError, match=r"maps 8 values and .* gives 72"):
        flat.encode(np.zeros((2, 3, 48, 48), np.uint8))
    (tmp_path / FILE).write_bytes(b"not a safetensors file")
    with pytest.raises(FsbenchError, match=r"projection\.safetensors cannot be read"):
        projected_encoder(encoder, trunk, Projection((5,), "sigmoid"))
    (tmp_path / FILE).unlink()
    with pytest.raises(FsbenchError, match="no projection .* beside the trunk"):
        projected_encoder(encoder, trunk, Projection((5,), "sigmoid"))
