"""Every command and every line of Python in the README runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_bench.contract import registry

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted(ROOT.glob("plugins/*/README.md")),
]

MADE = ("methods.md", "datasets.md", "protocols.md", "api.md", "intervals.svg", "differences.svg")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    assert found, f"the README has no {language} block"
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(autouse=True)
def one_cache_for_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)


@pytest.mark.packshots
@pytest.mark.subprocess
@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("sh"))
def test_a_shell_block_runs(block: str, place: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euc", block], cwd=place, env={**os.environ, "PATH": path},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "# Leaderboard" in done.stdout and "packshots" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("block", [b for b in blocks("python") if "class " not in b])
def test_a_python_block_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip()


def test_the_method_of_the_readme_is_a_plugin_that_runs(make_plugin) -> None:
    (source,) = [b for b in blocks("python") if "class " in b]
    (declaration,) = blocks("ini")
    name, _, value = declaration.strip().splitlines()[-1].partition("=")
    make_plugin("my-package", source, **{name.strip().replace("-", "_"): value.strip().partition(":")[2]})
    import fewshot_bench as fb

    record = fb.run(name.strip(), "digits", ways=5, shots=5, episodes=20, parameters={"size": "8"})
    assert record.method_distribution == "my-package 1.0" and record.accuracy.mean > 0.6
    assert registry.load(registry.METHODS, "tiny-proto").summary == "class means of tiny pictures"


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^make ([\w-]+)", README, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test", "test-fast"} <= targets
    assert all(f"\n{target}:" in makefile for target in targets)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_and_every_benchmark_that_a_page_names_is_there(path: Path) -> None:
    from fewshot_bench.suites import load

    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)", text)
    made = {f"generated/{name}" for name in MADE}  # by ``make docs``, and in no clone
    assert [link for link in links if not (path.parent / link).exists() and link not in made] == []
    flat = " ".join(text.split())
    for module in re.findall(r"python -m (benchmarks[\w.]+)", flat):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    for name, part in re.findall(
        r"fsbench suite run benchmarks/suites/([\w-]+)\.toml(?: --part ([\w-]+))?", flat
    ):
        assert load(ROOT / "benchmarks" / "suites" / f"{name}.toml").units(part or None), name
