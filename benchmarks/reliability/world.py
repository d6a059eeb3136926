"""A world to break: a tiny shop of pictures, a cache and a results folder, and runs in processes that are forked."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fewshot_bench as fb
from fewshot_bench.data import snapshot
from fewshot_bench.engine import parts, scoring
from fewshot_bench.errors import FsbenchError
from fewshot_bench.records import read
from fewshot_bench.store import writer

VOLATILE = ("created", "timings", "environment")
"""Keys of a record that tell when and where it was made."""

EPISODES = {"ways": 3, "shots": 2, "queries": 2, "episodes": 60}
TINY = {
    "backbone": "conv4-32", "size": 28, "train_ways": 4, "queries": 2, "epochs": 3, "episodes": 2,
    "validation_episodes": 2,
}  # fmt: skip
RUNS: dict[str, dict[str, Any]] = {
    "run": {"method": "pixels", "parameters": {"size": 8}},
    "training": {"method": "protonet", "parameters": TINY, "train_dataset": "digits"},
}
"""What is run: nothing trained, or a network that is trained on base classes first."""


@dataclass
class Row:
    """What came of the tries of one fault.

    ``equal`` results are those of an undisturbed run, ``refused`` are sentences with which a run ended, ``lost`` are
    results that could not be had by the same command again, and ``wrong`` are other results.
    """

    fault: str
    tries: int = 0
    equal: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sentences: set[str] = field(default_factory=set)

    def count(self, outcome: str, where: str) -> None:
        """Counts one outcome: ``equal``, ``wrong``, ``sentence: …``, or anything else, which is a loss."""
        if outcome == "equal":
            self.equal += 1
        elif outcome.startswith("sentence: "):
            self.refuse(outcome)
        else:
            (self.wrong if outcome == "wrong" else self.lost).append(f"{where}: {outcome}")

    def refuse(self, sentence: str) -> None:
        """Counts a sentence with which a run ended."""
        self.refused += 1
        self.sentences.add(re.sub(r"/[^ ]*/|[0-9a-f]{8,}", "…", sentence.removeprefix("sentence: "))[:160])


def settings() -> None:
    """Makes what is kept small, so that a tiny run writes many files: chunks, segments and snapshots of few items."""
    scoring.CHUNK_ELEMENTS = 4 * 36
    parts.FLUSH_SECONDS = -1.0
    snapshot.LEAST, snapshot.SETTLED = 1, 0.0
    writer.FLUSH_IMAGES = 8


def shop(folder: Path) -> Path:
    """Draws 5 classes of 8 pictures, of equal bytes each time; returns the folder."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for c in range(5):
        base = rng.integers(0, 200, (12, 12, 3))
        for i in range(8):
            place = folder / f"class {c}" / f"{i}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((base + rng.integers(0, 55, base.shape)).astype(np.uint8)).save(place)
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1.7e9, 1.7e9))
    return folder


@dataclass(frozen=True)
class World:
    """A cache and a results folder below ``place``, and the pictures at ``pictures``; ``kind`` is one of ``RUNS``."""

    place: Path
    pictures: Path
    kind: str = "run"

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return self.place / "cache"

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.place / "results"

    def run(self, progress: Any = None) -> None:
        """Runs the command of this world, in this process."""
        os.environ["FSBENCH_CACHE"] = str(self.cache)
        more = {} if progress is None else {"progress": progress}
        fb.run(
            dataset=str(self.pictures),
            results=self.results,
            device="cpu",
            **EPISODES,
            **RUNS[self.kind],
            **more,
        )

    def copy(self, name: str) -> World:
        """Returns a copy of this world beside it, dates included."""
        place = self.place.with_name(name)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.place, place)
        return World(place, self.pictures, self.kind)

    def result(self) -> str:
        """Returns the one record as text, times left aside; raises where there is none or more than one."""
        (path,) = [p for p in self.results.rglob("*.json") if not p.name.startswith(".")]
        record = read(path)
        data = {key: value for key, value in record.data.items() if key not in VOLATILE}
        data["training"] = {k: v for k, v in data["training"].items() if k != "timings"}
        arrays = {name: array.tolist() for name, array in record.arrays.items()}
        return json.dumps([data, arrays], sort_keys=True)


def forked(work: Callable[[], object], report: Path | None = None) -> int:
    """Returns the id of a process that does ``work`` and ends; ``report`` takes how it ended, in words."""
    if pid := os.fork():
        return pid
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        said = attempt(work)
        if report is not None:
            report.write_text(said, encoding="utf-8")
        os._exit(0 if said == "done" else 1)
    finally:
        os._exit(2)


def attempt(work: Callable[[], object]) -> str:
    """Does ``work`` and says how it ended: ``done``, ``sentence: …`` or ``raw …``, an exception that is no sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            work()
        except FsbenchError as error:
            return f"sentence: {error}"
        except BaseException as error:
            return f"raw {type(error).__name__}: {error} {traceback.format_exc(limit=-3)}"
    return "done"


def ended(pid: int) -> int:
    """Waits for a process and returns its exit status; a negative one is that of a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def finish(world: World, expected: str | None = None, work: Callable[[], object] | None = None) -> str:
    """Runs a world in a process of its own and says what came of it: ``equal``, ``wrong``, or how it ended."""
    report = world.place.with_name(f"{world.place.name}.report")
    report.unlink(missing_ok=True)
    status = ended(forked(work or world.run, report))
    said = report.read_text(encoding="utf-8") if report.exists() else f"raw status {status}"
    if said != "done":
        return said
    try:
        found = world.result()
    except Exception as error:
        return f"raw {type(error).__name__}: {error}"
    return found if expected is None else "equal" if found == expected else "wrong"


def undisturbed(place: Path, kind: str) -> tuple[World, str, float]:
    """Returns a finished world, its result, and how many seconds the run took."""
    world = World(place / f"{kind}-whole", shop(place / "shop"), kind)
    world.place.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    expected = finish(world)
    if expected.startswith(("raw", "sentence")):
        raise SystemExit(f"The undisturbed {kind} failed: {expected}")
    return world, expected, time.monotonic() - began


def fresh(whole: World, name: str) -> World:
    """Returns an empty world with the pictures of another one."""
    place = whole.place.with_name(name)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return World(place, whole.pictures, whole.kind)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Sends a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
