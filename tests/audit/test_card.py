"""The card's figures: against counts made by hand, and the published ones of the real sets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.audit.card import found, histogram, repeats
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.datasets.grozi120 import Grozi120
from fewshot_bench.datasets.locate import load_dataset


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60))
def test_a_histogram_counts_every_class_once(counts: list[int]) -> None:
    bins = histogram(np.array(counts))
    assert sum(row["classes"] for row in bins) == len(counts)
    assert bins[0]["from"] == min(counts) and bins[-1]["to"] == max(counts) and len(bins) <= 8
    for row, after in pairwise(bins):
        assert row["to"] + 1 == after["from"]
    for row in bins:
        assert row["classes"] == sum(row["from"] <= count <= row["to"] for count in counts)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=30))
def test_repeats_against_a_dictionary(rows: list[tuple[int, int]]) -> None:
    digests = np.zeros((len(rows), 32), dtype=np.uint8)
    digests[:, 7] = [content for content, _ in rows]
    classes: dict[int, set[int]] = {}
    for content, label in rows:
        classes.setdefault(content, set()).add(label)
    assert repeats(digests, np.array([label for _, label in rows])) == {
        "pictures": len(rows) - len(classes),
        "across_classes": sum(len(found) > 1 for found in classes.values()),
    }


def test_figures_of_a_small_folder(tmp_path: Path, draw: Callable[..., Path]) -> None:
    for name, seeds in (("a", (0, 1, 2)), ("b", (3, 4)), ("ü c", (5, 1))):
        for number, seed in enumerate(seeds):
            draw(tmp_path / name / f"{number}.png", seed)
    Image.open(tmp_path / "a" / "0.png").save(tmp_path / "a" / "again.bmp")  # equal pixels, other bytes
    draw(tmp_path / "b" / "9.png", 3)  # equal bytes
    draw(tmp_path / "b" / "large.png", 8, size=(40, 30))
    (tmp_path / "b" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    card = found(load_dataset(Folder(), path=tmp_path), Scan())
    assert card["classes"] == {"all": 3} and card["images"]["all"] == 10
    assert card["images_per_class"]["histogram"] == [
        {"from": 2, "to": 2, "classes": 1},
        {"from": 3, "to": 3, "classes": 0},
        {"from": 4, "to": 4, "classes": 2},
    ]
    assert card["images_per_class"]["median"] == 4 and card["images_per_class"]["support"]["max"] == 4
    shown = card["pictures"]
    assert shown["formats"] == {"PNG": 9, "BMP": 1} and shown["modes"] == {"RGB": 10}
    assert shown["sizes"] == [[12, 9, 9], [40, 30, 1]] and shown["width"] == {
        "min": 12,
        "median": 12,
        "max": 40,
    }
    assert card["duplicates"] == {
        "content": {"pictures": 2, "across_classes": 1},
        "pixels": {"pictures": 1, "across_classes": 0},
    }
    assert [path for path, _ in card["unreadable"]] == ["b/broken.jpg"]
    assert card["groups"]["of_several"] == 1 and card["groups"]["pictures_in_them"] == 2


@pytest.mark.packshots
def test_a_drawn_set_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fewshot_bench.audit.card.SAMPLE", 2)
    card = found(open_dataset("packshots"), Scan())
    assert card["pictures"]["of"] == 2 and card["pictures"]["sampled"]
    assert card["duplicates"]["pixels"] is None and card["classes"] == {
        "base": 160,
        "validation": 40,
        "novel": 80,
    }
    assert card["images_per_class"]["support"]["max"] == 5 and card["images_per_class"]["query"]["min"] == 20


def test_the_published_figures_of_grozi(real_data: Path) -> None:
    card = found(load_dataset(Grozi120(), data_root=real_data), Scan())
    counts, shown = card["images_per_class"], card["pictures"]
    assert (card["images"]["all"], counts["min"], counts["median"], counts["max"]) == (2684, 12, 21, 30)
    assert (shown["width"]["min"], shown["width"]["max"]) == (21, 304)
    assert (shown["height"]["min"], shown["height"]["max"]) == (16, 455)
    assert shown["formats"] == {"PNG": 2684} and shown["modes"] == {"RGB": 2684}
