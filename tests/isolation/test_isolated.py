"""A method in a process of its own: equal records, no labels within reach, and a process that dies is a sentence."""

from __future__ import annotations

import io
import json
import os
import sys

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.errors import FsbenchError, PluginError, UsageError
from fewshot_bench.isolation.wire import WireError, receive, send

pytestmark = pytest.mark.subprocess
SMALL = {"ways": 3, "shots": 2, "queries": 2, "episodes": 2}
VOLATILE = {"timings", "environment", "created"}

METHODS = """
import gc, os, signal, sys, time
import numpy as np
from fewshot_bench.api import EmbeddingMethod, EpisodicMethod, PixelEncoder, Prototype

def labels_in_reach(shape):
    '''Integer arrays of the shape of the labels in any frame or object of this process, but the indices given.'''
    found, frame = [], sys._getframe()
    while frame is not None:
        found += list(frame.f_locals.values())
        frame = frame.f_back
    for thing in [*found, *gc.get_objects()]:
        inner = thing.values() if type(thing) is dict else thing if type(thing) in (list, tuple) else [thing]
        for value in list(inner):
            if type(value) is np.ndarray and value.dtype == np.int64 and value.shape == shape:
                if 0 <= value.min() and value.max() < 3:
                    return value
    return None

class Peek(Prototype):
    def scores(self, table, tasks):
        scores, more = super().scores(table, tasks)
        labels = labels_in_reach(tasks.query.shape)
        if labels is not None:
            scores = scores * 0
            for e in range(len(labels)):
                for q in range(labels.shape[1]):
                    scores[e, q, labels[e, q]] = 1
        return scores, more

class Patch(Prototype):
    def scores(self, table, tasks):
        import fewshot_bench.engine.scoring as scoring
        scoring.predictions = lambda scores, valid: np.zeros(valid.shape, int)
        scoring.ranks_of_truth = lambda scores, labels: labels * 0
        import fewshot_bench.engine.outcome as outcome
        scoring.evaluate = None
        return super().scores(table, tasks)

class Tell(Prototype):
    def scores(self, table, tasks):
        names = [n for n in ("FSBENCH_DATA",) if n in os.environ] + [w for w in sys.argv if "digits" in w]
        assert not names, names
        print("printed")
        return super().scores(table, tasks)

class Exit(Prototype):
    def scores(self, table, tasks):
        os._exit(0)

class Kill(Prototype):
    def scores(self, table, tasks):
        os.kill(os.getpid(), signal.SIGSEGV)

class Leave(Prototype):
    def scores(self, table, tasks):
        sys.exit(0)

class Sleep(Prototype):
    def scores(self, table, tasks):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

class Wrong(Prototype):
    def scores(self, table, tasks):
        scores, more = super().scores(table, tasks)
        return scores[:, :1], more

class Base(EmbeddingMethod):
    api_version, name, summary = 1, "toy", "a toy"
    Head = Prototype
    def setup(self, context):
        self.encoder, self.head = PixelEncoder(8), self.Head("euclidean")

class Plain(EpisodicMethod):
    api_version, name, summary, pretraining, image_size = 1, "toy", "a toy", "none", 8
    def solve(self, tasks):
        support = tasks.support_images.astype(float)[:, :, 0].reshape(len(tasks), tasks.tasks.ways, -1)
        query = tasks.query_images.astype(float).reshape(len(tasks), tasks.tasks.query.shape[1], -1)
        return -((query[:, :, None] - support[:, None]) ** 2).sum(-1)
""" + "".join(
    f"\nclass Toy{head}(Base):\n    Head = {head}\n"
    for head in ("Prototype", "Peek", "Patch", "Tell", "Exit", "Kill", "Leave", "Sleep", "Wrong")
)
HEADS = ("Prototype", "Peek", "Patch", "Tell", "Exit", "Kill", "Leave", "Sleep", "Wrong")


@pytest.fixture
def toys(make_plugin):
    make_plugin("toy-heads", METHODS, **{head.lower(): f"Toy{head}" for head in HEADS}, plain="Plain")


