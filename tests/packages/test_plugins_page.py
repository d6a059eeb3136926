"""docs/plugins.md: its commands, one after another, from built wheels in an empty environment with no repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
pytestmark = [pytest.mark.packages, pytest.mark.slow, pytest.mark.subprocess]


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_the_commands_lead_from_nothing_to_a_row_on_the_leaderboard(environment):
    outputs = {}
    for block in blocks("sh"):
        outputs[block] = environment.run(block)
    said = "\n".join(outputs.values())
    assert str(ROOT) not in environment.run("python -c 'import fewshot_bench; print(fewshot_bench.__file__)'")
    assert "my-method keeps its contract" in said
    table = next(out for block, out in outputs.items() if "leaderboard" in block).partition("# Leaderboard")[
        2
    ]
    rows = re.findall(r"^\|.*\| *`?(my-method|pixels)\b.*$", table, flags=re.MULTILINE)
    assert sorted(rows) == ["my-method", "my-method", "pixels"], table
    assert "fsbench_my_method-0.1.0-py3-none-any.whl" in said
    assert re.search(r"\d passed", said) and "Success: no issues found" in said


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_of_the_page_runs(block: str, tmp_path):
    from fewshot_bench.api import Context

    names: dict[str, object] = {}
    exec(compile(block, "plugins.md", "exec"), names)
    if "start" in names:
        encoder = names["start"](Context(device="cpu", seed=0, cache=tmp_path))  # type: ignore[operator]
        assert encoder.map_shape == (16, 41, 41)
