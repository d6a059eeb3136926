"""verify, rerun and submit: what holds is said to hold, and what was changed is found."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.cli.recorded import request_of
from fewshot_bench.errors import UsageError
from fewshot_bench.records import Record, read_all, save
from fewshot_bench.verification.rerun import Repetition, rerun
from fewshot_bench.verification.verify import compared, some_of, subset, verify

FEW = {"ways": 4, "queries": 3, "episodes": 20}


@pytest.fixture(scope="module")
def record() -> Record:
    return fb.run("pixels", "digits", parameters={"size": 4}, **FEW)


@pytest.fixture
def path(record, tmp_path):
    return save(record, tmp_path / "results")


def outcomes(record: Record, **options) -> dict[str, str]:
    return {v.part: v.outcome for v in verify(record, request_of(record), **options)}


def test_what_was_run_here_holds(record) -> None:
    assert outcomes(record) == {"numbers": "holds", "episodes": "holds", "run again": "holds"}
    assert outcomes(record, again=False) == {"numbers": "holds"}


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": "retrieval", "ways": 4, "shots": 2, "queries": 3, "episodes": 5},
        {"protocol": "oneshot-all"},
        {"protocol": "classification"},
        {"ways": "all", "shots": 1, "queries": "all", "episodes": 4},
        {"variable": True, "episodes": 5},
    ],
    ids=lambda options: str(options.get("protocol", "variable" if "variable" in options else "all ways")),
)  # fmt: skip
def test_every_protocol_is_verified(options) -> None:
    made = fb.run("pixels", "digits", parameters={"size": 4}, **options)
    assert outcomes(made) == {"numbers": "holds", "episodes": "holds", "run again": "holds"}


def test_invented_answers_are_found_though_every_number_fits_them(record, tmp_path) -> None:
    perfect = fb.run("pixels", "digits", parameters={"size": 16}, **FEW)
    data = record.data | {name: perfect.data[name] for name in ("accuracy", "map")}
    lying = Record(data, perfect.arrays)
    assert outcomes(lying) == {"numbers": "holds", "episodes": "holds", "run again": "fails"}


def test_episodes_of_another_seed_are_found(record) -> None:
    other = fb.run("pixels", "digits", parameters={"size": 4}, seed=5, **FEW)
    lying = Record(other.data | {"command": record.command}, other.arrays)
    assert outcomes(lying)["episodes"] == "fails"


def test_what_cannot_be_tried_here_is_said(record) -> None:
    gone = Record(record.data | {"command": record.command.replace("digits", "grozi120")}, record.arrays)
    assert outcomes(gone)["episodes"] == "not tried"
    alone = {v.part: v.outcome for v in verify(record, None)}
    assert alone == {"numbers": "holds", "episodes": "not tried"}


def test_which_episodes_are_tried_depends_on_the_identity_alone(record) -> None:
    chosen = some_of(1000, record)
    assert len(chosen) == 10 and (np.diff(chosen) > 0).all()
    assert chosen.tolist() == some_of(1000, record).tolist() != list(range(10))
    drawing = Record(record.data | {"draws_per_episode": True}, record.arrays)
    assert some_of(1000, drawing).tolist() == list(range(10))
    assert some_of(2, record).tolist() == [0, 1]


def test_a_subset_has_the_episodes_that_were_chosen() -> None:
    drawn = fb.sample("digits", **FEW)
    part = subset(drawn, np.array([3, 7]))
    assert part.spec.episodes == len(part) == 2
    assert (part.support == drawn.support[[3, 7]]).all()


def test_differences_are_counted() -> None:
    label = np.array([[0, 1, -1]])
    here, there = {"label": label, "prediction": np.array([[0, 0, 5]])}, {"label": label, "prediction": label}
    assert compared(here, there, 1).sentence == "Of 2 predictions of 1 episodes, 1 differ (50.00 %)."
    assert compared(there, there, 1).outcome == "holds"
    assert compared({**here, "label": label[:, ::-1]}, there, 1).outcome == "fails"


def test_a_rerun_is_equal_or_says_what_differs(record) -> None:
    assert rerun(record, request_of(record)).equal
    other = fb.run("pixels", "digits", parameters={"size": 8}, **FEW)
    facts = other.data["identity_facts"] | {"versions": {"numpy": "0.1"}}
    lines = Repetition(Record(other.data | {"identity_facts": facts}, other.arrays), record).lines()
    assert lines[0].startswith("Different scores. Of 240 predictions of 20 episodes, ")
    assert any(line.startswith("Another parameters:") for line in lines)
    assert any(line.startswith("numpy: 0.1 in the record, ") for line in lines)


def test_the_commands(path, tmp_path, capsys) -> None:
    assert guarded(["verify", str(path)], debug=False) == 0
    assert capsys.readouterr().out.count("holds") == 3
    assert guarded(["rerun", str(path)], debug=False) == 0
    assert capsys.readouterr().out.startswith("Equal: ")
    out = tmp_path / "s.zip"
    assert guarded(["submit", str(path), "-o", str(out)], debug=False) == 0
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "unpacked")
    told = json.loads((tmp_path / "unpacked" / "verification.json").read_text())
    assert [v["outcome"] for v in told["records"][0]["verdicts"]] == ["holds"] * 3
    assert len(read_all([tmp_path / "unpacked" / "results"])) == 1
    assert guarded(["verify", "--numbers-only", str(tmp_path / "unpacked" / "results")], debug=False) == 0


def test_a_bad_record_is_not_submitted(path, tmp_path, capsys) -> None:
    (path.parent / "stray.json").write_text("{}")
    assert guarded(["verify", "--numbers-only", str(path.parent)], debug=False) == 1
    assert guarded(["submit", str(path.parent), "-o", str(tmp_path / "s.zip")], debug=False) == 1
    assert "is not submitted" in capsys.readouterr().err
    assert not (tmp_path / "s.zip").exists()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("# unregistered, run from Python: fsbench run", "has no command that makes it again"),
        ("rm -rf /", "has no command that makes it again"),
        ("fsbench run --method pixels --dataset digits --no-such 1", "cannot be read"),
        ("fsbench run --method pixels --dataset digits --episodes-from m.npz", "made from a manifest"),
        ("fsbench run '", "has no command"),
    ],
)
def test_a_command_that_makes_nothing_again_is_a_sentence(record, command, sentence) -> None:
    with pytest.raises(UsageError, match=sentence):
        request_of(Record(record.data | {"command": command}, record.arrays))
