"""Files of weights that carry the name of published ones have their content, or are refused."""

from __future__ import annotations

import hashlib

import pytest

torch = pytest.importorskip("torch")

from fewshot_bench.embed import PretrainedEncoder, lite0, weights  # noqa: E402
from fewshot_bench.embed.weights import require_published  # noqa: E402
from fewshot_bench.errors import FsbenchError  # noqa: E402


def test_the_weights_that_come_with_the_installation_are_the_published_ones():
    path = lite0.weights_file()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == weights.PUBLISHED[path.name]


def test_a_flipped_bit_in_them_is_a_sentence_and_no_other_vector(tmp_path, monkeypatch):
    damaged = tmp_path / lite0.weights_file().name
    content = bytearray(lite0.weights_file().read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(lite0, "weights_file", lambda: damaged)
    with pytest.raises(
        FsbenchError, match=r"is not the published file of that name: its sha256 begins with "
    ):
        PretrainedEncoder().fingerprint()


def test_a_published_name_says_how_its_content_begins(tmp_path, monkeypatch):
    path = tmp_path / "resnet18-f37072fd.pth"
    torch.save({}, path)
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(
        FsbenchError, match=r"resnet18-f37072fd\.pth is not the published file .* not with f37072fd"
    ):
        PretrainedEncoder("resnet18").fingerprint()
    require_published(path, "f37072fd" + 56 * "0")


def test_a_file_that_a_person_names_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine-00000000.pth"
    torch.save({}, path)
    assert PretrainedEncoder("resnet18", weights=path).fingerprint()
