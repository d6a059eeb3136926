"""A suite of many units, killed again and again, beside the same suite undisturbed: are all records equal?

    python -m benchmarks.reliability.suite_kills [--kills 20] [--seed 0]

48 units on scikit-learn's digits: raw pixels, HOG with nearest neighbours, and with a perceptron trained on each
episode, in several shots and seeds. Each kill is a SIGKILL at a random moment, of two processes at once every third
time. The exit status is 1 where a record is lost or another one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fewshot_bench.records import read_all

SUITE = """
[[runs]]
dataset = "digits"
[runs.matrix]
shots = [1, 3]
seed = [0, 1, 2]
episodes = [40, 80]
row = [
    { method = "pixels" },
    { method = "pixels", parameters = { size = 4 } },
    { method = "hog-knn" },
    { method = "hog-mlp" },
]
"""


def start(place: Path, results: str) -> subprocess.Popen[bytes]:
    """Begins the suite with a cache of its own."""
    words = ["suite", "run", str(place / "many.toml"), "--results", str(place / results)]
    return subprocess.Popen(
        [sys.executable, "-c", f"from fewshot_bench.cli import main; main({words!r})"],
        env={**os.environ, "FSBENCH_CACHE": str(place / f"cache-{results}"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(place: Path, results: str) -> str:
    """Lets the suite come to its end and returns what it said."""
    process = start(place, results)
    _, said = process.communicate()
    if process.returncode:
        print(said.decode(), file=sys.stderr)
    return said.decode()


def outcome(place: Path, results: str) -> dict[str, str]:
    """Returns the hash of the scores of each record by its identity."""
    return {r.data["identity"]: str(r.scores_sha256) for r in read_all([place / results])}


def main() -> int:
    """Prints the counts; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, place = random.Random(options.seed), Path(tempfile.mkdtemp(prefix="suite-kills-"))
    (place / "many.toml").write_text(SUITE)
    began = time.monotonic()
    finished(place, "quiet")
    whole = time.monotonic() - began
    for number in range(options.kills):
        processes = [start(place, "killed") for _ in range(2 if number % 3 == 2 else 1)]
        time.sleep(chance.uniform(1.5, 1.5 + whole / 6))
        for process in processes:
            process.kill()
            process.wait()
        print(f"kill {number + 1}: {len(outcome(place, 'killed')):2} records", file=sys.stderr)
    finished(place, "killed")
    quiet, killed = outcome(place, "quiet"), outcome(place, "killed")
    equal = sum(killed.get(key) == scores for key, scores in quiet.items())
    lost, other = len(quiet.keys() - killed.keys()), sum(killed.get(k, v) != v for k, v in quiet.items())
    about = f"a suite of {len(quiet)} units, killed {options.kills} times; then to its end"
    print(f"| {about} | {len(quiet)} | {equal} | 0 | {lost} | {other} |")
    shutil.rmtree(place)
    return int(lost + other > 0)


if __name__ == "__main__":
    sys.exit(main())
