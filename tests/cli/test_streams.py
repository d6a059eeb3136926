"""Where a command prints: a closed or full stdout is a sentence, a gone reader is silence, and no name is shown raw."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fewshot_bench.cli import COMMANDS, group, guarded, output
from fewshot_bench.cli.output import OutputError, echo, echo_json, shown
from fewshot_bench.errors import FsbenchError, printable

NAMES = ["\x1b[31m", "a\nb", "\x9b2J", "\udcff", "‮evil", "\x07", "\r"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_escaped_in_every_sentence(name: str, capsys) -> None:
    assert guarded(["datasets", f"x/{name}"], debug=False) == 2
    error = capsys.readouterr().err
    assert printable(name) in error and name not in error and error.count("\n") == 1
    assert printable(name).isascii() or "evil" in printable(name)
    assert name not in str(FsbenchError(f"The file {name} is odd."))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_escaped_on_stdout_and_in_json(name: str, capsys) -> None:
    echo_json({"name": name})
    text = capsys.readouterr().out
    assert json.loads(text) == {"name": name} and name not in text
    assert shown("one\n\ttwo", "utf-8") == "one\n\ttwo"
    assert shown("±", "ascii") == "\\xb1"


def test_no_command_prints_past_the_one_function_that_escapes() -> None:
    for path in Path(output.__file__).parent.glob("*.py"):
        if path.name != "output.py":
            text = path.read_text(encoding="utf-8")
            assert "click.echo" not in text and " print(" not in text, path.name


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_or_closed_stdout_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stream, words in (
        (Full(), "no space left on device"),
        (None, "it is closed"),
        (closed, "closed file"),
    ):
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(OutputError, match=words):
            echo("text")


def commands(command: click.Command, words: list[str]) -> list[list[str]]:
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            return [
                each
                for name in command.list_commands(context)
                for each in commands(command.get_command(context, name), [*words, name])
            ]
    return [words]


@pytest.fixture
def lines(tmp_path: Path, draw) -> dict[str, list[str]]:
    """A line for each command with which it prints something."""
    for seed in range(6):
        draw(tmp_path / "shop" / f"c{seed % 2}" / f"{seed}.png", seed)
    episodes = ["--dataset", f"{tmp_path}/shop", "--ways", "2", "--queries", "1"]
    few = [*episodes, "--episodes", "2"]
    assert guarded(["run", "--method", "pixels", *few, "--results", f"{tmp_path}/r"], debug=False) == 0
    assert guarded(["episodes", "export", f"{tmp_path}/m.npz", *few], debug=False) == 0
    small = ["--set", "size=8", "--results", f"{tmp_path}/r2"]
    assert guarded(["run", "--method", "pixels", *few, *small], debug=False) == 0
    (record,) = map(str, (tmp_path / "r").rglob("*.json"))
    (other,) = map(str, (tmp_path / "r2").rglob("*.json"))
    table = ["path,label,split"]
    for seed in range(12):
        draw(tmp_path / f"{seed}.png", seed)
        table.append(f"{seed}.png,class {seed % 4},{'validation' if seed % 4 < 2 else 'novel'}")
    (tmp_path / "split.csv").write_text("\n".join(table))
    tried = [
        "--trials",
        "2",
        "--choices",
        "size=1,2",
        "--folder",
        f"{tmp_path}/sweeps",
        "--results",
        f"{tmp_path}/r3",
    ]
    small_sweep = ["--method", "pixels", "--dataset", f"{tmp_path}/split.csv", *few[2:], *tried]
    suite = tmp_path / "suite.toml"
    head = f"results = '{tmp_path}/r'\ntable = 'Shop'\n[[runs]]\nmethod = 'pixels'\ndataset = '{tmp_path}/shop'\n"
    suite.write_text(f"{head}ways = 2\nqueries = 1\nepisodes = 2\n")
    fit = ["fit", f"{tmp_path}/shop", "-o", f"{tmp_path}/shop.fsb", "--method", "pixels"]
    assert guarded(fit, debug=False) == 0
    return {
        "fit": [*fit[1:3], f"{tmp_path}/other.fsb", *fit[4:]],
        "export": [f"{tmp_path}/shop.fsb", "--onnx", f"{tmp_path}/onnx"],
        "decide": [f"{tmp_path}/shop", "--method", "pixels"],
        "references": [f"{tmp_path}/shop", "--method", "pixels"],
        "products add": [f"{tmp_path}/shop.fsb", "c2", f"{tmp_path}/0.png"],
        "products rename": [f"{tmp_path}/shop.fsb", "c2", "c3"],
        "products remove": [f"{tmp_path}/shop.fsb", "c3"],
        "run": ["--method", "pixels", *few, "--results", f"{tmp_path}/again"],
        "predict": ["--method", "pixels", "--support", f"{tmp_path}/shop", "--images", f"{tmp_path}/shop"],
        "sweep": small_sweep,
        "suite plan": [str(suite)], "suite run": [str(suite), "--again"], "suite table": [str(suite)],
        "methods": [], "metrics": [], "datasets": [], "check": ["--list"], "cache prune": ["--all"],
        "leaderboard": [record], "samplers": [], "protocols": [], "rerun": [record], "verify": [record],
        "submit": [record, "-o", f"{tmp_path}/s.zip"],
        "compare": [record, other], "episodes info": [f"{tmp_path}/m.npz"],
        "episodes export": [f"{tmp_path}/n.npz", *few],
        "episodes show": [*episodes, "-o", f"{tmp_path}/s.png"],
        "new-plugin": ["toy", "--folder", f"{tmp_path}/plugin"], "cache": [], "--help": [], "--version": [],
    }  # fmt: skip


def test_every_command_says_that_stdout_is_full(lines: dict[str, list[str]], capsys, monkeypatch) -> None:
    every = {" ".join(words) for words in commands(group, [])}
    assert every | {"cache", "--help", "--version"} == lines.keys()
    assert {name.split()[0] for name in every} == COMMANDS.keys()
    capsys.readouterr()
    for name, rest in lines.items():
        with monkeypatch.context() as patch, open("/dev/full", "w") as full:  # noqa: PTH123
            patch.setattr(sys, "stdout", full)
            status = guarded([*name.split(), *rest], debug=False)
        error = capsys.readouterr().err
        assert status == 1 and "traceback" not in error.lower(), (name, error)
        assert "Error: Cannot write to stdout: no space left on device" in error.splitlines()[-1], (
            name,
            error,
        )


@pytest.mark.subprocess
def test_a_closed_stdout_is_a_sentence_before_any_work_and_a_gone_reader_is_none() -> None:
    code = f'{sys.executable} -c "from fewshot_bench.cli import main; main()"'

    def bash(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    found = bash(f"{code} run --method pixels >&-")
    assert found.returncode == 1 and found.stderr.startswith("Error: There is no stdout")
    found = bash(f"{code} --help > /dev/full")
    assert found.returncode == 1 and found.stderr.count("\n") == 1
    found = bash(f"{code} check --list | head -1; echo ${{PIPESTATUS[0]}}")
    assert found.stdout.endswith("\n0\n") and not found.stderr


@pytest.mark.subprocess
def test_with_stderr_closed_no_file_takes_its_number(tmp_path: Path) -> None:
    code = "from fewshot_bench.cli import keep_streams; keep_streams(); import os; print(os.open('/', os.O_RDONLY))"
    found = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{code}" 0<&- 2>&-'], capture_output=True, text=True, check=True
    )
    assert int(found.stdout) > 2
    assert os.fstat(1)
