"""A network of one's own: identity by content, its own input, and one sentence for whatever is wrong with it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed.own_file import EXAMPLE, own_kind
from fewshot_bench.errors import FsbenchError, UsageError

FACTS = {**json.loads(EXAMPLE), "size": 32, "resize": 36, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
WEIGHT = np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)


def onnx_file(path, *, size=32, batch="B", pooled=True, extra=0.0):
    """Writes a convolution [8, 3, 4, 4] of stride 4, with the mean over its map as the output ``vector``."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["map"], strides=[4, 4])]
    outputs = [helper.make_tensor_value_info("map", TensorProto.FLOAT, [batch, 8, None, None])]
    if pooled:
        nodes.append(helper.make_node("ReduceMean", ["map"], ["vector"], axes=[2, 3], keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, 8]))
    entering = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, size, size])
    weights = numpy_helper.from_array(WEIGHT + np.float32(extra), "w")
    graph = helper.make_graph(nodes, "g", [entering], outputs, [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


class Mean(torch.nn.Module):
    """The same network in torch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.from_numpy(WEIGHT))

    def forward(self, x):
        return torch.nn.functional.conv2d(x, self.weight, stride=4).mean(dim=(2, 3))


def stated(path, **facts):
    path.with_name(f"{path.name}.json").write_text(json.dumps({**FACTS, **facts}))
    return path


def batch(encoder, count=3):
    rng = np.random.default_rng(1)
    shown = [Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)) for _ in range(count)]
    return np.stack([encoder.prepare(one) for one in shown])


@pytest.mark.parametrize("fixed", ["B", 1])
def test_onnx_and_torchscript_give_what_torch_gives_on_the_stated_input(tmp_path, fixed):
    one = PretrainedEncoder(str(stated(onnx_file(tmp_path / "mine.onnx", batch=fixed))))
    torch.jit.script(Mean()).save(str(tmp_path / "mine.pt"))
    two = PretrainedEncoder(str(stated(tmp_path / "mine.pt")))
    shown = batch(one)
    mean, std = (np.array(FACTS[key], np.float32)[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        wanted = Mean()(torch.from_numpy((shown / np.float32(255) - mean) / std)).numpy()
    np.testing.assert_allclose(one.encode(shown), wanted, atol=1e-4)
    np.testing.assert_allclose(two.encode(shown), wanted, atol=1e-4)
    assert (one.backend, one.independent, two.backend) == ("onnxruntime", True, "torch")
    assert (one.pretraining, one.transform.resize, one.map_shape) == ("ImageNet-1k", 36, (8,))
    assert one.name == "mine.onnx, average, pad 32px"


def test_identity_is_the_content_of_both_files_and_never_their_path(tmp_path):
    first = stated(onnx_file(tmp_path / "a.onnx"))
    (tmp_path / "sub").mkdir()
    moved = tmp_path / "sub" / "b.onnx"
    shutil.copy(first, moved)
    stated(moved)
    keys = [PretrainedEncoder(str(first)).fingerprint(), PretrainedEncoder(str(moved)).fingerprint()]
    assert keys[0] == keys[1]
    others = [{"mean": [0.1, 0.4, 0.3]}, {"size": 28}, {"output": "map"}, {"interpolation": "bilinear"}]
    for change in others:
        keys.append(PretrainedEncoder(str(stated(moved, **change))).fingerprint())
    stated(onnx_file(moved, extra=1))
    keys.append(PretrainedEncoder(str(moved)).fingerprint())
    assert len(set(keys[1:])) == len(others) + 2


def test_a_named_output_may_be_a_map_whose_rows_keep_their_shape(tmp_path):
    path = str(stated(onnx_file(tmp_path / "m.onnx"), output="map"))
    flat, mean = (PretrainedEncoder(path, pooling=pooling) for pooling in ("flatten", "average"))
    shown = batch(flat)
    assert (flat.row_shape, mean.row_shape) == ((8, 8, 8), (8,))
    maps = flat.encode(shown).reshape(-1, *flat.row_shape)
    np.testing.assert_allclose(maps.mean((2, 3)), mean.encode(shown), atol=1e-5)
    assert flat.fingerprint() != mean.fingerprint()


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"colour": "RGB"}, "says 'colour'"),
        ({"size": 0}, "size = 0"),
        ({"size": True}, "size = True"),
        ({"size": 64}, "64 px cannot be cut"),
        ({"mean": [1, 2]}, "three numbers"),
        ({"mean": [float("nan"), 0, 0]}, "three numbers"),
        ({"std": [0.1, 0, 0.1]}, "above 0"),
        ({"interpolation": "sinc"}, "Interpolation is"),
        ({"pretraining": ""}, "text of one line"),
        ({"licence": 3}, "text of one line"),
    ],
)
def test_what_is_stated_is_looked_at(tmp_path, facts, told):
    path = stated(onnx_file(tmp_path / "m.onnx"), **facts)
    with pytest.raises(UsageError, match=told):
        PretrainedEncoder(str(path)).fingerprint()


def test_a_missing_or_damaged_file_beside_it_is_one_sentence_with_an_example(tmp_path):
    path = onnx_file(tmp_path / "m.onnx")
    with pytest.raises(UsageError, match=r"m\.onnx\.json beside it .*echo '\{\"size\""):
        PretrainedEncoder(str(path)).fingerprint()
    for text in ("{", "[]", '"a"', "{}", "[" * 60_000):
        (tmp_path / "m.onnx.json").write_text(text)
        with pytest.raises(UsageError, match="an example"):
            PretrainedEncoder(str(path)).fingerprint()
    with pytest.raises(UsageError, match="There is no file of a network"):
        PretrainedEncoder(str(tmp_path / "none.onnx")).fingerprint()


def test_networks_that_do_not_fit_are_one_sentence(tmp_path):
    cases = [
        (stated(onnx_file(tmp_path / "a.onnx", size=48)), r"asked for pictures \[1, 3, 32, 32\]"),
        (
            stated(onnx_file(tmp_path / "b.onnx"), output="logits"),
            "no output 'logits'; state one of vector, map",
        ),
        (stated(onnx_file(tmp_path / "c.onnx", extra=np.nan)), "no finite numbers"),
    ]
    for name in ("d.onnx", "e.pt"):
        (tmp_path / name).write_bytes(b"no network")
        cases.append((stated(tmp_path / name), "cannot be read as"))
    torch.jit.script(torch.nn.Flatten(0)).save(str(tmp_path / "f.pt"))
    cases.append((stated(tmp_path / "f.pt"), r"must give vectors \[B, D\]"))
    for path, told in cases:
        encoder = PretrainedEncoder(str(path))
        with pytest.raises(FsbenchError, match=told):
            encoder.encode(batch(encoder))


def test_it_is_frozen_whole_and_in_float32(tmp_path):
    path = stated(onnx_file(tmp_path / "m.onnx"))
    for wrong in ({"precision": "bf16"}, {"weights": path}, {"pretrained": False}, {"frozen": False}):
        with pytest.raises(UsageError):
            PretrainedEncoder(str(path), **wrong).fingerprint()
    assert [own_kind(n) for n in ("timm:a.pt", "resnet18", "a.ONNX", "b.ts")] == [
        None,
        None,
        "onnx",
        "torchscript",
    ]


def test_a_run_and_a_kept_recogniser_take_it(tmp_path):
    path = stated(onnx_file(tmp_path / "m.onnx"), pretraining="my photographs")
    settings = {"backbone": str(path)}
    record = fb.run("pretrained-proto", "digits", ways=3, shots=1, queries=2, episodes=4, parameters=settings)
    assert record.pretraining == "my photographs"
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "shop" / label).mkdir(parents=True)
        for number in range(2):
            shown = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
            shown.save(tmp_path / "shop" / label / f"{number}.png")
    kept = fb.fit(tmp_path / "shop", method="pretrained-proto", **settings)
    kept.save(tmp_path / "shop.fsb")
    picture = tmp_path / "shop" / "a" / "0.png"
    again = fb.load(tmp_path / "shop.fsb")
    assert again.predict(picture).classes[0, 0] == kept.predict(picture).classes[0, 0] == 0
    stated(path, mean=[0.1, 0.1, 0.1])
    with pytest.raises(FsbenchError, match="was made with the encoder"):
        fb.load(tmp_path / "shop.fsb")
