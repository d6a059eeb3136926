"""A suite on a Ray cluster whose workers are killed again and again, beside the same suite in one process.

    python -m benchmarks.reliability.ray_kills [--kills 20] [--seed 0]

The suite is that of ``suite_kills``: 48 units. A thread kills one worker at a random moment, whatever it is doing: a
whole unit, a training, a shard of pictures, a chunk of episodes. The exit status is 1 where a record is lost or another
one. The seconds of both are printed, of two workers on this machine.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.reliability.suite_kills import SUITE, finished, outcome
from fewshot_bench.cluster.executor import using
from fewshot_bench.cluster.ray_executor import ray_cluster
from fewshot_bench.progress import silent
from fewshot_bench.suites import load, perform, plan

WORKING = b"ray::work"
"""What Ray calls a process while it does a unit."""


def workers() -> list[int]:
    """Returns the processes of this machine that do a unit now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().startswith(WORKING):
                found.append(int(path.parent.name))
    return found


def kill_some(chance: random.Random, kills: int, ended: threading.Event, done: list[int]) -> None:
    """Kills a worker at random moments until there were so many kills, or the suite has ended."""
    while len(done) < kills and not ended.wait(chance.uniform(0.2, 1.5)):
        if alive := workers():
            victim = chance.choice(sorted(alive))
            with suppress(OSError):
                os.kill(victim, signal.SIGKILL)
                done.append(victim)


class Unwatched:
    """Nobody watches the progress."""

    def __enter__(self) -> object:
        return silent

    def __exit__(self, *_: object) -> None:
        pass


def on_ray(place: Path, results: str, kills: int, chance: random.Random) -> tuple[float, int]:
    """Performs the suite on a cluster of this machine; returns its seconds and how many workers were killed."""
    suite = load(place / "many.toml", place / results)
    os.environ["FSBENCH_CACHE"] = str(place / f"cache-{results}")
    ended, done = threading.Event(), list[int]()
    with ray_cluster(num_cpus=2) as cluster, using(cluster):
        killer = threading.Thread(target=kill_some, args=(chance, kills, ended, done))
        killer.start()
        began = time.monotonic()
        units = [one.unit for one in plan(suite.units()).left]
        outcomes = perform(units, watch=Unwatched, device="cpu")  # type: ignore[arg-type]
        took = time.monotonic() - began
        ended.set()
        killer.join()
    for unit, failure in outcomes.failed:
        print(f"failed: {unit.command()}: {failure.reason}", file=sys.stderr)
    return took, len(done)


def main() -> int:
    """Prints the counts; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, place = random.Random(options.seed), Path(tempfile.mkdtemp(prefix="ray-kills-"))
    os.environ["OMP_NUM_THREADS"] = "1"
    (place / "many.toml").write_text(SUITE)
    began = time.monotonic()
    finished(place, "here")
    here = time.monotonic() - began
    calm, _ = on_ray(place, "calm", 0, chance)
    took, kills = on_ray(place, "killed", options.kills, chance)
    one = outcome(place, "here")
    status = 0
    for name, count in (("calm", 0), ("killed", kills)):
        other = outcome(place, name)
        equal = sum(other.get(key) == scores for key, scores in one.items())
        lost, differs = len(one.keys() - other.keys()), sum(other.get(k, v) != v for k, v in one.items())
        about = f"a suite of {len(one)} units on a Ray cluster, {count} of its workers killed"
        print(f"| {about} | {len(one)} | {equal} | 0 | {lost} | {differs} |")
        status |= int(equal != len(one))
    print(
        f"seconds: {here:.0f} in one process, {calm:.0f} on two workers, {took:.0f} with {kills} kills",
        file=sys.stderr,
    )
    shutil.rmtree(place)
    return status


if __name__ == "__main__":
    sys.exit(main())
