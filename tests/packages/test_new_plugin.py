"""Plugins of every kind as ``fsbench new-plugin`` writes them: installed from nothing, listed, checked, typed."""

from __future__ import annotations

import json

import pytest

from fewshot_bench.scaffold.kinds import KINDS

pytestmark = [pytest.mark.packages, pytest.mark.slow, pytest.mark.subprocess, pytest.mark.training]


@pytest.fixture(scope="module")
def installed(environment):
    """All kinds, written by the installed command and installed from source beside the wheels."""
    lines = ["pip install --quiet fewshot-bench fsbench-baselines fsbench-packshots"]
    lines += [f"fsbench new-plugin my-{kind} --kind {kind} --folder plugins" for kind in KINDS]
    lines += ["pip install --quiet --no-deps plugins/*"]
    environment.run("\n".join(lines))
    return environment


def test_all_are_listed_and_none_is_broken(installed):
    for command, group in (("methods", "method"), ("datasets", "dataset"), ("metrics", "metric")):
        listed = json.loads(installed.run(f"fsbench {command} --json"))
        names = {row.get(group) or row.get("name") for row in listed if not row.get("broken")}
        assert {f"my-{name}" for name, kind in KINDS.items() if kind.group.endswith(f"{group}s")} <= names
        assert not [row for row in listed if row.get("broken")]


def test_their_own_tests_pass_untouched(installed):
    others = " ".join(
        f"plugins/fsbench-my-{kind}/tests" for kind in KINDS if kind != "head"
    )  # test_plugins_page.py
    out = installed.run(
        f"pytest -q -p no:cacheprovider --import-mode=importlib -k 'not setup-process' {others}"
    )
    assert "passed" in out and "failed" not in out


def test_mypy_strict_finds_nothing(installed):
    pytest.importorskip("mypy")
    out = installed.run("mypy --strict plugins/*/fsbench_*/*.py plugins/*/tests")
    assert "Success: no issues found" in out


def test_the_fields_of_a_config_are_checked(installed):
    pytest.importorskip("mypy")
    (installed.place / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from fewshot_bench.api import Context, EmbeddingMethod, KNearest, PixelEncoder\n"
        "@dataclass(frozen=True)\n"
        "class Config:\n"
        "    size: int = 32\n"
        "class Mine(EmbeddingMethod[Config]):\n"
        "    def setup(self, context: Context) -> None:\n"
        "        self.encoder = PixelEncoder(self.config.size)\n"
        "        self.head = KNearest(self.config.sise)\n"
        "class Plain(EmbeddingMethod):\n"
        "    def setup(self, context: Context) -> None:\n"
        "        self.encoder = PixelEncoder(self.config.size)\n"
    )
    out = installed.run("mypy --strict mine.py || true")
    assert 'mine.py:9: error: "Config" has no attribute "sise"' in out and "Found 1 error in 1 file" in out
