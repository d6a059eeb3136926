"""The three heads against their equations an episode at a time, and a tiny network of open_clip end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fsbench_clip.method import SCALE
from fsbench_clip.network import ClipNetwork, import_open_clip, weights_of
from fsbench_clip.probe import TextProbe
from fsbench_clip.tip_adapter import TextAndCache
from fsbench_clip.zero_shot import ZeroShot
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from fewshot_bench.api import FsbenchError, Tasks, UsageError, seeded

NAMES = ["apple", "pear", "plum", "fig"]


class Fixed:
    """Texts that are drawn from a seed by their names."""

    def texts(self, names, templates):
        made = [np.random.default_rng(sum(map(ord, name))).normal(size=12) for name in names]
        return torch.nn.functional.normalize(torch.from_numpy(np.array(made)).float(), dim=1)


def episodes(count=3, shots=3, queries=5, ragged=True):
    """Returns unit vectors [M, 12] and episodes with names, where ``ragged`` takes classes, shots and queries away."""
    rng = np.random.default_rng(0)
    table = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(60, 12))).float(), dim=1)
    order = np.stack([rng.permutation(60)[: 4 * shots + queries] for _ in range(count)])
    support, query = order[:, : 4 * shots].reshape(count, 4, shots), order[:, 4 * shots :].copy()
    names = np.array([NAMES] * count, dtype=object)
    if ragged:
        support[0, 3], names[0, 3], support[1, 1, 1:], query[1, -1] = -1, "", -1, -1
    return table, Tasks(support, query, names)


def one_by_one(table, tasks, score):
    """Returns scores [E, Q, N] of a function of support, labels, queries and texts of one episode."""
    found = np.full((*tasks.query.shape, tasks.ways), -np.inf)
    for e, (x, y, q) in enumerate(tasks.each(table.double().numpy())):
        there = (tasks.support[e] >= 0).any(1)
        t = Fixed().texts(list(tasks.names[e][there]), ()).double().numpy()
        found[e, : len(q), : there.sum()] = score(x, y, q, t)
    return found


def close(head, score, atol=1e-4):
    table, tasks = episodes()
    found, report = head.scores(table, tasks)
    real = tasks.query >= 0
    np.testing.assert_allclose(found.numpy()[real], one_by_one(table, tasks, score)[real], atol=atol)
    parts = [head.scores(table, tasks[e : e + 1])[0] for e in range(len(tasks))]
    torch.testing.assert_close(torch.cat(parts)[real], found[real], atol=1e-5, rtol=1e-5)
    return report


def test_zero_shot_is_the_softmax_of_cosines_with_texts():
    close(ZeroShot(Fixed(), ()), lambda x, y, q, t: softmax(100 * q @ t.T, axis=1))


def test_tip_adapter_is_its_equation():
    def score(x, y, q, t):
        return SCALE * q @ t.T + 2.0 * np.exp(-5.5 * (1 - q @ x.T)) @ np.eye(len(t))[y]

    close(TextAndCache(Fixed(), (), 2.0, 5.5), score, atol=1e-3)


def test_the_probe_is_the_minimum_that_scipy_finds():
    penalty, scale = 0.5, 10.0

    def score(x, y, q, t):
        weight = 1 / (len(t) * np.bincount(y, minlength=len(t))[y])

        def loss(w):
            logp = log_softmax(scale * x @ w.reshape(t.shape).T, axis=1)
            return -(weight * logp[np.arange(len(y)), y]).sum() + penalty / 2 * ((w - t.ravel()) ** 2).sum()

        best = minimize(loss, t.ravel(), method="BFGS", options={"gtol": 1e-8}).x
        return softmax(scale * q @ best.reshape(t.shape).T, axis=1)

    report = close(TextProbe(Fixed(), (), penalty, scale, 600), score)
    assert report["gradient_norm"].max() < 1e-8


def test_a_probe_that_is_held_fast_is_zero_shot():
    table, tasks = episodes(ragged=False)
    held = TextProbe(Fixed(), (), penalty=1e9, scale=SCALE, steps=20).scores(table, tasks)[0]
    torch.testing.assert_close(held, ZeroShot(Fixed(), ()).scores(table, tasks)[0], atol=1e-5, rtol=1e-4)


def test_episodes_without_names_are_refused():
    table, tasks = episodes()
    with pytest.raises(FsbenchError, match="have none"):
        ZeroShot(Fixed(), ()).scores(table, Tasks(tasks.support, tasks.query))


def test_a_missing_file_is_one_sentence_with_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UsageError, match=r"open_clip-ViT-B-32\.safetensors .*export FSBENCH_WEIGHTS"):
        weights_of("ViT-B-32", None)
    (tmp_path / "open_clip-ViT-B-32.pth").touch()
    assert weights_of("ViT-B-32", None) == tmp_path / "open_clip-ViT-B-32.pth"


SETTINGS = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The settings and random weights of a tiny network, as files."""
    try:
        open_clip = import_open_clip()
    except UsageError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("clip")
    (folder / "tiny.json").write_text(json.dumps(SETTINGS))
    network = seeded(lambda: open_clip.CLIP(**SETTINGS), 0)
    torch.save(network.state_dict(), folder / "tiny.pth")
    return {"model": str(folder / "tiny.json"), "weights": str(folder / "tiny.pth")}


def test_texts_are_the_mean_of_unit_vectors_at_unit_length(tiny):
    clip = ClipNetwork(tiny["model"], Path(tiny["weights"]))
    found = clip.texts(["red_apple", "pear", "red_apple"], ["a {}.", "the {}."])
    each = clip.network.encode_text(clip.tokens(["a red apple.", "the red apple."])).detach()
    mean = torch.nn.functional.normalize(torch.nn.functional.normalize(each, dim=1).mean(0), dim=0)
    torch.testing.assert_close(found[0], mean)
    assert torch.equal(found[0], found[2]) and not torch.equal(found[0], found[1])
    assert clip.pretraining == "unknown (file tiny.pth)"


@pytest.mark.parametrize("name", ["clip-zero-shot", "tip-adapter", "clip-probe"])
def test_each_keeps_its_contract_and_its_record_says_that_it_reads_names(name, tiny, tmp_path):
    import fewshot_bench as fb

    report = fb.check(name, queries=2, episodes=2, parameters=tiny, device="cpu")
    told = [(t.check, t.text) for t in report.trials if t.verdict not in ("holds", "skipped")]
    assert report.sound, told
    with pytest.warns(UserWarning, match="look like codes"):
        record = fb.run(name, "digits", ways=3, shots=2, queries=2, episodes=3, parameters=tiny, device="cpu")
    assert record.data["reads_names"] is True
