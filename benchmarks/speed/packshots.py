"""Pictures a second that ``packshots`` draws on one core, through the reader of its index.

Run it with ``OMP_NUM_THREADS=1 python -m benchmarks.speed.packshots``: all novel classes, both pools, from
an empty cache, so that the time to draw each pack for the first time is included.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from fsbench_packshots import Packshots

from fewshot_bench.data.index import QUERY, SUPPORT


def main() -> None:
    """Print the rate of each pool, of both, and the time to make the index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="novel", choices=("base", "validation", "novel"))
    split = parser.parse_args().split
    start = time.perf_counter()
    index = Packshots().load()
    made = time.perf_counter() - start
    index = index.only(split)
    total, spent = 0, 0.0
    for pool, name in ((SUPPORT, "in-vitro"), (QUERY, "in-situ")):
        rows = np.flatnonzero(index.pools & pool)
        start, cpu = time.perf_counter(), time.thread_time()
        for row in rows:
            index.reader(int(row))
        elapsed, cpu = time.perf_counter() - start, time.thread_time() - cpu
        total, spent = total + len(rows), spent + cpu
        print(
            f"{name:9} {len(rows):5} pictures  {len(rows) / elapsed:6.0f} a second by the clock,"
            f" {len(rows) / cpu:6.0f} by processor time"
        )
    print(f"both      {total:5} pictures  {total / spent:6.0f} a second by processor time")
    print(f"index of 7,000 pictures made in {1e3 * made:.0f} ms")


if __name__ == "__main__":
    main()
