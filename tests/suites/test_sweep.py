"""A sweep searches on validation classes alone, survives kills and shares its trials, and says how many there were."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from fewshot_bench.cli import guarded
from fewshot_bench.engine import Request
from fewshot_bench.errors import UsageError
from fewshot_bench.records import read_all
from fewshot_bench.suites.sweep import Sweep, best, ended, study_of


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A CSV data set of twelve classes, a third of them validation and a third test classes."""
    import numpy as np
    from PIL import Image

    place, rng = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    rows = [["path", "label", "split"]]
    for number in range(12):
        colour = rng.integers(40, 200, 3)
        for picture in range(6):
            noise = rng.integers(-40, 40, (8, 8, 3))
            Image.fromarray((colour + noise).clip(0, 255).astype("uint8")).save(
                place / f"{number}-{picture}.png"
            )
            rows.append(
                [f"{number}-{picture}.png", f"class {number}", ("base", "validation", "novel")[number % 3]]
            )
    with (place / "shop.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return place / "shop.csv"


def words(shop: Path, place: Path, *more: str, trials: int = 5) -> list[str]:
    return [
        "sweep", "--method", "pixels", "--dataset", str(shop), "--ways", "3", "--queries", "3", "--episodes", "30",
        "--trials", str(trials), "--choices", "size=1,2,4", "--choices", "k=1,2", "--shots", "2",
        "--folder", str(place / "sweeps"), "--results", str(place / "results"), *more,
    ]  # fmt: skip


def sweep_of(shop: Path, place: Path, **options) -> Sweep:
    request = Request("pixels", str(shop), ways=3, queries=3, episodes=30, shots=2)
    choices = {"size": ("1", "2", "4"), "k": ("1", "2")}
    return Sweep(request, **{"trials": 5, "folder": place / "sweeps", "choices": choices, **options})


def test_trials_are_measured_on_validation_classes_and_the_best_once_on_test_classes(
    shop, tmp_path, capsys
) -> None:
    assert guarded(words(shop, tmp_path, "--figure", str(tmp_path / "f.svg")), debug=False) == 0
    shown = capsys.readouterr()
    assert "Best of 5 trials on validation classes: accuracy" in shown.out
    assert "mathdefault" not in (tmp_path / "f.svg").read_text()
    trials, tests = read_all([tmp_path / "sweeps"]), read_all([tmp_path / "results"])
    assert {record.split for record in trials} == {"validation"}
    (record,) = tests
    assert record.split == "novel" and record.data["sweep"]["trials"] == 5
    found = ended(study_of(sweep_of(shop, tmp_path)))
    assert (
        len(found) == 5
        and best(found).value == max(t.accuracy.mean for t in trials) == record.data["sweep"]["value"]
    )
    assert {k: str(v) for k, v in record.parameters_set.items()} == best(found).parameters
    assert (tmp_path / "f.svg").read_text().count("<svg") == 1

    assert guarded(words(shop, tmp_path, "--no-test", trials=6), debug=False) == 0
    assert "[6/6]" in capsys.readouterr().err, "more trials go on from those that are there"


@pytest.mark.subprocess
@pytest.mark.slow
def test_a_killed_sweep_ends_as_an_undisturbed_one(shop, tmp_path) -> None:
    def start(place: Path) -> subprocess.Popen[bytes]:
        line = words(shop, place, "--no-test", trials=6)
        code = f"from fewshot_bench.cli import main; main({line!r})"
        return subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    assert start(tmp_path / "quiet").wait() == 0
    for wait in (1.5, 2.5, 3.0):
        process = start(tmp_path / "killed")
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    processes = [start(tmp_path / "killed")]
    assert [process.wait() for process in processes] == [0]
    quiet, killed = (ended(study_of(sweep_of(shop, tmp_path / name))) for name in ("quiet", "killed"))
    assert len(quiet) == 6 and quiet == killed


@pytest.mark.subprocess
@pytest.mark.slow
def test_processes_share_the_trials(shop, tmp_path) -> None:
    code = f"from fewshot_bench.cli import main; main({words(shop, tmp_path, '--no-test', trials=8)!r})"
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(text.count("/8] ") for text in said) == 8
    assert [t.number for t in ended(study_of(sweep_of(shop, tmp_path)))] == list(range(8))


def test_what_fails_is_kept_with_its_reason_and_the_others_go_on(shop, tmp_path, capsys) -> None:
    line = [*words(shop, tmp_path, "--no-test"), "--choices", "k=1,500"]
    assert guarded(line, debug=False) == 0
    assert "failed: " in capsys.readouterr().err
    sweep = sweep_of(shop, tmp_path, choices={"size": ("1", "2", "4"), "k": ("1", "500")})
    reasons = [trial.reason for trial in ended(study_of(sweep)) if trial.value is None]
    assert reasons and all("500" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--tune", "colour"], "declares no range for it"),
        (["--choices", "size"], "not of the form NAME=A,B"),
        (["--choices", "size=one,two"], "must be int, not 'one'"),
        (["--choices", "colour=a,b"], "no parameter 'colour'"),
        (["--protocol", "none"], "none"),
    ],
)
def test_a_mistake_is_a_sentence_before_any_trial(shop, tmp_path, capsys, more, sentence) -> None:
    assert guarded([*words(shop, tmp_path), *more], debug=False) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_a_data_set_without_validation_classes_is_refused(tmp_path) -> None:
    from fewshot_bench.suites.sweep import require_validation

    sweep = Sweep(Request("pixels", "digits"), 3, tmp_path, choices={"size": ("1", "2")})
    with pytest.raises(UsageError, match="digits has no validation classes"):
        require_validation(sweep, None)


def test_declared_ranges_are_searched_unless_they_are_fixed(tmp_path) -> None:
    assert set(Sweep(Request("pretrained-lr", "digits"), 3, tmp_path).space()) == {"C"}
    fixed = Sweep(Request("pretrained-lr", "digits", parameters={"C": 1.0}), 3, tmp_path)
    with pytest.raises(UsageError, match="declares no range to search"):
        fixed.space()
    assert (
        json.dumps(sorted(Sweep(Request("protonet", "digits"), 3, tmp_path, tune=("lr",)).space()))
        == '["lr"]'
    )
