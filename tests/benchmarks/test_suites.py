"""The suites: what a TOML file says is what is run, and together they say what ``results/`` is made of."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import fewshot_bench as fb
from benchmarks.suites import __main__ as command
from benchmarks.suites import suite as suites
from benchmarks.suites.records import asked, made_by, parameters, records
from benchmarks.suites.suite import Run, Suite, expand, load, names, parse
from fewshot_bench.engine import Request
from fewshot_bench.errors import FsbenchError, UsageError

ROOT = Path(__file__).parents[2]
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
def every() -> list[Run]:
    return [run for name in names() for run in load(name).runs]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one suite, two runs of which can be run."""
    folder = tmp_path / "suites"
    folder.mkdir()
    text = TINY.format(results=tmp_path / "results", dataset=tmp_path / "nothing.csv")
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(suites, "FOLDER", folder)
    return tmp_path / "results"


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
        ("colour = 1", "has the key 'colour', which nothing reads"),
        (
            "[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nway = 5",
            "Block 1 of the suite broken has the key 'way'",
        ),
        ("[[runs]]\nmethod = 'pixels'", "names no dataset"),
        ("[[runs]]\nmethod = 'pixels'\ndataset = 'digits'\nways = 0", "Block 1 .*--ways must be"),
        ("[[runs]]\ndataset = 'digits'\nmatrix.method = 'pixels'", "not all lists"),
        ("[[runs]]\ndataset = 'digits'\nmatrix.method = []", "at least one element"),
    ],
)
def test_a_mistake_in_a_suite_is_a_sentence_that_names_the_place(text: str, sentence: str) -> None:
    with pytest.raises(FsbenchError, match=sentence):
        parse("broken", text)


def test_an_unknown_suite_and_an_unknown_part_are_named_with_those_there_are(capsys) -> None:
    with pytest.raises(UsageError, match="no suite 'real'; there are ablation"):
        load("real")
    assert command.main(["siamese:cars"]) == 2
    assert "no part 'cars'; its parts: fashion, grocery" in capsys.readouterr().err


def test_every_run_of_every_suite_is_another_one_and_its_command_asks_for_it_again(every) -> None:
    commands = [run.command() for run in every]
    twice = {command for command in commands if commands.count(command) > 1}
    shared = {run.command() for run in load("teacher-student").runs if run.request.method == "pretrained-lr"}
    assert twice <= shared, "only the untrained rows beside teacher and student are of another suite too"
    for run in every:
        words = shlex.split(run.command())
        assert words[:2] == ["fsbench", "run"] and asked(run.command())["--method"] == run.request.method
        assert ("--results" in words) == (run.results != Path("results"))


RENAMED = {"average": "ema_decay"}
"""Parameters of records that were made before the parameter had its name of today."""


def renamed(record) -> None:
    """Give a record's parameters their names of today; those that are no renamed ones stay."""
    if record.method in ("maml", "protonet") or record.method.startswith("siamese"):
        record.data["parameters_set"] = {RENAMED.get(k, k): v for k, v in record.parameters_set.items()}


@pytest.mark.slow
def test_every_published_record_is_made_by_a_suite(every) -> None:
    for results in sorted({run.results for run in every}):
        found = records_of(ROOT / results)
        assert found
        missing = [
            record.command
            for record in found
            if not any(made_by(record, run) for run in every if run.results == results)
        ]
        assert missing == []


def records_of(results: Path) -> list:
    """The records of a results folder of this repository, its suites' other folders left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found = records(results.relative_to(ROOT))
    for record in found:
        renamed(record)
    return found


@pytest.mark.slow
def test_a_record_is_told_by_what_was_asked_for() -> None:
    record = fb.run("pixels", "digits", episodes=5, parameters={"size": 4}, queries=3)

    def run(**options) -> Run:
        asked_for = {
            "method": "pixels",
            "dataset": "digits",
            "episodes": 5,
            "parameters": {"size": 4},
            **options,
        }
        return Run("here", Request(**asked_for), Path("results"))

    assert made_by(record, run(queries=3)) and made_by(record, run())
    assert made_by(record, run(parameters={"size": "4"}))
    for other in ({"queries": 4}, {"parameters": {}}, {"seed": 1}, {"protocol": "retrieval"},
                  {"train_dataset": "digits"}, {"unlabelled": ("digits",)}, {"drop_small": True}):  # fmt: skip
        assert not made_by(record, run(**other)), other


def test_parameters_compare_as_text() -> None:
    assert parameters({"lr": 1e-3, "augment": True}) == parameters({"lr": "0.001", "augment": "True"})


@pytest.mark.slow
def test_a_suite_runs_what_has_no_record_goes_on_after_a_failure_and_writes_the_table(tiny, capsys) -> None:
    assert command.main(["tiny"]) == 1
    err = capsys.readouterr().err
    assert "3 of 3 runs to do" in err and "[2/3]" in err
    assert "[3/3] failed: fsbench run --method pixels" in err and "nothing.csv" in err
    assert len(list(tiny.rglob("*.json"))) == 2
    table = (tiny / "README.md").read_text(encoding="utf-8")
    assert table.startswith("# Digits") and table.count("--set size=") == 2

    assert command.main(["tiny:small"]) == 0
    assert "0 of 2 runs to do" in capsys.readouterr().err
    assert command.main(["tiny:small", "--again"]) == 0
    assert "2 of 2 runs to do" in capsys.readouterr().err
    assert len(list(tiny.rglob("*.json"))) == 2

    assert command.main(["tiny", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("# there: ") for line in lines] == [True, True, False]

    (tiny / "README.md").unlink()
    assert command.main(["--tables"]) == 0
    assert (tiny / "README.md").read_text(encoding="utf-8").startswith("# Digits")


def test_without_a_name_the_suites_are_listed(tiny, capsys) -> None:
    assert command.main([]) == 0
    assert capsys.readouterr().out == "tiny: 3 runs, tiny:small (2)\n    Two sizes of pixels on digits.\n"
    assert isinstance(load("tiny"), Suite)


@pytest.mark.parametrize("name", names())
def test_the_parameters_of_a_suite_are_those_of_its_methods(name: str) -> None:
    from fewshot_bench.contract import registry
    from fewshot_bench.contract.config import build

    for run in load(name).runs:
        config = registry.load(registry.METHODS, run.request.method).Config
        build(config, run.request.method, run.request.parameters)