def same(first, second) -> bool:
    return {k: v for k, v in first.data.items() if k not in VOLATILE} == {
        k: v for k, v in second.data.items() if k not in VOLATILE
    } and all(first.arrays[k].tobytes() == second.arrays[k].tobytes() for k in first.arrays)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "more"),
    [("pixels", {"k": 2}), ("plain", {}), ("prototype", {})],
)
def test_the_record_equals_that_of_a_run_in_process(toys, method, more):
    alone = fb.run(method, "digits", **SMALL, parameters=more, isolated=True)
    assert alone.environment["isolated"] is True
    here = fb.run(method, "digits", **SMALL, parameters=more)
    assert same(alone, here) and "isolated" not in here.environment


@pytest.mark.slow
@pytest.mark.packshots
@pytest.mark.training
def test_a_training_there_is_the_training_here(monkeypatch, tmp_path):
    pytest.importorskip("fsbench_protonet")
    tiny = {
        "backbone": "conv4-32", "size": 28, "train_ways": 4, "queries": 2, "epochs": 1, "episodes": 2,
        "validation_episodes": 2,
    }  # fmt: skip
    records = []
    for isolated in (True, False):
        monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / str(isolated)))
        records.append(fb.run("protonet", "packshots", **SMALL, parameters=tiny, isolated=isolated))
        records[-1].data["training"].pop("timings")
    assert same(*records)


@pytest.mark.slow
def test_labels_are_in_reach_in_process_and_not_of_an_isolated_method(toys):
    honest = fb.run("prototype", "digits", **SMALL, isolated=True)
    assert fb.run("peek", "digits", **SMALL).accuracy.mean == 1.0, "the cheat works where it can"
    caught = fb.run("peek", "digits", **SMALL, isolated=True)
    assert np.array_equal(caught.arrays["query_prediction"], honest.arrays["query_prediction"])


@pytest.mark.slow
def test_replaced_metrics_are_those_of_its_own_process(toys):
    honest = fb.run("prototype", "digits", **SMALL)
    caught = fb.run("patch", "digits", **SMALL, isolated=True)
    assert caught.scores_sha256 == honest.scores_sha256 and caught.accuracy == honest.accuracy


@pytest.mark.slow
def test_it_is_told_neither_the_data_set_nor_where_data_is_and_prints_no_record(
    toys, capfd, monkeypatch, tmp_path
):
    monkeypatch.setenv("FSBENCH_DATA", str(tmp_path))
    words = ["run", "--method", "tell", "--dataset", "digits", "--episodes", "2", "--isolated", "--json"]
    assert guarded([*words, "--results", str(tmp_path)], debug=False) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["environment"]["isolated"] and "printed" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "limit", "words"),
    [
        ("exit", None, r"failed in scores: its process ended with status 0 and without an answer"),
        ("kill", None, r"failed in scores: its process was ended by signal 11 \(SIGSEGV\)"),
        ("leave", None, "failed in scores: it called exit with 0"),
        ("sleep", 10, "took longer than 10 s in scores, and its process was ended"),
        ("wrong", None, r"returned scores of shape \(2, 1, 3\)"),
    ],
)
def test_a_process_that_dies_or_answers_wrongly_is_a_sentence(toys, method, limit, words):
    with pytest.raises(FsbenchError, match=words):
        fb.run(method, "digits", **SMALL, isolated=True, time_limit=limit)


def test_an_unknown_parameter_is_the_same_sentence(toys):
    with pytest.raises(UsageError, match="has no parameter 'nothing'"):
        fb.run("prototype", "digits", **SMALL, parameters={"nothing": 1}, isolated=True)


def test_a_message_comes_back_as_it_was_and_holds_numbers_only():
    stream = io.BytesIO()
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros((0, 4), np.int8), "c": np.array(True)}
    send(stream, {"call": "x", "text": "ü\udc80"}, arrays)
    stream.seek(0)
    head, found = receive(stream)
    assert head == {"call": "x", "text": "ü\udc80"}
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
    objects = io.BytesIO()
    send(objects, {}, {"a": np.zeros(2, "M8[s]")})
    objects.seek(0)
    with pytest.raises(WireError, match="is none of numbers"):
        receive(objects)


@pytest.mark.parametrize(
    "data", [b"", b"\1", b"\xff" * 8, (4).to_bytes(8, "little") + b"{}}}", (2).to_bytes(8, "little") + b"{}"]
)
def test_what_is_no_message_is_an_error(data):
    with pytest.raises(WireError):
        receive(io.BytesIO(data))


def test_no_process_is_left_behind(toys):
    with pytest.raises(PluginError):
        fb.run("exit", "digits", **SMALL, isolated=True)
    if sys.platform == "linux":
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
