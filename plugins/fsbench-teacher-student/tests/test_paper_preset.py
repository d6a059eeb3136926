"""Preset ``paper`` without its weights: what is missing is said, and a small network goes its whole way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract.config import build  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.embed.torchvision_guard import import_timm  # noqa: E402
from fewshot_bench.errors import FsbenchError  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.log import read_log  # noqa: E402
from fewshot_bench.training.loop import training_mode  # noqa: E402
from fewshot_bench.training.losses import contrastive, hardest  # noqa: E402
from fewshot_bench.training.network import freeze, make_network, save_memory, unit_vectors  # noqa: E402
from fewshot_bench.training.pairs import batch_pairs  # noqa: E402
from fewshot_bench.training.projection import single_view  # noqa: E402

pytestmark = pytest.mark.training

config = pytest.importorskip("fsbench_teacher_student.config")
data = pytest.importorskip("fsbench_teacher_student.data")
methods = pytest.importorskip("fsbench_teacher_student.methods")

BACKBONE = "timm:test_resnet.r160_in1k"
"""Of the class of the paper's network, with 0.5 M weights."""

SMALL = {
    "backbone": BACKBONE, "batch": 4, "size": 64, "teacher_epochs": 2, "student_epochs": 2, "steps": 2,
    "accumulate": 2, "mining": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of the small network under the name that its missing file would have."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        network = import_timm().create_model("test_resnet", pretrained=False)
    save_file(network.state_dict(), folder / "test_resnet.r160_in1k.safetensors")
    return folder


@pytest.fixture(autouse=True)
def only_these_weights(random_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(random_weights))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> BaseData:
    """Four pictures of each of ten digits."""
    folder, digits = tmp_path_factory.mktemp("digits"), fb.dataset("digits")
    for label in range(10):
        (folder / str(label)).mkdir()
        for number, row in enumerate(np.flatnonzero(digits.labels == label)[:4]):
            digits.reader(int(row)).save(folder / str(label) / f"{number}.png")
    index = fb.dataset(str(folder))
    return BaseData("digits", *split_base(index), index)


def settings(**changes):
    return build(config.Config, "teacher", {"preset": "paper", **SMALL, **changes})


def test_missing_weights_are_one_sentence_with_the_file_and_where_to_put_it(tmp_path, base):
    name, paper = (
        r"resnext101_32x8d\.fb_wsl_ig1b_ft_in1k",
        build(config.Config, "teacher", {"preset": "paper"}),
    )
    with pytest.raises(
        FsbenchError, match=rf"{name}\.safetensors into a folder FOLDER and say export FSBENCH_WEIGHTS=FOLDER"
    ) as e:
        methods.TeacherLr(paper).fit(base, Context(device="cpu", seed=0, cache=tmp_path))
    assert "\n" not in str(e.value)


def test_the_paper_s_network_gives_2048_values_and_says_what_it_saw(tmp_path, random_weights):
    context = Context(device="cpu", seed=0, cache=tmp_path)
    found = methods.TeacherLr(build(config.Config, "teacher", {"preset": "paper"})).start(context).found
    assert found.pretraining == "Instagram-1B hashtags + ImageNet-1k" and found.transform.size == 224
    with torch.device("meta"):
        network = import_timm().create_model(found.model, pretrained=False, num_classes=0, global_pool="")
        assert network(torch.empty(1, 3, 224, 224)).shape == (1, 2048, 7, 7)


def train_both(base: BaseData, context: Context) -> list[Path]:
    student = methods.StudentLr(settings())
    student.fit(base, context)
    return [student.teacher.encoder.weights, student.encoder.weights]


def test_both_train_and_killed_trainings_end_with_the_same_weights(tmp_path, base, monkeypatch):
    calls = []
    monkeypatch.setattr("torch.utils.checkpoint.checkpoint", spy(torch.utils.checkpoint.checkpoint, calls))
    whole = Context(device="cpu", seed=0, cache=tmp_path / "whole")
    expected = train_both(base, whole)
    assert calls, "blocks are computed again on the way back instead of being kept"
    kills = ["train teacher", "train student"]

    def killed(stage: str, done: int, total: int, note: str = "") -> None:
        if stage in kills and done == 5:  # the first batch of the second epoch: 2 steps of 2 batches make one
            kills.remove(stage)
            raise KeyboardInterrupt

    parts = replace(whole, cache=tmp_path / "parts", progress=killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train_both(base, parts)
    for found, same in zip(train_both(base, parts), expected, strict=True):
        assert found.read_bytes() == same.read_bytes()
        assert [line["epoch"] for line in read_log(found.with_name("log.csv"))] == ["1", "2"]
    start = methods.TeacherLr(settings()).start(whole).found.weights
    assert len({path.read_bytes() for path in (start, *expected)}) == 3


def gradients(small, batches, *, checkpointing: bool, bf16: bool = False):
    """The summed gradients of batches, each divided by their number, as the loop accumulates them."""
    method, encoder = small
    network = make_network(encoder, precision="bf16" if bf16 else "float32")
    freeze(network.trunk, 0.5)
    training_mode(network, frozen=True)
    if checkpointing:
        save_memory(network)
    for batch in batches:
        loss, _ = method.loss(network, batch)
        (loss / len(batches)).backward()
    return network, {k: p.grad.clone() for k, p in network.named_parameters() if p.grad is not None}


@pytest.fixture
def small(tmp_path):
    """The teacher, and the encoder that it starts from."""
    method = methods.TeacherLr(settings())
    return method, single_view(method.start(Context(device="cpu", seed=0, cache=tmp_path)))


@pytest.fixture
def batches(small, base):
    """The teacher's batches."""
    method, encoder = small
    return method.data(base).open(encoder.prepare, 0, 4)


@pytest.mark.parametrize("bf16", [False, True])
def test_checkpointing_gives_the_same_gradients_to_the_layers_that_are_trained(small, batches, bf16):
    batch = batches.batch(0, 0)
    network, kept = gradients(small, [batch], checkpointing=False, bf16=bf16)
    _, again = gradients(small, [batch], checkpointing=True, bf16=bf16)
    trained = {k for k, p in network.named_parameters() if p.requires_grad}
    assert trained and set(kept) == set(again) == trained
    assert all(torch.equal(kept[key], again[key]) for key in kept)


def test_accumulated_gradients_are_those_of_the_batches_mean_and_not_of_one_large_batch(small, batches):
    method, three = small[0], [batches.batch(0, number) for number in range(3)]
    network, accumulated = gradients(small, three, checkpointing=True)
    network.zero_grad(set_to_none=True)
    torch.stack([method.loss(network, batch)[0] for batch in three]).mean().backward()
    for key, parameter in network.named_parameters():
        if key in accumulated:
            assert torch.allclose(accumulated[key], parameter.grad, rtol=1e-3, atol=1e-6)
    with torch.no_grad():  # a large batch has pairs across the small ones, and its hardest are others
        first, second = (torch.cat([b.images[half] for b in three]) for half in (slice(4), slice(4, None)))
        products = np.concatenate([b.products[:4] for b in three] + [b.products[4:] for b in three])
        large = len(batch_pairs(products)[0])
        assert large > sum(len(batch_pairs(b.products)[0]) for b in three)
        joint, _ = method.pair_loss(method.vectors(network, torch.cat([first, second])), products)
        mean = torch.stack([method.loss(network, b)[0] for b in three]).mean()
    assert abs(float(joint) - float(mean)) > 1e-4


def test_every_tensor_of_the_loss_is_on_the_network_s_device(small, batches):
    """With tensors that have a device and no values: a GPU's, on a machine that has none (no backward pass)."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    encoder, batch = small[1], batches.batch(0, 0)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        network = import_timm().create_model("test_resnet", pretrained=False, num_classes=0, global_pool="")
        network.eval()
        for module in network.modules():
            for name, value in [
                *module.named_parameters(recurse=False),
                *module.named_buffers(recurse=False),
            ]:
                delattr(module, name)
                setattr(module, name, value.detach().to("cuda:0"))
                if value.is_floating_point() and "running" not in name:
                    setattr(module, name, torch.nn.Parameter(getattr(module, name)))
        vectors = unit_vectors(network, encoder, batch.images)
        assert vectors.device.type == "cuda" and vectors.dtype == torch.float32
        same = torch.ones(4, dtype=torch.bool).to(vectors.device)
        loss = hardest(contrastive(*vectors.chunk(2), same, 1.2), 0.5)
        assert loss.device.type == "cuda" and loss.shape == ()


def spy(act, calls: list):
    """``act`` that notes each call."""

    def noted(*args, **options):
        calls.append(act)
        return act(*args, **options)

    return noted
