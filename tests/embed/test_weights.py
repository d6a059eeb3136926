"""Files of weights: found by name, known by content, read without pickled code."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fewshot_bench.embed.weights import (
    KNOWN,
    file_digest,
    find_weights,
    read_state,
    weights_facts,
    weights_folders,
)
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.memo import Memo

NOWHERE = Memo(None)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders of weights, in order."""
    pair = [tmp_path / "one", tmp_path / "two"]
    for folder in pair:
        folder.mkdir()
    monkeypatch.setenv("FSBENCH_WEIGHTS", os.pathsep.join(map(str, [tmp_path / "missing", *pair])))
    return pair


def test_no_variable_no_folder(monkeypatch):
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)
    assert weights_folders() == [] and find_weights(["resnet50"]) is None


@pytest.mark.parametrize(
    "name", ["vgg11.pth", "vgg11-8a719046.pth", "vgg11.safetensors", "vgg11-mine.safetensors"]
)
def test_a_file_is_found_by_its_networks_name(folders, name):
    for other in ("vgg11_bn.pth", "vgg11_bn-6002323d.pth", "vgg11.txt", "vgg11-licence.txt", "vgg1.pth"):
        (folders[0] / other).touch()
    assert find_weights(["vgg11"]) is None
    (folders[1] / name).touch()
    assert find_weights(["vgg11"]) == folders[1] / name
    assert find_weights(["something else", "vgg11"]) == folders[1] / name


def test_the_first_folder_comes_first(folders):
    for folder in folders:
        (folder / "resnet18.pth").touch()
    assert find_weights(["resnet18"]) == folders[0] / "resnet18.pth"


def test_two_files_in_one_folder_are_a_question_not_a_guess(folders):
    (folders[0] / "resnet18-a.pth").touch()
    (folders[0] / "resnet18-b.pth").touch()
    with pytest.raises(UsageError, match=r"resnet18-a\.pth and resnet18-b\.pth.*name one"):
        find_weights(["resnet18"])


def test_digest_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path, memo = tmp_path / "w.pth", Memo(tmp_path / "cache" / "weights.json")
    path.write_bytes(b"one")
    one = hashlib.sha256(b"one").hexdigest()
    assert file_digest(path, memo) == one
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert file_digest(path, memo) == one
    monkeypatch.undo()
    path.write_bytes(b"other")
    assert file_digest(path, memo) == hashlib.sha256(b"other").hexdigest()
    assert file_digest(path, NOWHERE) == hashlib.sha256(b"other").hexdigest()


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"Cannot read the weights .*w\.pth"):
        file_digest(tmp_path / "w.pth", NOWHERE)


def test_a_sidecar_speaks_for_its_file(tmp_path):
    path = tmp_path / "mine.pth"
    assert weights_facts(path, "0" * 64) == {}
    sidecar = tmp_path / "mine.pth.json"
    sidecar.write_text('{"size": 96, "mean": [0, 0.5, 1], "pretraining": "shelves"}')
    assert weights_facts(path, "0" * 64) == {"size": 96, "mean": (0, 0.5, 1), "pretraining": "shelves"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a JSON object"),
        ("[1]", "is not a JSON object"),
        ('{"sise": 3}', "says 'sise'; it may say size"),
        ('{"size": "big"}', "size = 'big'; it must be a whole number"),
        ('{"std": 0.5}', "std = 0.5; it must be three numbers"),
        ('{"mean": [1, 2, "x"]}', "three numbers"),
    ],
)
def test_a_wrong_sidecar_is_a_usage_error(tmp_path, text, message):
    (tmp_path / "mine.pth.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        weights_facts(tmp_path / "mine.pth", "0")


def test_states_are_read_from_both_kinds_of_file(tmp_path):
    state = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2)}
    save_file(state, tmp_path / "s.safetensors")
    torch.save(state, tmp_path / "s.pth")
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "nested.pth")
    for name in ("s.safetensors", "s.pth", "nested.pth"):
        got = read_state(tmp_path / name)
        assert got.keys() == state.keys()
        assert all(torch.equal(got[key], state[key]) for key in state)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_damaged_file_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x02damaged")
    with pytest.raises(FsbenchError, match="cannot be read as weights") as caught:
        read_state(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}])
def test_a_file_without_a_state_dict_is_one_sentence(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(FsbenchError, match="holds no state dict"):
        read_state(tmp_path / "w.pth")


def test_pickled_code_is_not_run(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(FsbenchError, match="cannot be read as weights"):
        read_state(tmp_path / "module.pth")


def test_known_files_are_the_ones_at_hand():
    folder = os.environ.get("FSBENCH_WEIGHTS")
    if not folder:
        pytest.skip("FSBENCH_WEIGHTS is not set: the files of weights are not there to be looked at")
    for name, size in (("mobilenet_v2-imagenet.pth", 225), ("squeezenet1_0-imagenet.pth", 227)):
        path = Path(folder) / name
        if not path.is_file():
            pytest.skip(f"{name} is not in FSBENCH_WEIGHTS")
        digest = file_digest(path, NOWHERE)
        assert digest in KNOWN
        assert weights_facts(path, digest)["size"] == size
