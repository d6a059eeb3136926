"""Suites: what a TOML file says is what is run, what failed is kept with its reason, and a kill loses nothing."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.engine import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.records import read_all
from fewshot_bench.suites import Unit, load, parse, plan
from fewshot_bench.suites.description import expand
from fewshot_bench.suites.failures import known, place
from fewshot_bench.suites.found import asked, made_by, records

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "benchmarks" / "suites").glob("*.toml"))
TINY = """
about = "Two sizes of pixels on digits."
results = "{results}"
table = "Digits"

[[runs]]
part = "small"
dataset = "digits"
episodes = 5
[runs.parameters]
k = 1
[runs.matrix]
size = [{{ parameters = {{ size = 4 }} }}, {{ parameters = {{ size = 8 }} }}]
method = ["pixels"]

[[runs]]
method = "pixels"
dataset = "{dataset}"
"""


@pytest.fixture(scope="module")
def every() -> list[Unit]:
    return [unit for path in FILES for unit in load(path).units()]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A suite, two runs of which can be run."""
    text = TINY.format(results=tmp_path / "results", dataset=tmp_path / "nothing.csv")
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    return tmp_path / "tiny.toml"


def suite(*words: object) -> int:
    return guarded(["suite", *map(str, words)], debug=False)


def test_a_matrix_is_every_combination_and_tables_are_merged() -> None:
    block = {
        "ways": 5,
        "parameters": {"a": 1, "b": 2},
        "matrix": {"setting": [{"ways": 2, "parameters": {"b": 3}}, {}], "shots": [1, 5]},
    }
    assert list(expand(block, "here")) == [
        {"ways": 2, "parameters": {"a": 1, "b": 3}, "shots": 1},
        {"ways": 2, "parameters": {"a": 1, "b": 3}, "shots": 5},
        {"ways": 5, "parameters": {"a": 1, "b": 2}, "shots": 1},
        {"ways": 5, "parameters": {"a": 1, "b": 2}, "shots": 5},
    ]
    assert block["parameters"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("runs = ", "The suite broken is not TOML"),
        ("about = 'nothing'", "has no \\[\\[runs\\]\\]"),
        ("runs = 3", "has no \\[\\[runs\\]\\]"),
        ("runs = [3]", "has no \\[\\[runs\\]\\]"),
        ("colour = 1", "has the key 'colour', which nothing reads"),
        (
            "[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nway = 5",
            "Block 1 of the suite broken has the key 'way'",
        ),
        ("[[runs]]\nmethod = 'pixels'", "names no dataset"),
        ("[[runs]]\nmethod = ['pixels']\ndataset = 'digits'", "has method = \\['pixels'\\]: give a text"),
        ("[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nparameters = 4", "parameters = 4: give a table"),
        ("[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nways = 0", "Block 1 .*--ways must be"),
        ("[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nepisodes = 'many'", "Block 1"),
        ("[[runs]]\ndataset = 'digits'\nmatrix.method = 'pixels'", "not all lists"),
        ("[[runs]]\ndataset = 'digits'\nmatrix.method = []", "at least one element"),
    ],
)
def test_a_mistake_in_a_suite_is_a_sentence_that_names_the_place(text: str, sentence: str) -> None:
    with pytest.raises(FsbenchError, match=sentence):
        parse("broken", text)


def test_an_unknown_file_and_an_unknown_part_are_named_with_those_there_are(tiny, capsys) -> None:
    assert suite("plan", tiny.with_name("other.toml")) == 2
    assert "There is no suite" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no part 'cars'; its parts: small"):
        load(tiny).units("cars")


def test_a_parameter_at_its_default_asks_for_the_same_unit(tmp_path) -> None:
    def unit(**parameters: object) -> Unit:
        return Unit(Request("pretrained-lr", "digits", parameters=parameters), tmp_path)

    assert unit().key == unit(view="both").key != unit(view="pad").key
    assert len(plan([unit(), unit(view="both"), unit(view="pad")]).units) == 2


