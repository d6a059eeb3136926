"""A person's own folder, with all that such folders have in them, from the command to the record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fewshot_bench.cli import group

CLASSES = ["Äpfel grün", "apples", "Brand X/Artikel № 1", "Brand X/artikel 2", "日本 茶", "100% juice 🧃"]
ENDINGS = ["jpg", "JPG", "jpeg", "png", "PNG", "webp", "bmp", "tif", "TIFF", "gif", "WebP"]


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """17 pictures of each class in all formats, one of them broken, and what else lies about."""
    rng = np.random.default_rng(0)
    root = tmp_path / "my products"
    for c, name in enumerate(CLASSES):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        look = rng.integers(40, 210, (24, 20, 3))
        for i in range(17):
            picture = np.clip(look + rng.integers(-25, 26, look.shape), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"IMG {i} ({c}).{ENDINGS[i % len(ENDINGS)]}")
        Image.fromarray(picture).convert("L").save(folder / "grey.png")
        (folder / "Kaputt.JPG").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
        (folder / ".DS_Store").write_bytes(b"x")
        (folder / "Thumbs.db").write_bytes(b"x")
    (root / "leer").mkdir()
    (root / "leer.png").write_bytes(b"")
    (root / "notes.txt").write_text("mine")
    return root


def test_a_folder_with_all_its_quirks_is_run(products: Path, tmp_path: Path) -> None:
    words = ["run", "--method", "pixels", "--dataset", str(products), "--ways", "all", "--shots", "1"]
    results = str(tmp_path / "results")
    done = CliRunner().invoke(group, [*words, "--json", "--results", results], catch_exceptions=False)
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert record["dataset"] == "folder:my products"
    assert (record["classes"], record["images"], record["unreadable"]) == (6, 6 * 18, 6)
    assert (record["ways"], record["shots"], record["queries"]) == ("all", 1, 15)
    assert record["accuracy"]["mean"] > 0.85
    assert "Pictures left out because they cannot be read: 6." in record["dataset_notes"]
    assert "Folders without a picture, left out: leer." in record["dataset_notes"]
    assert "Pictures beside the class folders, left out: 1." in record["dataset_notes"]
    again = CliRunner().invoke(group, [*words, "--json", "--results", results], catch_exceptions=False)
    assert json.loads(again.stdout)["scores_sha256"] == record["scores_sha256"]


def test_the_command_of_the_record_runs_again(products: Path, tmp_path: Path) -> None:
    import shlex

    words = ["run", "--method", "pixels", "--dataset", str(products), "--ways", "all", "--shots", "2"]
    words += ["--queries", "3", "--episodes", "5", "--json", "--results", str(tmp_path / "results")]
    first = json.loads(CliRunner().invoke(group, words, catch_exceptions=False).stdout)
    stored = [*shlex.split(first["command"])[1:], "--json", "--results", str(tmp_path / "results")]
    second = json.loads(CliRunner().invoke(group, stored, catch_exceptions=False).stdout)
    assert second["scores_sha256"] == first["scores_sha256"]


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_names_that_are_not_utf8(products: Path, tmp_path: Path) -> None:
    (products / "apples").rename(products / os.fsdecode(b"\xe4pfel"))
    words = ["run", "--method", "pixels", "--dataset", str(products), "--ways", "all", "--shots", "1"]
    words += ["--episodes", "3", "--json", "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(group, words, catch_exceptions=False)
    assert done.exit_code == 0 and json.loads(done.stdout)["classes"] == 6
