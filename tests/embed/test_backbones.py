"""Names become networks, files and inputs without building anything."""

from __future__ import annotations

import os

import pytest

from fewshot_bench.embed.backbones import _pretraining_of_tag, find_backbone
from fewshot_bench.embed.weights import PUBLISHED, file_digest
from fewshot_bench.errors import UsageError
from fewshot_bench.store.memo import Memo

NOWHERE = Memo(None)
FOLDER = os.environ.get("FSBENCH_WEIGHTS")


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)


def test_the_default_is_lite0_with_its_own_input():
    found = find_backbone("efficientnet_lite0", None, NOWHERE)
    transform = found.transform
    assert (transform.size, transform.resize, transform.interpolation) == (224, 256, "bicubic")
    assert transform.mean == (127 / 255,) * 3 and transform.std == (128 / 255,) * 3
    assert found.identity == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert found.pretraining == "ImageNet-1k"


@pytest.mark.parametrize("name", ["resnet50", "torchvision:resnet50"])
def test_torchvisions_own_transform(name):
    """IMAGENET1K_V2: resize 232, crop 224, bilinear, ImageNet's mean and deviation."""
    found = find_backbone(name, None, NOWHERE)
    transform = found.transform
    assert (transform.size, transform.resize, transform.interpolation) == (224, 232, "bilinear")
    assert transform.mean == (0.485, 0.456, 0.406) and transform.std == (0.229, 0.224, 0.225)
    assert found.weights is None
    assert found.identity == found.source == "https://download.pytorch.org/models/resnet50-11ad3fa6.pth"


def test_timms_own_transform():
    """resnet18.a1_in1k: 224 px at crop 0.95 (resize 235), bicubic."""
    found = find_backbone("timm:resnet18.a1_in1k", None, NOWHERE)
    assert (found.transform.size, found.transform.resize) == (224, 235)
    assert found.transform.interpolation == "bicubic"
    assert found.identity == "timm/resnet18.a1_in1k"
    assert find_backbone("timm:resnet18", None, NOWHERE).identity == found.identity


@pytest.mark.parametrize(
    ("tag", "pretraining"),
    [
        ("a1_in1k", "ImageNet-1k"),
        ("fb_wsl_ig1b_ft_in1k", "Instagram-1B hashtags + ImageNet-1k"),
        ("lvd142m", "LVD-142M with ImageNet-22k"),
        ("augreg_in21k", "ImageNet-21k"),
        ("bamboo", "unknown (timm tag bamboo)"),
        ("", "unknown (timm tag none)"),
    ],
)
def test_what_weights_saw_is_read_from_timms_tag(tag, pretraining):
    assert _pretraining_of_tag(tag) == pretraining


def test_a_file_in_the_weights_folder_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    file = tmp_path / "resnet50-11ad3fa6.pth"
    file.write_bytes(b"as published")
    monkeypatch.setitem(PUBLISHED, file.name, file_digest(file, NOWHERE))
    found = find_backbone("resnet50", None, NOWHERE)
    assert (found.weights, found.identity) == (file, file_digest(file, NOWHERE))
    assert found.pretraining == "ImageNet-1k", "it has the published name"
    other = tmp_path / "mine" / "resnet50.pth"
    other.parent.mkdir()
    other.write_bytes(b"my own")
    mine = find_backbone("resnet50", other, NOWHERE)
    assert mine.weights == other and mine.pretraining == "file resnet50.pth"
    assert mine.identity != found.identity


def test_a_timm_file_is_found_with_or_without_its_tag(tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    file = tmp_path / "resnet18.a1_in1k.safetensors"
    file.touch()
    assert find_backbone("timm:resnet18", None, NOWHERE).weights == file
    assert find_backbone("timm:resnet18.a1_in1k", None, NOWHERE).weights == file
    assert find_backbone("timm:resnet18.tv_in1k", None, NOWHERE).weights is None


def test_a_sidecar_changes_the_input(tmp_path):
    file = tmp_path / "student.safetensors"
    file.write_bytes(b"weights")
    (tmp_path / "student.safetensors.json").write_text(
        '{"size": 160, "resize": 180, "pretraining": "shelves"}'
    )
    found = find_backbone("efficientnet_lite0", file, NOWHERE)
    assert (found.transform.size, found.transform.resize) == (160, 180)
    assert found.transform.mean == (127 / 255,) * 3
    assert found.pretraining == "shelves"


def test_known_files_bring_their_own_input(monkeypatch):
    if not FOLDER:
        pytest.skip("FSBENCH_WEIGHTS is not set: the files of weights are not there to be looked at")
    monkeypatch.setenv("FSBENCH_WEIGHTS", FOLDER)
    for name, size, mean in (("mobilenet_v2", 225, 0.5), ("squeezenet1_0", 227, 0.485)):
        found = find_backbone(name, None, NOWHERE)
        if found.weights is None:
            pytest.skip(f"{name} is not in FSBENCH_WEIGHTS")
        assert (found.transform.size, found.transform.resize) == (size, 256)
        assert found.transform.mean[0] == mean
        assert found.pretraining == "ImageNet-1k"


def test_what_a_library_says_is_remembered(tmp_path, monkeypatch):
    memo = Memo(tmp_path / "memo.json")
    first = find_backbone("resnet50", None, memo)
    monkeypatch.setattr("fewshot_bench.embed.backbones.import_torchvision", None)
    assert find_backbone("resnet50", None, memo) == first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet5", r"torchvision has no classification network 'resnet5'; did you mean resnet50"),
        ("qqqq", r"torchvision has no classification network 'qqqq'; see .*list_models"),
        ("vit_tiny_patch16_224", "timm has it: timm:vit_tiny_patch16_224"),
        ("timm:resnt50", "timm has no network 'resnt50'; did you mean resnet50"),
        ("timm:resnet50.nope", "timm has no weights 'resnet50.nope'; it has resnet50.a1_in1k"),
        ("hub:resnet50", "not 'hub:resnet50'"),
    ],
)
def test_unknown_names_are_usage_errors_with_the_nearest(name, message):
    with pytest.raises(UsageError, match=message):
        find_backbone(name, None, NOWHERE)


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no file of weights .*gone\.pth"):
        find_backbone("resnet50", tmp_path / "gone.pth", NOWHERE)