def test_every_run_of_every_suite_is_another_one_and_its_command_asks_for_it_again(every) -> None:
    commands = [unit.command() for unit in every]
    twice = {command for command in commands if commands.count(command) > 1}
    beside = load(ROOT / "benchmarks" / "suites" / "teacher-student.toml").units()
    shared = {unit.command() for unit in beside if unit.request.method == "pretrained-lr"}
    assert twice <= shared, "only the untrained rows beside teacher and student are of another suite too"
    for unit in every:
        words = shlex.split(unit.command())
        assert words[:2] == ["fsbench", "run"] and asked(unit.command())["--method"] == unit.request.method
        assert ("--results" in words) == (unit.results != Path("results"))


RENAMED = {"average": "ema_decay"}
"""Parameters of records that were made before the parameter had its name of today."""


@pytest.mark.slow
def test_every_published_record_is_made_by_a_suite(every, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    for results in sorted({unit.results for unit in every}):
        found = records(results)
        assert found
        for record in found:
            if record.method in ("maml", "protonet") or record.method.startswith("siamese"):
                record.data["parameters_set"] = {
                    RENAMED.get(k, k): v for k, v in record.parameters_set.items()
                }
        asked_here = [unit for unit in every if unit.results == results]
        assert [r.command for r in found if not any(made_by(r, unit) for unit in asked_here)] == []


@pytest.mark.slow
def test_every_unit_of_the_published_suites_has_its_record(every, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert [one.unit.command() for one in plan(every).units if one.record is None] == []


@pytest.mark.slow
def test_a_record_is_told_by_what_was_asked_for() -> None:
    record = fb.run("pixels", "digits", episodes=5, parameters={"size": 4}, queries=3)

    def unit(**options) -> Unit:
        made_of = {
            "method": "pixels",
            "dataset": "digits",
            "episodes": 5,
            "parameters": {"size": 4},
            **options,
        }
        return Unit(Request(**made_of), Path("results"))

    assert made_by(record, unit(queries=3)) and made_by(record, unit())
    assert made_by(record, unit(parameters={"size": "4"})) and made_by(
        record, unit(parameters={"size": 4, "k": 1})
    )
    for other in ({"queries": 4}, {"parameters": {}}, {"seed": 1}, {"protocol": "retrieval"}, {"metrics": ("top-5",)},
                  {"train_seed": 1}, {"train_dataset": "digits"}, {"unlabelled": ("digits",)},
                  {"drop_small": True}):  # fmt: skip
        assert not made_by(record, unit(**other)), other


@pytest.mark.slow
def test_a_suite_runs_what_has_no_record_goes_on_after_a_failure_and_writes_the_table(tiny, capsys) -> None:
    results = tiny.with_name("results")
    assert suite("run", tiny) == 1
    err = capsys.readouterr().err
    assert "3 of 3 units to do" in err and "[2/3]" in err
    assert "[3/3] failed: fsbench run --method pixels" in err and "nothing.csv" in err
    assert len(list(results.rglob("*.json"))) == 2
    table = (results / "README.md").read_text(encoding="utf-8")
    assert table.startswith("# Digits") and table.count("--set size=") == 2

    assert suite("run", tiny, "--part", "small") == 0
    assert "all 2 units are there" in capsys.readouterr().err
    assert suite("run", tiny, "--part", "small", "--again") == 0
    assert "[2/2]" in capsys.readouterr().err
    assert len(list(results.rglob("*.json"))) == 2

    assert suite("plan", tiny, "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["state"] for row in rows] == ["there", "there", "failed"]
    assert "nothing.csv" in rows[2]["reason"] and rows[2]["seconds"] is not None and rows[0]["identity"]

    (results / "README.md").unlink()
    assert suite("table", tiny) == 0
    assert (results / "README.md").read_text(encoding="utf-8").startswith("# Digits")
    assert [one for one in read_all([results]) if one.method == "pixels"], (
        "a failure is no record that a reader stumbles on"
    )


@pytest.mark.slow
def test_a_failure_is_kept_with_its_reason_until_the_unit_succeeds(tiny, draw) -> None:
    *_, broken = load(tiny).units()
    assert suite("run", tiny) == 1
    failure = known(broken)
    assert failure is not None and "nothing.csv" in failure.reason and failure.command == broken.command()
    rows = ["path,label"]
    for number in range(40):
        draw(tiny.with_name(f"{number}.png"), number)
        rows.append(f"{number}.png,class {number % 5}")
    tiny.with_name("nothing.csv").write_text("\n".join(rows), encoding="utf-8")
    assert suite("run", tiny) == 0
    assert known(broken) is None and not place(broken).parent.exists()


@pytest.mark.slow
def test_what_a_plugin_raises_is_a_failure_with_its_traceback_and_the_others_go_on(
    tmp_path, make_plugin, capsys
) -> None:
    make_plugin("fsbench-odd", "from fsbench_baselines.pixels import Pixels\n" + ODD, odd="Odd")
    text = "[[runs]]\ndataset = 'digits'\nepisodes = 5\nmatrix.method = ['odd', 'missing', 'pixels']"
    (tmp_path / "odd.toml").write_text(text)
    assert suite("run", tmp_path / "odd.toml", "--results", tmp_path / "results") == 1
    err = capsys.readouterr().err
    assert "Impossible: fsbench run --method missing" in err and "[2/2]" in err
    assert "ZeroDivisionError" in err
    unit = load(tmp_path / "odd.toml", tmp_path / "results").units()[0]
    assert "ZeroDivisionError" in known(unit).reason
    assert len(list((tmp_path / "results").rglob("*.json"))) == 1


ODD = """
class Odd(Pixels):
    name = "odd"
    def setup(self, context):
        1 / 0
"""


@pytest.mark.slow
def test_several_methods_and_shots_in_one_run_are_a_suite_of_one_line(tmp_path, capsys) -> None:
    words = ["run", "--method", "pixels", "--method", "hog-knn", "--dataset", "digits", "--shots", "1", "--shots", "2",
             "--episodes", "5", "--results", str(tmp_path)]  # fmt: skip
    assert guarded(words, debug=False) == 0
    shown = capsys.readouterr()
    assert shown.err.count("\n[") == 3 and shown.out.count("hog-knn") == 2
    assert guarded([*words, "--json"], debug=False) == 0
    shown = capsys.readouterr()
    assert "all 4 units are there" in shown.err
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [(row["method"], row["shots"]) for row in rows] == [
        ("pixels", 1), ("pixels", 2), ("hog-knn", 1), ("hog-knn", 2),
    ]  # fmt: skip
    assert guarded([*words, "--keep-scores", str(tmp_path / "s.npz")], debug=False) == 2


MANY = """
[[runs]]
dataset = "digits"
method = "pixels"
episodes = 40
[runs.matrix]
shots = [1, 2, 3]
seed = [0, 1]
size = [{ parameters = { size = 4 } }, { parameters = { size = 8 } }]
"""


@pytest.mark.slow
@pytest.mark.subprocess
def test_a_suite_that_is_killed_many_times_is_equal_to_an_undisturbed_one(tmp_path) -> None:
    (tmp_path / "many.toml").write_text(MANY)

    def words(name: str) -> list[str]:
        command = ["suite", "run", str(tmp_path / "many.toml"), "--results", str(tmp_path / name)]
        return [sys.executable, "-c", f"from fewshot_bench.cli import main; main({command})"]

    subprocess.run(words("quiet"), check=True, capture_output=True)
    for wait in (1.2, 1.6, 2.0, 2.4):
        process = subprocess.Popen(words("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(words("killed"), check=True, capture_output=True)
    scores = [
        {record.data["identity"]: record.scores_sha256 for record in read_all([tmp_path / name])}
        for name in ("quiet", "killed")
    ]
    assert len(scores[0]) == 12 and scores[0] == scores[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_parameters_of_a_suite_are_those_of_its_methods(path: Path) -> None:
    assert [one.unit.command() for one in plan(load(path).units()).units if one.defect] == []
