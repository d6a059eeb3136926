"""compare and leaderboard on the command line: names, filters, formats, and why two things are not comparable."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.metrics.pairs import holm
from fewshot_bench.records import Record, read_all, save
from fewshot_bench.records.classes import class_accuracy
from fewshot_bench.report.contest import Contest, by_class
from fewshot_bench.report.latex import escape, latex
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.plain import frame, safe_csv
from fewshot_bench.report.standing import three_lines
from fewshot_bench.report.terminal import LEGEND, WIDTH, terminal

FEW = {"ways": 4, "queries": 5, "episodes": 40}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("all") / "results"
    for size in (2, 8, 12):
        fb.run("pixels", "digits", parameters={"size": size}, results=place, **FEW)
    fb.run("pixels", "digits", shots=5, episodes=5, results=place)
    fb.run("pixels", "digits", protocol="retrieval", ways=4, shots=3, queries=3, episodes=5, results=place)
    return place


@pytest.fixture(scope="module")
def contest(results) -> Contest:
    return Contest(next(table for table in tables(read_all([results])) if len(table.standings) == 3))


def test_the_first_sentence_says_who_is_better_by_how_much(contest) -> None:
    first, _, last = contest.standings
    assert last.record.parameters["size"] == 2
    said = contest.sentence(0, 2)
    found = contest.difference(0, 2).over_classes
    assert said == (
        f"{first.label} is better than {last.label} by {100 * found.mean:.1f} points, {100 * found.low:.1f} to "
        f"{100 * found.high:.1f} for new classes."
    )
    assert contest.sentence(2, 0) == said
    assert "cannot be told apart" in contest.sentence(0, 1)
    assert "corrected for all 3 pairs" in contest.sentences()[-1]


def test_what_counts_is_corrected_for_all_pairs(contest) -> None:
    upper = np.triu_indices(3, 1)
    single = [Contest(contest.table).p_values[i, j] for i, j in zip(*upper, strict=True)]
    from fewshot_bench.report.ranking import pairs

    raw = pairs([one.trainings for one in contest.standings], "accuracy").p_values[upper]
    assert single == pytest.approx(holm(raw).tolist())
    matrix = contest.matrix()
    assert [row[i] for i, row in enumerate(matrix)] == [""] * 3
    assert matrix[0][2].endswith("*") and matrix[2][0].startswith("-")


def test_accuracy_of_classes_by_a_slow_count(contest) -> None:
    record = contest.standings[0].record
    found, query = class_accuracy(record), record.per_query
    slow: dict[str, list[bool]] = {}
    for episode, row in enumerate(query["label"]):
        for place, label in enumerate(row):
            if label >= 0:
                name = str(record.arrays["class_names"][record.arrays["classes"][episode, label]])
                slow.setdefault(name, []).append(query["prediction"][episode, place] == label)
    assert found == pytest.approx({name: float(np.mean(right)) for name, right in slow.items()})
    spreads = [max(row) - min(row) for row in by_class([one.record for one in contest.standings]).values()]
    assert spreads == sorted(spreads, reverse=True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "no record of a method of that name in"),
        (["no.json"], "no such file"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(results, capsys, words, sentence) -> None:
    assert guarded(["compare", *words, "--results", str(results)], debug=False) != 0
    assert sentence in capsys.readouterr().err


def test_records_of_other_episodes_are_not_comparable_because(results, capsys) -> None:
    paths = sorted(results.rglob("*.json"))
    far = [str(next(p for p in paths if word in str(p))) for word in ("5shot", "retrieval")]
    assert guarded(["compare", *far], debug=False) == 2
    error = capsys.readouterr().err
    assert (
        "Not comparable, because no set of episodes has a record of each" in error
        and "run them on the same" in error
    )
    assert guarded(["compare", far[0]], debug=False) == 2
    assert "holds one run of one method alone" in capsys.readouterr().err


def test_the_terminal_table_fits_eighty_columns(results) -> None:
    text = terminal(tables(read_all([results])), top=2)
    assert max(map(cell_len, text.splitlines())) <= WIDTH
    assert "… and 1 more" in text
    assert max(map(len, LEGEND.splitlines())) <= WIDTH


def test_wide_and_hostile_names_fit_too(results) -> None:
    record = read_all([results])[0]
    for name in ("漢字" * 60, "x" * 10_000, "\x1b[31m", "\u202eabc", "=1+1"):
        changed = Record(record.data | {"method": name, "dataset": name, "pretraining": name}, record.arrays)
        made = tables([changed])
        assert max(map(cell_len, terminal(made).splitlines())) <= WIDTH
        for text in (terminal(made), latex(made), safe_csv(frame(made))):
            assert "\x1b" not in text and "\u202e" not in text


def test_filters_leave_ranks_as_they_are(results, capsys) -> None:
    line = ["leaderboard", str(results), "--format", "terminal"]
    assert guarded([*line, "--protocol", "retrieval"], debug=False) == 0
    assert capsys.readouterr().out.count("digits (default)") == 1
    assert guarded([*line, "--dataset", "digits:default", "--top", "1", "--legend"], debug=False) == 0
    out = capsys.readouterr().out
    assert "… and 2 more" in out and LEGEND in out
    assert guarded([*line, "--method", "nothing"], debug=False) == 2
    assert "No row of the 5 records" in capsys.readouterr().err


def test_a_csv_has_no_formula(results, tmp_path, capsys) -> None:
    record = read_all([results])[0]
    for word in ("=1+1", "+1", "-1", "@SUM(A1)", "\tx"):
        made = tables([Record(record.data | {"method": word, "command": word}, record.arrays)])
        (row,) = csv.DictReader(io.StringIO(safe_csv(frame(made))))
        assert not row["method"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert float(row["accuracy"]) == record.accuracy.mean
    assert save(record, tmp_path)


def test_latex_is_a_booktabs_table_with_the_best_bold(contest) -> None:
    text = latex([contest.table])
    assert text.count("\\toprule") == text.count("\\midrule") == text.count("\\bottomrule") == 1
    best = [one for one in contest.standings if one.ranks[0] == 1]
    assert text.count("\\textbf{") == len(best) >= 1
    assert escape("a_b & 50 % {x} \\ ~ ^") == (
        "a\\_b \\& 50 \\% \\{x\\} \\textbackslash{} \\textasciitilde{} \\textasciicircum{}"
    )


def test_after_a_run_three_lines(results, tmp_path, capsys) -> None:
    line = [
        "run",
        "--method",
        "pixels",
        "--dataset",
        "digits",
        "--ways",
        "4",
        "--queries",
        "5",
        "--episodes",
        "40",
    ]
    assert guarded([*line, "--results", str(tmp_path / "new")], debug=False) == 0
    first = capsys.readouterr().out.splitlines()
    assert len(first) == 3 and first[0].startswith("pixels on digits (default): 4-way 1-shot")
    assert (
        first[1].startswith("This is the first record of these episodes")
        and "fsbench leaderboard" in first[2]
    )
    assert guarded([*line, "--set", "size=2", "--results", str(tmp_path / "new")], debug=False) == 0
    second = capsys.readouterr().out.splitlines()
    assert second[1].startswith("Rank 2 of 2 on the same episodes") and "best: pixels" in second[1]
    words = second[2].removeprefix("Next: fsbench ").split()
    assert guarded(words, debug=False) == 0
    assert "is better than pixels (size=2)" in capsys.readouterr().out


def test_a_record_that_nobody_kept_beside_it_is_the_first(contest) -> None:
    record = contest.standings[0].record
    assert three_lines(record, [], "results")[1] == "This is the first record of these episodes in results."
