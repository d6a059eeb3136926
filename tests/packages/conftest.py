"""Wheels and sdists of the core and the plugins, built once; an environment that has the wheels and no repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".*cache", ".git", ".hypothesis", ".venv", "*.egg-info", "__pycache__", "benchmarks", "build", "demo", "dist",
    "results",
)  # fmt: skip
OURS = ("__editable__", "fewshot_bench", "fsbench_")
BUILD = "from setuptools import build_meta as b; b.build_wheel({0!r}); b.build_sdist({0!r})"


def dependencies(folder: Path) -> Path:
    """A folder of links to everything that these tests have installed, but for the core and the plugins."""
    folder.mkdir()
    for place in reversed([Path(p) for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]):
        for path in place.iterdir():
            if path.name.startswith(OURS) or path.suffix == ".pth" or (folder / path.name).is_symlink():
                continue
            (folder / path.name).symlink_to(path)
    return folder


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside of the repository; ``place`` is an empty folder to work in."""

    folder: Path
    wheels: Path
    place: Path

    def run(self, script: str, *, cwd: Path | None = None, timeout: float = 540) -> str:
        """The output of a script of bash, which stops at its first failure; fails where it does."""
        kept = ("FSBENCH_CACHE", "FSBENCH_DATA", "FSBENCH_WEIGHTS", "HOME", "OMP_NUM_THREADS")
        own = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as a value of the option: False
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "installed"),
            "FSBENCH_CACHE": str(self.place / "cache"),
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=cwd or self.place, timeout=timeout,
            env={**{key: os.environ[key] for key in kept if key in os.environ}, **own},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of one run of the tests have in common."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def archives(shared: Path) -> Path:
    """The folder with wheel and sdist of the core and of every plugin."""
    with FileLock(shared / "archives.lock"):
        folder = shared / "archives"
        if not folder.exists():
            copy = shutil.copytree(ROOT, shared / "source", ignore=NOT_COPIED)
            links = dependencies(shared / "tools")
            made = shared / "archives.part"
            made.mkdir()

            def build(place: Path) -> None:
                done = subprocess.run(
                    [sys.executable, "-c", BUILD.format(str(made))], cwd=place, capture_output=True, text=True,
                    env={**os.environ, "PYTHONPATH": str(links)},
                )  # fmt: skip
                assert done.returncode == 0, done.stderr[-4000:]

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(build, [copy, *sorted((copy / "plugins").iterdir())]))
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def environment(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An empty environment: the dependencies are there, no network, and pip finds the wheels."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    links = dependencies(folder / "dependencies")
    (site / "dependencies.pth").write_text(f"{links}\n")
    tools = folder / "venv" / "bin"
    for name in ("pip", "pytest", "mypy"):
        script = tools / name
        script.write_text(f'#!/bin/sh\nexec {tools / "python"} -m {name} "$@"\n')
        script.chmod(0o755)
    ruff = shutil.which("ruff", path=Path(sys.executable).parent)
    if ruff is not None:
        (tools / "ruff").symlink_to(ruff)
    (folder / "work").mkdir()
    return Environment(folder / "venv", archives, folder / "work")
