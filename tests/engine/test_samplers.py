"""Samplers and protocols of plugins: what they draw is checked, recorded, hashed and ranked as everything else is."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.api import Protocol, Sampler
from fewshot_bench.cli import guarded, listing
from fewshot_bench.contract import registry
from fewshot_bench.engine import Request
from fewshot_bench.episodes import EpisodeSet, EpisodeSpec, load_manifest, save_manifest
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.report.leaderboard import tables

SOURCE = """
import numpy as np
from fewshot_bench.api import Protocol, Sampler

class Present(Sampler):
    api_version = 1
    name = "present"
    summary = "queries of a single class of the episode"

    def __call__(self, index, spec):
        generator = np.random.default_rng(spec.seed)
        classes = np.stack([generator.permutation(len(index.class_names))[: spec.ways] for _ in range(spec.episodes)])
        support = np.full((*classes.shape, spec.shots), -1)
        query = np.full((*classes.shape, spec.queries), -1)
        for episode, way in np.ndindex(classes.shape):
            rows = generator.permutation(np.flatnonzero(index.labels == classes[episode, way]))
            support[episode, way] = rows[: spec.shots]
            if way == 0:
                query[episode, way] = rows[spec.shots :][: spec.queries]
        return classes, support, query

lonely = Protocol(
    "lonely", "queries of one class alone", ways=4, shots=2, queries=3, fixed=True, episodes=6, sampler="present",
    metrics=("top5",), headline="map", title="lonely",
)
"""


@pytest.fixture
def plugins(make_plugin):
    site = make_plugin("a-sampler", SOURCE, group=registry.SAMPLERS, present="Present")
    points = next(site.glob("*.dist-info")) / "entry_points.txt"
    points.write_text(points.read_text() + f"[{registry.PROTOCOLS}]\nlonely = a_sampler:lonely\n")
    registry.entries.cache_clear()


class Fixed(Sampler):
    """Draws what it is told to draw."""

    api_version = 1
    name = "fixed"
    summary = "what it is told to"
    drawn = staticmethod(lambda index, spec: None)

    def __call__(self, index, spec):
        return type(self).drawn(index, spec)


def valid(index, spec):
    """The first pictures of the first classes, in every episode."""
    rows = [np.flatnonzero(index.labels == number) for number in range(3)]
    classes = np.tile(np.arange(3), (spec.episodes, 1))
    support = np.tile(np.array([r[:1] for r in rows]), (spec.episodes, 1, 1))
    query = np.tile(np.array([r[10 : 10 + 2] for r in rows]), (spec.episodes, 1, 1))
    return classes, support, query


def test_a_sampler_of_a_plugin_draws_and_the_record_names_it(plugins, tmp_path) -> None:
    asked = {"ways": 4, "shots": 2, "queries": 3, "episodes": 5, "sampler": "present"}
    record = fb.run("pixels", "digits", **asked, results=tmp_path)
    assert record.sampler == "present"
    assert record.data["sampler_distribution"] == "a-sampler 1.0"
    assert "--sampler present" in record.command
    assert ((record.arrays["query_label"] >= 0).sum(axis=1) == 3).all()
    assert fb.run("pixels", "digits", **asked).scores_sha256 == record.scores_sha256
    own = fb.run("pixels", "digits", ways=4, shots=2, queries=3, episodes=5)
    assert own.identity != record.identity
    assert "sampler" not in own.data
    assert [table.title for table in tables([record])] == [
        "digits (default): 4-way 2-shot, 3 queries a class, 5 episodes, drawn by present"
    ]


def test_a_protocol_of_a_plugin_is_a_row_like_any_other(plugins, tmp_path, capsys) -> None:
    record = fb.run("pixels", "digits", protocol="lonely", results=tmp_path)
    assert (record.ways, record.shots, record.queries, record.episodes) == (4, 2, 3, 6)
    assert set(record.metrics) == {"top5"}
    assert "--protocol lonely" in record.command
    assert "--sampler" not in record.command and "--metric" not in record.command
    assert Request("pixels", "digits", protocol="lonely").rules.headline == "map"
    with pytest.raises(UsageError, match="The protocol lonely has --ways 4, and 5"):
        fb.run("pixels", "digits", protocol="lonely", ways=5)
    with pytest.raises(UsageError, match="draws its episodes in its own way"):
        fb.run("pixels", "digits", protocol="lonely", sampler=Fixed)
    rows = {row["protocol"]: row for row in listing.list_protocols()}
    assert rows["lonely"]["distribution"] == "a-sampler 1.0"
    assert rows["lonely"]["ranked by"] == "mAP"
    assert guarded(["protocols", "--json"], debug=False) == 0
    assert json.loads(capsys.readouterr().out)[0]["protocol"] == "fewshot"


def test_a_table_of_a_protocol_is_made_where_its_plugin_is_gone(plugins, monkeypatch) -> None:
    record = fb.run("pixels", "digits", protocol="lonely")
    with monkeypatch.context() as gone:
        gone.setattr(registry, "entries", lambda group: {})
        (table,) = tables([record])
        headline = table.standings[0].headline
    assert "lonely, 4-way 2-shot" in table.title
    assert headline[0] == "mAP"
    assert headline[1].mean == record.map.mean


def test_its_manifest_is_replayed_without_the_sampler(plugins, tmp_path) -> None:
    drawn = fb.sample("digits", ways=4, shots=2, queries=3, episodes=5, sampler="present")
    save_manifest(tmp_path / "m.npz", drawn)
    index = fb.dataset("digits")
    loaded = load_manifest(tmp_path / "m.npz", index)
    assert loaded.sha256 == drawn.sha256
    assert loaded.spec.sampler == "present"


def test_a_class_is_a_sampler_too_and_says_that_it_is_unregistered(monkeypatch) -> None:
    monkeypatch.setattr(Fixed, "drawn", staticmethod(valid))
    record = fb.run("pixels", "digits", ways=3, queries=2, episodes=4, sampler=Fixed)
    assert record.data["sampler_distribution"].startswith("unregistered ")
    assert record.command.startswith("# unregistered")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c, s, q: None, "returned a NoneType; return classes"),
        (lambda c, s, q: (c, s, q[0]), "whole numbers were expected"),
        (lambda c, s, q: (c, s, q * 1.0), "whole numbers were expected"),
        (lambda c, s, q: (c, s, s), "as both support and query"),
        (lambda c, s, q: (c, s[:, ::-1], q), "is of class"),
        (lambda c, s, q: (c, s, np.full_like(q, -1)), "has 0 query images in episode 0"),
        (
            lambda c, s, q: (c, np.concatenate([s, q[..., :1]], axis=2), q[..., 1:]),
            "has 2 support images of a class",
        ),
        (lambda c, s, q: (c[:3], s[:3], q[:3]), "states 4 episodes and holds 3"),
        (lambda c, s, q: (c[:, :1], s[:, :1], q[:, :1]), "has 1 classes in episode 0"),
        (lambda c, s, q: (c, s, q + 10**7), "outside the"),
        (lambda c, s, q: exec("raise SystemExit(0)"), "The sampler fixed"),
    ],
)
def test_what_is_drawn_wrongly_is_a_sentence(monkeypatch, change, sentence) -> None:
    monkeypatch.setattr(Fixed, "drawn", staticmethod(lambda index, spec: change(*valid(index, spec))))
    with pytest.raises(FsbenchError, match=sentence):
        fb.sample("digits", ways=3, shots=1, queries=2, episodes=4, sampler=Fixed)


def test_a_sampler_that_draws_otherwise_a_second_time_is_refused(monkeypatch) -> None:
    calls = itertools.count()

    def restless(index, spec):
        classes, support, query = valid(index, spec)
        return (classes, support, query) if next(calls) % 2 else (classes, query[..., :1], support)

    monkeypatch.setattr(Fixed, "drawn", staticmethod(restless))
    with pytest.raises(FsbenchError, match="draws other episodes when it is asked again"):
        fb.sample("digits", ways=3, queries=2, episodes=4, sampler=Fixed)


def test_the_hash_of_episodes_without_a_sampler_is_what_it_was() -> None:
    spec = EpisodeSpec(2, 1, 1, 1, 0)
    assert "sampler" not in spec.to_json()
    assert EpisodeSpec.from_json(spec.to_json()) == spec
    ones = np.ones((1, 2, 1), dtype=np.int64)
    made = [
        EpisodeSet(s, "d", "f", np.array([[0, 1]], dtype=np.int32), ones, ones, ("a", "b"))
        for s in (spec, EpisodeSpec(2, 1, 1, 1, 0, sampler="other"))
    ]
    assert made[0].sha256 == "2aef33f00f4889ab5e4d22409bcb31b1341fe9f5daa66fbd16857b03f7cd396f"
    assert made[0].sha256 != made[1].sha256


@pytest.mark.parametrize(
    ("source", "group", "names", "sentence"),
    [
        ("class A: pass", registry.SAMPLERS, {"a": "A"}, "states no api_version"),
        ("a = 3", registry.PROTOCOLS, {"a": "a"}, "is a int; name an instance of Protocol"),
        (
            "from fewshot_bench.api import Protocol\na = Protocol('fewshot', 'mine')",
            registry.PROTOCOLS, {"a": "a"}, "one of the package's own",
        ),
        (
            "from fewshot_bench.api import Protocol\na = Protocol('a', 'two\\nlines')",
            registry.PROTOCOLS, {"a": "a"}, "not one line",
        ),
    ],
)  # fmt: skip
def test_a_broken_one_is_named_and_breaks_no_list(
    make_plugin, capsys, source, group, names, sentence
) -> None:
    make_plugin("broken", source, group=group, **names)
    with pytest.raises(FsbenchError, match=sentence):
        registry.load(group, "a")
    room = "samplers" if group == registry.SAMPLERS else "protocols"
    assert guarded([room], debug=False) == 0
    assert sentence in capsys.readouterr().err


def test_unknown_names_are_sentences() -> None:
    with pytest.raises(UsageError, match="--protocol is one of fewshot, classification"):
        fb.run("pixels", "digits", protocol="nothing")
    with pytest.raises(UsageError, match="There is no sampler named 'nothing'"):
        fb.sample("digits", sampler="nothing")
    with pytest.raises(UsageError, match="variable episodes are drawn by the suite's own sampler"):
        fb.sample("digits", variable=True, sampler=Fixed)


def test_a_row_is_kept_and_read_back_and_a_strange_one_is_harmless() -> None:
    row = Protocol("mine", "what", headline="map", title="mine", split="pictures")
    assert Protocol.from_json(row.to_json()).headline == "map"
    assert Protocol.from_json({"name": 3, "headline": "<b>", "title": ["x"]}).title == ""


def test_the_sampler_of_the_documentation_runs(capsys) -> None:
    page = (Path(__file__).parents[2] / "docs" / "samplers.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"__name__": "samplers_page"}
    for block in blocks:
        exec(compile(block, "samplers.md", "exec"), names)
    assert capsys.readouterr().out.endswith("long-tail\n")
    record, row = names["record"], names["long_tail"]
    shots = (
        fb.sample("digits", ways=4, shots=8, queries=5, episodes=20, sampler=names["LongTail"]).support >= 0
    ).sum(2)
    assert (shots == [8, 4, 2, 1]).all()
    assert isinstance(row, Protocol) and row.sampler == record.sampler
