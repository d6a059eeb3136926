"""The command line as a person meets it: exit statuses, streams, and one sentence for every mistake."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fewshot_bench.cli import guarded
from fewshot_bench.contract.context import Context

RUN = ["run", "--method", "pixels", "--dataset", "digits", "--episodes", "10"]


def fsbench(*words: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fewshot_bench.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def call(capsys, *words: object) -> tuple[int, str, str]:
    status = guarded(list(map(str, words)), debug=False)
    out, err = capsys.readouterr()
    return status, out, err


def test_a_run_prints_its_table_to_stdout_and_the_rest_to_stderr(capsys, tmp_path):
    status, out, err = call(capsys, *RUN, "--results", tmp_path)
    assert status == 0
    assert out.startswith(
        "pixels on digits (default): 5-way 1-shot, 15 queries a class, 10 episodes: accuracy "
    )
    assert len(out.splitlines()) == 3
    assert err.strip().startswith("Record: ") and Path(err.strip().removeprefix("Record: ")).exists()
    _, out, _ = call(capsys, *RUN, "--details", "--results", tmp_path)
    assert out.startswith(
        "digits (default): 5-way 1-shot, 15 queries a class, 10 episodes\npixels (size=32, k=1)"
    )
    assert "over classes (delete-one-class jackknife)" in out


def test_json_is_one_object_with_the_promised_fields(capsys, tmp_path):
    status, out, _ = call(capsys, *RUN, "--json", "--results", tmp_path, "--set", "k=2", "--shots", "2")
    record = json.loads(out)
    assert status == 0
    promised = """schema_version method method_distribution parameters dataset dataset_fingerprint protocol split
        ways shots queries episodes seed episodes_sha256 transductive pretraining accuracy map timings environment"""
    assert set(promised.split()) <= set(record)
    assert {"mean", "interval", "kind"} <= set(record["accuracy"]) and record["parameters"]["k"] == 2
    assert {"index", "fit", "embed", "score", "total"} <= set(record["timings"])


def test_the_stored_command_makes_the_same_scores(capsys, tmp_path):
    _, out, _ = call(capsys, *RUN, "--json", "--results", tmp_path, "--set", "size=16", "--seed", "3")
    record = json.loads(out)
    words = record["command"].split()
    assert words[0] == "fsbench"
    _, out, _ = call(capsys, *words[1:], "--json", "--results", tmp_path)
    assert json.loads(out)["scores_sha256"] == record["scores_sha256"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["run", "--method", "pixels"], 2, "Missing option '--dataset'"),
        (["rnu"], 2, "No such command 'rnu'"),
        (
            ["run", "--method", "pixles", "--dataset", "digits"],
            2,
            "Error: There is no method named 'pixles'; did you mean pixels?",
        ),
        ([*RUN, "--set", "k"], 2, "Error: --set 'k' is not of the form key=value"),
        ([*RUN, "--set", "colour=red"], 2, "Error: The method pixels has no parameter 'colour'"),
        ([*RUN, "--set", "k=one"], 2, "Error: The parameter k of the method pixels must be int, not 'one'."),
        ([*RUN, "--ways", "500"], 2, "500"),
        ([*RUN, "--set", "k=40"], 2, "k"),
        (["run", "--method", "pixels", "--dataset", "grozi120"], 1, "packshots"),
        (["leaderboard", "nowhere"], 2, "Error: There are no records at nowhere"),
        (
            ["compare", "a.json", "b.json"],
            2,
            "Error: There are no records at a.json: no such file or folder.",
        ),
        (["cache", "prune"], 2, "either --older-than DAYS or --all"),
        (["cache", "prune", "--older-than", "-1"], 2, "not in the range x>=0"),
        (["methods", "nothing"], 2, "There is no method named 'nothing'"),
        (["datasets", "nothing"], 2, "There is no dataset named 'nothing'"),
        (["episodes", "info", "nowhere.npz"], 1, "nowhere.npz"),
    ],
)
def test_every_mistake_is_one_sentence_on_stderr(capsys, tmp_path, monkeypatch, words, status, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSBENCH_DATA", str(tmp_path))
    got, out, err = call(capsys, *words)
    assert (got, out) == (status, "")
    assert sentence in err and "Traceback" not in err
    assert len([line for line in err.splitlines() if "Error" in line]) == 1
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_an_unwritable_results_folder_is_found_before_any_work(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, _, err = call(capsys, *RUN, "--results", tmp_path / "file" / "results")
    assert status == 1 and "Cannot write to the results folder" in err and "--results" in err


@pytest.mark.subprocess
def test_debug_shows_the_traceback(tmp_path):
    done = fsbench("--debug", *RUN, "--set", "k=one", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("sent", "status", "word"), [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "Terminated")]
)
def test_ctrl_c_and_a_supervisors_signal_are_one_sentence_and_leave_no_partial_file(
    tmp_path, sent, status, word
):
    command = [sys.executable, "-c", "from fewshot_bench.cli import main; main()"]
    words = [*command, *RUN[:-1], "200000", "--results", str(tmp_path / "results")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "results").exists():
            time.sleep(0.05)
        time.sleep(2.0)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert (out, err.strip()) == (
        "",
        f"Error: {word}; run the same command again to go on from what is finished.",
    )
    assert not list((tmp_path / "results").rglob("*"))


def test_leaderboard_in_every_format_and_comparison(capsys, tmp_path):
    results = tmp_path / "results"
    call(capsys, *RUN, "--results", results)
    call(capsys, *RUN, "--results", results, "--set", "size=8")
    status, out, _ = call(capsys, "leaderboard", results)
    assert status == 0 and out.count("\n## ") == 1 and "size=8" in out and "| pixels |" in out
    _, out, _ = call(capsys, "leaderboard", results, "--format", "csv")
    assert len(out.strip().splitlines()) == 3
    _, out, _ = call(capsys, "leaderboard", results, "--format", "json")
    assert {row["method"] for row in json.loads(out)} == {"pixels"}
    page = tmp_path / "board.html"
    status, out, err = call(capsys, "leaderboard", results, "--format", "html", "--output", page)
    assert (status, out) == (0, "") and page.read_text().startswith("<!doctype html>") and str(page) in err
    first, second = sorted(results.rglob("*.json"))
    status, out, _ = call(capsys, "compare", first, second)
    assert (status == 0 and "cannot be told apart" in out) or "is better than" in out
    _, out, _ = call(capsys, "compare", results, "--per-class")
    assert "Row minus column, in points" in out and out.count("pixels (size=8)") >= 2 and "class" in out
    (contest,) = json.loads(call(capsys, "compare", "pixels", "--results", results, "--json")[1])
    assert len(contest["methods"]) == 2 and contest["p_values"][0][0] == 1


def test_episodes_are_exported_and_shown(capsys, tmp_path):
    target = tmp_path / "episodes.npz"
    status, out, _ = call(capsys, "episodes", "export", target, "--dataset", "digits", "--episodes", "7")
    assert status == 0 and "7 episodes" in out
    _, out, _ = call(capsys, "episodes", "info", target)
    assert json.loads(out)["support"] == [7, 5, 1]


def test_the_cache_is_shown_and_pruned(capsys, tmp_path):
    call(capsys, *RUN, "--results", tmp_path)
    status, out, err = call(capsys, "cache")
    assert status == 0 and "pixels 32px" in out and os.environ["FSBENCH_CACHE"] in err
    assert call(capsys, "cache", "prune", "--all")[0] == 0
    assert "pixels" not in call(capsys, "cache")[1]


def test_trainings_are_shown_and_pruned_when_asked(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    old, young = tmp_path / "checkpoints" / "maml-1", tmp_path / "checkpoints" / "maml-2"
    context = Context("cpu", 0, tmp_path)
    used = context.folder("maml", "used")
    for folder, days in ((old, 9), (young, 0), (used, 9)):
        folder.mkdir(parents=True)
        (folder / "best.safetensors").write_bytes(bytes(1_500_000))
        for path in (folder / "best.safetensors", folder):
            os.utime(path, (time.time() - 86400 * days,) * 2)
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / "a.npz").write_bytes(b"x")
    _, out, _ = call(capsys, "cache")
    assert "trained networks: hours of work" in out and "4.5" in out
    _, out, _ = call(capsys, "cache", "prune", "--all")
    assert "Removed 1 of 1 indexes." in out and "checkpoints" not in out and old.exists()
    assert context.folder("maml", "used") == used, "a use sets its date"
    _, out, _ = call(capsys, "cache", "prune", "--older-than", "5", "--trainings")
    assert "Removed 1 of 3 checkpoints." in out and young.exists() and used.exists() and not old.exists()


@pytest.mark.slow
@pytest.mark.packshots
def test_lists_of_methods_and_datasets(capsys):
    _, out, _ = call(capsys, "methods")
    assert "pixels" in out and "pretrained-lr" in out
    _, out, _ = call(capsys, "methods", "pixels")
    assert "side of the square" in out
    _, out, _ = call(capsys, "datasets", "--json")
    assert {"digits", "folder", "grozi120", "packshots"} <= {row["dataset"] for row in json.loads(out)}
    _, out, _ = call(capsys, "datasets", "grozi120")
    assert "research use" in out and "looked for" in out


def test_the_traceback_of_an_unforeseen_error_is_kept_and_named(capsys, monkeypatch, tmp_path):
    """An exception after hours is a sentence, and what it came from is not lost."""

    def broken(*arguments, **options):
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(sys.modules["fewshot_bench.engine.run"], "sample", broken)
    status, _, err = call(capsys, *RUN, "--results", tmp_path)
    path = re.search(r"ZeroDivisionError: nothing to divide by \(the traceback is in (.*)\)\.", err)[1]
    text = Path(path).read_text(encoding="utf-8")
    assert status == 1 and text.startswith("fsbench run --method pixels") and "in broken" in text
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    assert "run again with --debug" in call(capsys, *RUN, "--results", tmp_path)[2]
