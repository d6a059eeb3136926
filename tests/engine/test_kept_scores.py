"""Scores that are kept: those that the record was made of, given back or in a file that is whole or refused."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.api import EmbeddingMethod, KeptScores, PixelEncoder, Prototype
from fewshot_bench.cli import guarded
from fewshot_bench.engine import scoring
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.metrics import accuracy_per_episode

RUN = {"ways": 4, "queries": 3, "episodes": 30, "seed": 2}


class Stopping(Prototype):
    """Solves eight episodes at a time, and stops when it is told to."""

    max_batch, calls, stop_at = 8, 0, 99

    def scores(self, table, tasks):
        type(self).calls += 1
        if type(self).calls > self.stop_at:
            raise KeyboardInterrupt
        return super().scores(table, tasks)


class Stops(EmbeddingMethod):
    """Class means of small pictures."""

    api_version = 1
    name = "stops"
    summary = "class means of small pictures"

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(8), Stopping()


@pytest.fixture
def stopping(monkeypatch):
    monkeypatch.setattr(Stopping, "calls", 0)
    monkeypatch.setattr(Stopping, "stop_at", 99)
    return Stopping


def test_scores_are_those_of_the_record_and_keeping_them_changes_nothing(tmp_path):
    scores, labels = fb.scores("pixels", "digits", **RUN)
    assert scores.shape == (30, 12, 4) and labels.shape == (30, 12)
    plain = fb.run("pixels", "digits", **RUN)
    kept = fb.run("pixels", "digits", **RUN, keep_scores=tmp_path / "new" / "scores.npz")
    assert accuracy_per_episode(scores, labels).mean() == pytest.approx(plain.accuracy.mean)
    assert (kept.identity, kept.command, kept.accuracy) == (plain.identity, plain.command, plain.accuracy)
    found = KeptScores.load(tmp_path / "new" / "scores.npz")
    assert np.array_equal(found.scores, scores) and found.scores.dtype == scores.dtype
    assert np.array_equal(found.labels, labels)
    with np.load(tmp_path / "new" / "scores.npz", allow_pickle=False) as stored:
        facts = json.loads(str(stored["record"]))
    assert (facts["identity"], facts["method"], facts["command"]) == (plain.identity, "pixels", plain.command)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["scores.npz"]


def test_padding_and_absent_classes_are_zero_and_minus_infinity():
    scores, labels = fb.scores("pixels", "digits", variable=True, episodes=6)
    assert (scores[labels < 0] == 0).all() and (labels < 0).any()
    ways = np.array([row[row >= 0].max() + 1 for row in labels])
    assert len(set(ways)) > 1
    for row, count in enumerate(ways):
        there = labels[row] >= 0
        assert np.isfinite(scores[row, there, :count]).all()
        assert (scores[row, there, count:] == -np.inf).all()


def test_a_stopped_run_keeps_the_scores_of_its_finished_chunks(stopping, monkeypatch, tmp_path):
    whole = fb.scores(Stops, "digits", **RUN)
    monkeypatch.setattr(stopping, "calls", 0)
    monkeypatch.setattr(stopping, "stop_at", 2)
    with pytest.raises(KeyboardInterrupt):
        fb.run(Stops, "digits", **RUN, keep_scores=tmp_path / "s.npz")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(stopping, "calls", 0)
    monkeypatch.setattr(stopping, "stop_at", 99)
    fb.run(Stops, "digits", **RUN, keep_scores=tmp_path / "s.npz")
    assert stopping.calls == 2  # 4 chunks, 2 of them done before
    assert np.array_equal(KeptScores.load(tmp_path / "s.npz").scores, whole.scores)


def test_chunks_that_were_finished_without_scores_are_scored_again(stopping, monkeypatch):
    whole = fb.scores(Stops, "digits", **RUN)
    monkeypatch.setattr(stopping, "calls", 0)
    monkeypatch.setattr(stopping, "stop_at", 2)
    with pytest.raises(KeyboardInterrupt):
        fb.run(Stops, "digits", **RUN)
    monkeypatch.setattr(stopping, "calls", 0)
    monkeypatch.setattr(stopping, "stop_at", 99)
    assert np.array_equal(fb.scores(Stops, "digits", **RUN).scores, whole.scores)
    assert stopping.calls == 4


@pytest.mark.slow
def test_an_episode_in_parts_has_the_same_scores(monkeypatch):
    whole = fb.scores("pixels", "digits", **RUN)
    monkeypatch.setattr(scoring, "CHUNK_ELEMENTS", 1)
    monkeypatch.setattr(scoring, "QUERY_ELEMENTS", 24)
    assert np.allclose(fb.scores("pixels", "digits", **RUN).scores, whole.scores)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    made = KeptScores(np.arange(24.0).reshape(2, 3, 4), np.zeros((2, 3), dtype=np.int64))
    made.save(path)
    data = path.read_bytes()
    assert np.array_equal(KeptScores.load(path).scores, made.scores)
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with contextlib.suppress(FsbenchError):
            found = KeptScores.load(path)
            assert np.array_equal(found.scores, made.scores) and np.array_equal(found.labels, made.labels)
    path.write_bytes(data[:100])
    with pytest.raises(FsbenchError, match="no whole file of scores"):
        KeptScores.load(path)
    np.savez(
        path, scores=made.scores + 1, labels=made.labels, record=np.array("{}"), sha256=np.array("0" * 64)
    )
    with pytest.raises(FsbenchError, match="was damaged or changed after it was written"):
        KeptScores.load(path)
    with pytest.raises(FsbenchError, match=r"Cannot read the scores .*none\.npz: no such file"):
        KeptScores.load(tmp_path / "none.npz")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "s.npz"
    KeptScores(np.zeros((1, 1, 2)), np.zeros((1, 1), dtype=np.int64)).save(path)
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FsbenchError, match="no space left on device"):
        KeptScores(np.ones((1, 1, 2)), np.zeros((1, 1), dtype=np.int64)).save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["s.npz"]


@pytest.mark.parametrize("name", ["scores.txt", "scores", "folder.npz"])
def test_a_bad_path_is_refused_before_anything_is_done(tmp_path, name):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UsageError, match=r"--keep-scores writes a file that ends in \.npz"):
        fb.run("pixels", "no-such-data-set", keep_scores=tmp_path / name)
    (tmp_path / "file").touch()
    with pytest.raises(FsbenchError, match="Cannot write to the folder of the scores .* --keep-scores"):
        fb.run("pixels", "no-such-data-set", keep_scores=tmp_path / "file" / "s.npz")


def test_the_command_writes_them(tmp_path, capsys):
    words = ["run", "--method", "pixels", "--dataset", "digits", "--ways", "3", "--episodes", "4"]
    words += ["--results", str(tmp_path / "results"), "--keep-scores", str(tmp_path / "s.npz")]
    assert guarded(words, debug=False) == 0
    assert f"Scores: {tmp_path / 's.npz'}" in capsys.readouterr().err
    assert KeptScores.load(Path(tmp_path / "s.npz")).scores.shape == (4, 45, 3)
