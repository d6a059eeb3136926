"""The script for a GPU runs whole on a CPU, with small sizes."""

from __future__ import annotations

import re

import pytest

from benchmarks.gpu.__main__ import main
from fewshot_bench.records import read_all


@pytest.mark.slow
def test_the_script_runs_whole_on_a_cpu(tmp_path, capsys, monkeypatch):
    """Its tests, which need a GPU, are skipped; rates, shares and trainings are there."""
    monkeypatch.setattr("benchmarks.gpu.__main__.tests", lambda folder: (f"{folder}: skipped", True))
    words = [
        "--device",
        "cpu",
        "--small",
        "--trainings",
        str(tmp_path / "runs"),
        "--output",
        str(tmp_path / "gpu.md"),
    ]
    assert main(words) == 0
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert page.strip() in capsys.readouterr().out
    assert len(re.findall(r"^\| (prototype|3-NN|logistic regression) \|", page, re.MULTILINE)) == 12
    shares = re.findall(r"^\| (?:efficientnet_lite0|resnet12) .* ([0-9.]+) % \|$", page, re.MULTILINE)
    assert len(shares) == 4 and all(float(share) > 0 for share in shares)
    records = {record.method: record for record in read_all([tmp_path / "runs"])}
    assert records.keys() == {"teacher-lr", "student-lr", "protonet", "maml"}
    for name, record in records.items():
        assert f"| {name} | " in page and record.data["training"]["identity"]
