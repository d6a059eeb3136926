"""Published bugs of few-shot evaluation, each rebuilt small, and what catches it. ``docs/museum.md`` explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.audit.check import Asked
from fewshot_bench.audit.check import check as audit
from fewshot_bench.episodes.validate import validate
from fewshot_bench.errors import FsbenchError, UsageError


def photo(seed: int, grain: int = 0) -> Image.Image:
    """A picture of smooth coloured noise; ``grain`` makes it another moment of the same scene."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC), dtype=float)
    noise = np.random.default_rng(grain).normal(0, 24, smooth.shape) if grain else 0.0
    return Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))


def folder(root: Path, scene: Callable[[int, int], tuple[int, int, str]], classes: int = 4) -> Path:
    """Classes of six pictures; ``scene(class, number)`` gives seed, grain and file ending."""
    for label in range(classes):
        (root / f"c{label}").mkdir(parents=True)
        for number in range(6):
            seed, grain, ending = scene(label, number)
            photo(seed, grain).save(root / f"c{label}" / f"{number}.{ending}")
    return root


def findings(root: Path) -> dict[str, str]:
    """The verdict of each finding of ``fsbench datasets ROOT --check``."""
    return {found.check: found.verdict for found in audit(Asked(str(root))).findings}


def fails(method: str, check: str) -> None:
    """The method fails the check."""
    (trial,) = fb.check(method, only=[check], device="cpu").trials
    assert trial.verdict == "fails", trial.text


def runs(method: str, dataset: str = "digits", **options):
    """A small run."""
    return fb.run(method, dataset, device="cpu", **{"shots": 2, "queries": 4, "episodes": 20, **options})


def support_among_queries(tmp_path: Path) -> None:
    root = folder(tmp_path / "twice", lambda c, n: (10 * c + n // 2, 0, "png" if n % 2 else "bmp"))
    assert findings(root)["copies"] == "misleads"


def listed_twice(tmp_path: Path) -> None:
    index = fb.dataset("digits")
    drawn = fb.sample(index, ways=5, shots=2, queries=2, episodes=3)
    query = drawn.query.copy()
    query[1, 0, 0] = drawn.support[1, 0, 0]
    with pytest.raises(FsbenchError, match="episode 1"):
        validate(replace(drawn, query=query), index, "The manifest")


def video_frames(tmp_path: Path) -> None:
    root = folder(tmp_path / "video", lambda c, n: (10 * c + n // 3, n + 1, "png"))
    assert findings(root)["look-alikes"] == "misleads"


def finds_itself(tmp_path: Path) -> None:
    index = fb.dataset("digits")
    drawn = fb.sample(index, ways=5, shots=3, queries=3, episodes=1)
    with pytest.raises(FsbenchError, match="twice|both"):
        validate(replace(drawn, query=drawn.support.copy()), index, "The manifest")


def constant_scores(tmp_path: Path) -> None:
    record = runs("one-vector", episodes=60)
    assert 0.1 < record.accuracy.mean < 0.3
    ranked = runs("one-vector", protocol="retrieval", ways=5)
    assert ranked.map.mean < 0.5


def not_a_number(tmp_path: Path) -> None:
    fails("not-anumber", "score-values")
    with pytest.raises(FsbenchError, match="NaN among its scores"):
        runs("not-anumber")


def chosen_on_the_test_set(tmp_path: Path) -> None:
    with pytest.raises(FsbenchError, match="digits"):
        runs("protonet", train_dataset="digits")


def base_classes_evaluated(tmp_path: Path) -> None:
    scene = lambda c, n: (10 * c + n, 0, "png")  # noqa: E731
    base, evaluated = folder(tmp_path / "base", scene, classes=10), folder(tmp_path / "evaluated", scene)
    with pytest.raises(FsbenchError, match="is evaluated as well; train on another data set"):
        runs("protonet", str(evaluated), ways=3, shots=1, queries=2, episodes=2, train_dataset=str(base),
             parameters={"train_ways": 2})  # fmt: skip


def other_episodes(tmp_path: Path) -> None:
    first, second = (runs("pixels", seed=seed) for seed in (0, 1))
    with pytest.raises(UsageError, match="episodes"):
        fb.compare(first, second)


@dataclass(frozen=True)
class Specimen:
    """A published bug: its heading in ``docs/museum.md``, what catches it, and the trial that shows it."""

    title: str
    caught_by: str
    shows: Callable[[Path], None]


def method(title: str, name: str, check: str) -> Specimen:
    """A specimen that is a method of ``fsbench_museum``."""
    return Specimen(title, f"`fsbench check`, {check}", lambda _: fails(name, check))


SPECIMENS = (
    Specimen(
        "Support pictures among the queries", "`fsbench datasets --check`, copies", support_among_queries
    ),
    Specimen("A picture that is listed more than once", "the validator of episodes", listed_twice),
    method("Queries in the order of their classes", "counts-queries", "query-order"),
    method("Batch norm over the query batch", "query-batch-norm", "query-alone"),
    method("Batch norm in the encoder", "encoder-batch-norm", "encoder-batch"),
    method("Equal class marginals", "equal-marginals", "query-balance"),
    Specimen("Frames of one video on both sides", "`fsbench datasets --check`, look-alikes", video_frames),
    Specimen("A picture that retrieves itself", "the validator of episodes", finds_itself),
    Specimen("A constant scorer at the top", "the engine's ranks", constant_scores),
    Specimen("NaN that argmax turns into class 0", "the engine's scores", not_a_number),
    Specimen("The best epoch by test accuracy", "the engine's base data", chosen_on_the_test_set),
    Specimen("Base classes among the evaluated ones", "the engine's base data", base_classes_evaluated),
    Specimen("Other episodes for every method", "`fsbench compare`", other_episodes),
    method("A class index that means something", "likes-the-first-class", "class-order"),
    method("A row number that means something", "row-numbers", "own-rows"),
    method("Statistics of the whole data set", "whole-table-statistics", "own-rows"),
)
"""All specimens, in the order of ``docs/museum.md``."""
