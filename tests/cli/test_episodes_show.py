"""``fsbench episodes show``: the episode that was asked for, drawn whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.cli.episodes import command
from fewshot_bench.episodes import save_manifest
from fewshot_bench.sheets.episode import DIVIDE, GAP, HEAD, MARGIN, NAMES


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Three classes of pictures of one grey each: 10 times the class and the number."""
    for c, name in enumerate(("Crème", "牛乳", "two words")):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(4 + c):
            Image.new("L", (20, 20), 80 * c + 10 * i).save(tmp_path / "set" / name / f"{i}.png")
    return tmp_path / "set"


def show(*words: object) -> Result:
    return CliRunner().invoke(command, ["show", *map(str, words)], standalone_mode=False)


def greys_of(path: Path, rows: int, left: int, columns: int, cell: int) -> list[list[int]]:
    """The greys in the middle of cells."""
    pixels = np.asarray(Image.open(path).convert("L"))
    step = cell + GAP
    return [
        [int(pixels[HEAD + r * step + cell // 2, left + c * step + cell // 2]) for c in range(columns)]
        for r in range(rows)
    ]


def test_the_sheet_shows_the_episode_that_would_be_run(greys: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheets" / "episode.png"
    done = show("--dataset", greys, "--ways", 3, "--shots", 2, "--queries", 2, "--seed", 5, "--episode", 4,
                "--cell", 20, "-o", output)  # fmt: skip
    assert done.exit_code == 0 and done.output.startswith(f"{output}: ")
    index = fb.dataset(str(greys))
    drawn = fb.sample(index, ways=3, shots=2, queries=2, seed=5, episodes=20)
    grey = np.array([index.reader(row).getpixel((0, 0))[0] for row in range(len(index))])
    support = MARGIN + NAMES
    query = support + 2 * (20 + GAP) - GAP + DIVIDE
    assert greys_of(output, 3, support, 2, 20) == grey[drawn.support[4]].tolist()
    assert greys_of(output, 3, query, 2, 20) == grey[drawn.query[4]].tolist()
    manifest = tmp_path / "episodes.npz"
    save_manifest(manifest, drawn)
    again = tmp_path / "again.png"
    done = show("--dataset", greys, "--episodes-from", manifest, "--episode", 4, "--cell", 20, "-o", again)
    assert done.exit_code == 0 and again.read_bytes() == output.read_bytes()


def test_ragged_episodes_leave_cells_empty(greys: Path, tmp_path: Path) -> None:
    output = tmp_path / "all.png"
    show("--dataset", greys, "--ways", "all", "--shots", 1, "--queries", "all", "--cell", 20, "-o", output)
    left = MARGIN + NAMES + 20 + DIVIDE
    shown = greys_of(output, 3, left, 5, 20)
    assert sorted(sum(grey == 255 for grey in row) for row in shown) == [0, 1, 2]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["-o", "x.jpg"], 2, "a contact sheet is a PNG file"),
        ([], 2, "Missing option '-o'"),
        (["-o", "x.png", "--episode", "-1"], 2, "--episode counts from 0"),
        (
            ["-o", "x.png", "--ways", "all", "--queries", "all", "--episode", "200"],
            2,
            "120 distinct support sets",
        ),
        (["-o", "x.png", "--ways", "3", "--queries", "9"], 2, "cannot give"),
        (["-o", "x.png", "--ways", "4"], 2, "4 ways"),
        (["-o", "x.png", "--ways", "3", "--queries", "2", "--cell", "3"], 2, "at least 16 pixels"),
        (["-o", "x.png", "--episodes-from", "none.npz"], 1, "no manifest"),
        (["-o", "set/x.png/y.png", "--ways", "3", "--queries", "2"], 1, "Cannot write"),
    ],
)
def test_mistakes_are_one_sentence_and_no_file(capsys, greys, monkeypatch, words, status, sentence) -> None:
    monkeypatch.chdir(greys.parent)
    (greys / "x.png").write_text("in the way")
    before = sorted(greys.parent.rglob("*"))
    got = guarded(["episodes", "show", "--dataset", "set", *words], debug=False)
    out, err = capsys.readouterr()
    assert (got, out) == (status, "") and sentence in err and "Traceback" not in err
    assert sorted(greys.parent.rglob("*")) == before


def test_an_episode_that_a_manifest_does_not_hold(capsys, greys: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "episodes.npz"
    save_manifest(manifest, fb.sample(str(greys), ways=2, queries=1, episodes=3))
    words = ["--dataset", greys, "--episodes-from", manifest, "--episode", 3, "-o", tmp_path / "x.png"]
    assert guarded(["episodes", "show", *map(str, words)], debug=False) == 2
    assert "holds 3 episodes, from 0 on" in capsys.readouterr().err
