"""A trunk and its library's own classifier give the network's own logits; every failure is a sentence."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from fewshot_bench.embed import trunks
from fewshot_bench.embed.backbones import find_backbone
from fewshot_bench.embed.torchvision_guard import import_timm, import_torchvision
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.memo import Memo

models = import_torchvision().models
timm = import_timm()


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)


def drawn(seed=0):
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def untrained(make, *args, **options):
    """A network with the random weights it is made with, and the process's generator as it was."""
    with torch.random.fork_rng(devices=[]):
        return make(*args, **options).eval()


def flat(network, features):
    return network.classifier(torch.nn.functional.adaptive_avg_pool2d(features, 1).flatten(1))


HEADS = {
    "resnet18": lambda network, f: network.fc(f.mean((2, 3))),
    "mobilenet_v2": flat,
    "mobilenet_v3_small": flat,
    "efficientnet_b0": flat,
    "densenet121": flat,
    "squeezenet1_1": lambda network, f: network.classifier(f).flatten(1),
    "convnext_tiny": lambda network, f: network.classifier(f.mean((2, 3), keepdim=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_torchvisions_trunks(tmp_path, name):
    network = untrained(models.get_model, name, weights=None)
    file = tmp_path / f"{name}.pth"
    torch.save(network.state_dict(), file)
    before = torch.random.get_rng_state()
    trunk = trunks.build_trunk(find_backbone(name, file, Memo(None)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not trunk.training
    with torch.inference_mode():
        features = trunk(drawn())
        assert features.ndim == 4 and len(features) == 2
        torch.testing.assert_close(HEADS[name](network, features), network(drawn()))


def test_vggs_trunk_from_a_file_of_the_trunk_alone(tmp_path, monkeypatch):
    features = untrained(models.vgg.make_layers, models.vgg.cfgs["A"])
    state = {f"features.{key}": value for key, value in features.state_dict().items()}
    monkeypatch.setattr(trunks, "read_state", lambda _: state)
    (tmp_path / "vgg11.pth").touch()
    trunk = trunks.build_trunk(find_backbone("vgg11", tmp_path / "vgg11.pth", Memo(None)))
    with torch.inference_mode():
        torch.testing.assert_close(trunk(drawn()), features(drawn()))


@pytest.mark.slow
def test_densenets_published_names_are_understood(tmp_path):
    network = untrained(models.densenet121, weights=None)
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in network.state_dict().items()
    }
    assert old.keys() != network.state_dict().keys()
    torch.save(old, tmp_path / "old.pth")
    trunk = trunks.build_trunk(find_backbone("densenet121", tmp_path / "old.pth", Memo(None)))
    with torch.inference_mode():
        torch.testing.assert_close(flat(network, trunk(drawn())), network(drawn()))


def test_a_trunk_can_be_trained_and_read_back(tmp_path):
    torch.save(untrained(models.resnet18, weights=None).state_dict(), tmp_path / "w.pth")
    trunk = trunks.build_trunk(find_backbone("resnet18", tmp_path / "w.pth", Memo(None)))
    assert all(parameter.requires_grad for parameter in trunk.parameters())
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.mul_(0.5)
    torch.save(trunk.state_dict(), tmp_path / "trunk.pth")
    again = trunks.build_trunk(find_backbone("resnet18", tmp_path / "trunk.pth", Memo(None)))
    with torch.inference_mode():
        torch.testing.assert_close(again(drawn()), trunk(drawn()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenetv3_small_050", "convnext_atto", "vit_tiny_patch16_224"]
)
def test_timms_trunks(tmp_path, name):
    network = untrained(timm.create_model, name, num_classes=10)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    before = torch.random.get_rng_state()
    trunk = trunks.build_trunk(find_backbone(f"timm:{name}", tmp_path / "w.pth", Memo(None)))
    assert torch.equal(torch.random.get_rng_state(), before)
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network.forward_features(x)
        got = trunk(x)
    if name.startswith("vit"):
        torch.testing.assert_close(got[0, :, 2, 5], expected[0, 1 + 2 * 14 + 5])
        assert got.shape == (1, 192, 14, 14)
    elif name == "resnet18":
        torch.testing.assert_close(got, expected)
    assert got.shape[2:] == ((14, 14) if name.startswith("vit") else (7, 7))


def test_channels_last_features_become_maps():
    class Swin(torch.nn.Module):
        output_fmt = "NHWC"

    features = torch.rand(2, 7, 5, 11)
    assert torch.equal(trunks._as_map(Swin(), None, features), features.permute(0, 3, 1, 2))


def test_lite0_by_name():
    trunk = trunks.build_trunk(find_backbone("efficientnet_lite0", None, Memo(None)))
    assert trunk(drawn()).shape == (2, 1280, 2, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.pop("layer1.0.conv1.weight"),
            r"names or shapes differ, first at layer1\.0\.conv1\.weight, in all 1",
        ),
        (lambda s: s.update(extra=torch.ones(1)), "names or shapes differ, first at extra"),
        (
            lambda s: s.update({"conv1.weight": torch.ones(3, 3)}),
            r"names or shapes differ, first at conv1\.weight",
        ),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(tmp_path, change, message):
    state = dict(untrained(models.resnet18, weights=None).state_dict())
    change(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(FsbenchError, match=rf"w\.pth do not fit the network resnet18 \({message}"):
        trunks.build_trunk(find_backbone("resnet18", tmp_path / "w.pth", Memo(None)))
    with pytest.raises(FsbenchError, match=r"w\.pth do not fit the network resnet26"):
        trunks.build_trunk(find_backbone("timm:resnet26", tmp_path / "w.pth", Memo(None)))


def test_a_network_without_a_map_points_to_timm(tmp_path):
    (tmp_path / "w.pth").touch()
    with pytest.raises(UsageError, match="vit_b_16 has no trunk.*timm:"):
        trunks.build_trunk(find_backbone("vit_b_16", tmp_path / "w.pth", Memo(None)))


def test_missing_torchvision_weights_are_one_sentence(tmp_path, monkeypatch):
    def offline(*_args, **_options):
        raise URLError("no internet")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FsbenchError, match=r"resnet18-f37072fd\.pth.*no internet.*FSBENCH_WEIGHTS") as caught:
        trunks.build_trunk(find_backbone("resnet18", None, Memo(None)))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_missing_timm_weights_are_one_sentence_at_once(monkeypatch):
    def offline(*_args, **_options):
        raise OSError("no such host")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trunks, "_in_hub_cache", lambda _: None)
    monkeypatch.setattr(trunks.socket, "getaddrinfo", offline)
    message = r"timm/resnet18\.a1_in1k.*no such host.*resnet18\.a1_in1k\.safetensors.*FSBENCH_WEIGHTS"
    with pytest.raises(FsbenchError, match=message) as caught:
        trunks.build_trunk(find_backbone("timm:resnet18.a1_in1k", None, Memo(None)))
    assert "\n" not in str(caught.value)


def test_what_the_hub_has_cached_is_used_without_a_network(tmp_path, monkeypatch):
    network = untrained(timm.create_model, "resnet18", num_classes=10)
    torch.save(network.state_dict(), tmp_path / "cached.pth")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(tmp_path / "cached.pth"))
    trunk = trunks.build_trunk(find_backbone("timm:resnet18", None, Memo(None)))
    with torch.inference_mode():
        torch.testing.assert_close(trunk(drawn()), network.forward_features(drawn()))


def test_the_weights_folder_is_used_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    torch.save(untrained(models.squeezenet1_1, weights=None).state_dict(), tmp_path / "squeezenet1_1-x.pth")
    found = find_backbone("squeezenet1_1", None, Memo(None))
    assert found.weights == Path(tmp_path / "squeezenet1_1-x.pth")
    assert trunks.build_trunk(found)(drawn()).shape[:2] == (2, 512)
