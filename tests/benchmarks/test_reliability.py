"""The faults of ``benchmarks/reliability``, a few of each; the page in ``results/`` has the large numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "results" / "reliability.md"
FEW = ("kills", "sigterm", "records")
"""The families of faults that take seconds."""


def rows(text: str) -> dict[str, list[int]]:
    """The counts of each row of the table: tries, equal, refused, lost, silently wrong."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[1].replace(",", "").isdigit():
            found[cells[0]] = [int(cell.replace(",", "")) for cell in cells[1:]]
    return found


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and file systems mounted")
def test_nothing_is_lost_or_silently_wrong(tmp_path):
    pytest.importorskip("fsbench_protonet")
    few = ["--kills", "2", "--flips", "1", *(word for family in FEW for word in ("--only", family))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability", *few, "--output", str(tmp_path / "page.md")],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = rows((tmp_path / "page.md").read_text(encoding="utf-8"))
    tries, equal, refused, lost, wrong = found.pop("all")
    assert tries and equal + refused and not lost and not wrong and found


def test_the_page_has_every_family_and_200_kills():
    found = rows(PAGE.read_text(encoding="utf-8"))
    assert found["all"][3:] == [0, 0]
    assert sum(counts[0] for fault, counts in found.items() if fault.startswith("kill -9")) >= 200
    for word in (
        "SIGTERM",
        "disk full",
        "read-only",
        "four processes",
        "pruned",
        "clock",
        "last.safetensors",
        "record",
    ):
        assert any(word in fault for fault in found), word


def test_what_is_neither_equal_nor_a_sentence_is_a_loss(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    world = pytest.importorskip("benchmarks.reliability.world")
    row = world.Row("a fault")
    for outcome in ("equal", "sentence: a sentence", "wrong", "raw ValueError", "raw status -9"):
        row.count(outcome, "here")
    assert (row.equal, row.refused, len(row.wrong), len(row.lost)) == (1, 1, 1, 2)
