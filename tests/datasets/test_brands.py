"""Brands: both published support sets and their one base, and any brand held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.brands import Brands
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.errors import FsbenchError, UsageError

Draw = Callable[..., Path]


def brand(root: Path, draw: Draw, name: str, articles: int) -> None:
    """``articles`` folders of two pictures, tiny and different everywhere."""
    for a in range(articles):
        for i in range(2):
            seed = sum(map(ord, name)) * 100_000 + 10 * a + i
            draw(root / name / f"article {a}" / f"{i}.png", seed, size=(4, 4))


def classes(index: ImageIndex, split: str) -> set[str]:
    return {c for c, s in zip(index.class_names, index.class_splits, strict=True) if s == split}


@pytest.fixture
def small(tmp_path: Path, draw: Draw) -> Path:
    for name, articles in (("D&G", 3), ("GIVENCHY", 4), ("Versace", 52), ("YSL", 2)):
        brand(tmp_path, draw, name, articles)
    return tmp_path


def test_both_support_sets_have_one_base_and_do_not_meet(small: Path) -> None:
    whole, part = Brands().load(small), Brands().load(small, "n50")
    assert whole.variant == "n309"
    assert classes(whole, "base") == classes(part, "base") and len(classes(whole, "base")) == 3 + 2 + 2
    assert classes(whole, "novel") == {f"GIVENCHY/article {a}" for a in range(4)}
    assert len(classes(part, "novel")) == 50 and all(c.startswith("Versace/") for c in classes(part, "novel"))
    assert not classes(part, "novel") & classes(part, "base")
    assert whole.notes[1] == (
        "Givenchy has 4 articles here, where the report's support set has 309: do not compare with its figures."
    )
    assert len(part.notes) == 1
    digests = [{d.tobytes() for d in index.only("novel").digests} for index in (whole, part)]
    assert not digests[0] & digests[1]


def test_the_fifty_stay_the_same_when_other_brands_come(small: Path, draw: Draw) -> None:
    before = classes(Brands().load(small, "n50"), "novel")
    brand(small, draw, "Burberry", 2)
    assert classes(Brands().load(small, "n50"), "novel") == before


@pytest.mark.slow
@pytest.mark.parametrize(("brands", "variant", "ways"), [(309, "n309", 309), (1, "n50", 50)])
def test_the_support_sets_of_the_report_are_exactly_those(
    tmp_path: Path, draw: Draw, brands: int, variant: str, ways: int
) -> None:
    for name, articles in (("Givenchy", brands), ("Versace", 60), ("YSL", 1)):
        brand(tmp_path, draw, name, articles)
    novel = Brands().load(tmp_path, variant).only("novel")
    episodes = sample(novel, EpisodeSpec(ways="all", shots=1, queries="all", episodes=1, seed=0))
    assert episodes.support.shape == (1, ways, 1)
    assert sorted(episodes.classes[0].tolist()) == list(range(ways))
    assert not any("do not compare" in note for note in novel.notes)
    assert (episodes.query[0] >= 0).sum() == ways


@pytest.mark.parametrize("asked", ["d&g", "DG", "D&G"])
def test_any_brand_can_be_held_out(small: Path, asked: str) -> None:
    index = load_dataset(Brands(), path=small, variant=asked)
    assert classes(index, "novel") == {f"D&G/article {a}" for a in range(3)}
    assert len(classes(index, "base")) == 4 + 52 + 2
    assert np.bincount(index.labels).tolist() == [2] * 61


def test_what_is_missing_is_one_sentence(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(
        FsbenchError, match="no picture in a folder of an article in a folder of a brand; exp"
    ):
        Brands().load(tmp_path)
    brand(tmp_path, draw, "YSL", 2)
    with pytest.raises(UsageError, match="has no brand 'Givenchy' here; it has YSL: take one with"):
        Brands().load(tmp_path)
    with pytest.raises(FsbenchError, match="beside the held-out articles of ysl there are none"):
        Brands().load(tmp_path, "ysl")
