"""Networks from scratch: their shapes, weights that a seed says, and encoders of them like any other."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.embed import PretrainedEncoder  # noqa: E402
from fewshot_bench.embed.small import conv4, resnet12  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_shapes_and_published_numbers_of_parameters():
    """Conv4: 9·3·64+64 and three times 9·64·64+64, batch norms 4·2·64. ResNet-12 of MetaOptNet: 12.4 million."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        small, large = conv4().eval(), resnet12().eval()
        assert small(torch.rand(2, 3, 84, 84)).shape == (2, 64, 5, 5)
        assert small(torch.rand(2, 3, 28, 28)).shape == (2, 64, 1, 1)
        assert large(torch.rand(1, 3, 84, 84)).shape == (1, 640, 5, 5)
        assert conv4(32).eval()(torch.rand(1, 3, 32, 32)).shape == (1, 32, 2, 2)
        assert resnet12((64, 128, 256, 512)).eval()(torch.rand(1, 3, 32, 32)).shape == (1, 512, 2, 2)
    assert parameters(small) == 1792 + 3 * 36928 + 512
    assert parameters(large) == 12_424_320


def test_conv4_is_four_times_convolution_norm_relu_pool():
    from torch.nn import functional

    network = PretrainedEncoder("conv4-32").trunk.train()
    x = batch = torch.rand(3, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    for convolution, norm, *_ in network:
        x = functional.conv2d(x, convolution.weight, convolution.bias, padding=1)
        x = functional.max_pool2d(
            functional.batch_norm(x, None, None, norm.weight, norm.bias, training=True).relu(), 2
        )
    torch.testing.assert_close(network(batch), x)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"backbone": "conv4"}, {"backbone": "resnet18", "pretrained": False}])
def test_weights_are_what_the_seed_says_and_no_random_number_is_drawn(options):
    before = torch.random.get_rng_state()
    one, same, other = (PretrainedEncoder(**options, seed=seed) for seed in (1, 1, 2))
    a, b, c = (torch.cat([p.flatten() for p in e.trunk.parameters()]) for e in (one, same, other))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert one.pretraining == "none" and one.found.transform.size == 84


def test_vectors_of_every_pooling_and_size():
    rng = np.random.default_rng(0)
    for options, length in (
        ({"pooling": "flatten"}, 1600),
        ({}, 64),
        ({"pooling": "flatten", "size": 28}, 64),
        ({"pooling": "lca", "size": 40}, 64),
    ):
        encoder = PretrainedEncoder("conv4", **options)
        side = encoder.found.transform.size
        batch = rng.integers(0, 256, (3, 3, side, side), dtype=np.uint8)
        vectors = encoder.encode(batch)
        assert vectors.shape == (3, length) and vectors.dtype == np.float32 and np.isfinite(vectors).all()
    flat = PretrainedEncoder("conv4", "flatten", size=40)
    features = flat.trunk(flat.found.transform.normalise(torch.from_numpy(batch)))
    assert np.array_equal(flat.encode(batch), features.detach().reshape(3, -1).numpy())


def test_names(tmp_path):
    prints = [
        PretrainedEncoder(name, pretrained=pretrained).fingerprint()
        for name, pretrained in (
            ("conv4", True),
            ("conv4-32", True),
            ("resnet12", True),
            ("resnet18", True),
            ("resnet18", False),
        )
    ]
    assert len(set(prints)) == 5
    assert PretrainedEncoder("conv4-64").fingerprint() == prints[0]
    assert PretrainedEncoder("resnet18", seed=5).fingerprint() == prints[3], "weights need no seed"
    context = Context(device="cpu", seed=3, cache=tmp_path)
    encoder = context.encoder("conv4", pooling="flatten", size=28)
    assert encoder.seed == 3 and encoder.name == "conv4, flatten, pad 28px"


def test_trained_weights_are_part_of_the_fingerprint_and_the_seed_no_longer(tmp_path):
    from safetensors.torch import save_file

    network = PretrainedEncoder("conv4-32", seed=4).trunk
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, tmp_path / "trunk.safetensors")
    one, two = (PretrainedEncoder("conv4-32", weights=tmp_path / "trunk.safetensors", seed=s) for s in (0, 1))
    assert one.fingerprint() == two.fingerprint() != PretrainedEncoder("conv4-32").fingerprint()
    for name, value in one.trunk.state_dict().items():
        assert torch.equal(value, network.state_dict()[name])
    with pytest.raises(FsbenchError, match="do not fit the network conv4-64"):
        assert PretrainedEncoder("conv4", weights=tmp_path / "trunk.safetensors").trunk


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "conv4-0"}, "at least one channel"),
        ({"backbone": "conv4", "size": 15}, "conv4 takes pictures from 16 px, not 15 px"),
        ({"backbone": "conv5"}, "did you mean conv4"),
        ({"backbone": "timm:resnet18", "pretrained": False}, "not offered without its pretraining"),
        ({"pretrained": False}, "not offered without its pretraining"),
        ({"backbone": "resnet5", "pretrained": False}, "did you mean resnet50"),
    ],
)
def test_wrong_names_are_usage_errors(options, message):
    with pytest.raises(UsageError, match=message):
        PretrainedEncoder(**options).fingerprint()


def test_fingerprints_of_pretrained_encoders_are_what_they_were():
    """They change with ``pretrained.VERSION`` and with the fields of ``InputTransform`` alone."""
    known = "83b7bbd45bdc845faf4ac8098d4bfdcc219ebdd9cf69fece4927b8b94962c6b0"
    assert PretrainedEncoder().fingerprint() == known
    lca = "1a875ef67adbcb23bcf4c8097d22919f928aa10938eb54f81a33c3dc2ba9115d"
    assert PretrainedEncoder(pooling="lca").fingerprint() == lca
    resnet = "684f1d4c3b23ce1b50b913f5c4e9cbb7fda9210fdde8926e4860f4e98e911115"
    assert PretrainedEncoder("resnet18").fingerprint() == resnet
