"""What a big folder of class folders costs: tiny distinct PNG files, indexed once, then loaded.

    python -m benchmarks.speed.folder [--classes 10000] [--images 50] [--folder DIR]

Makes ``classes`` x ``images`` files of about 70 bytes (500,000 take 2 GB and as many inodes) in a temporary folder
and a cache of its own. Each step runs in a process of its own; its seconds are those of the step without the start
of Python, and of the CPU, with the peak memory of that process. ``cold`` reads, digests and decodes every file,
``warm`` loads the snapshot, ``look`` compares size and date of every file, as is done before they are used,
``sample`` draws 100 episodes of all classes with one shot and one query, ``added`` loads after one file was added.
"""

from __future__ import annotations

import argparse
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from fewshot_bench.data.snapshot import SETTLED
from fewshot_bench.datasets.folder import Folder

STEPS = ("cold", "warm", "look", "sample", "added")


def png(number: int) -> bytes:
    """A picture of two pixels that only this number has, 0 to 2**48."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">2I5B", 2, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + number.to_bytes(6, "big"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def make(root: Path, classes: int, images: int) -> None:
    """Folders "brand B/article A" with ``images`` files each; FileNotFoundError and so on when there is no room."""
    disk = os.statvfs(root)
    if disk.f_bavail * disk.f_frsize < 8192 * classes * images or 0 < disk.f_favail < 2 * classes * images:
        sys.exit(f"There is too little room, or too few inodes, in {root} for {classes * images} files.")
    for c in range(classes):
        folder = root / f"brand {c // 100}" / f"article {c} ü"
        folder.mkdir(parents=True)
        for i in range(images):
            (folder / f"IMG {i}.png").write_bytes(png(c * images + i))


def step(name: str, root: Path) -> None:
    """One step; prints its seconds, the peak memory of this process and what was found."""
    if name == "added":
        (root / "brand 0" / "article 0 ü" / "new.png").write_bytes(png(2**47))
    begun, spent = time.perf_counter(), time.process_time()
    index = Folder().load(root)
    if name == "look":
        begun, spent = time.perf_counter(), time.process_time()
        index.require_current()
    found = f"{len(index)} images, {len(index.class_names)} classes, fingerprint {index.fingerprint[:8]}"
    if name == "sample":
        from fewshot_bench.episodes import EpisodeSpec, sample

        begun, spent = time.perf_counter(), time.process_time()
        drawn = sample(index, EpisodeSpec("all", 1, 1, 100, 0))
        found = f"support {drawn.support.shape}, query {drawn.query.shape}"
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<7} {seconds:8.2f} s, {spent:7.2f} s of CPU {peak:6.0f} MiB  {found}", flush=True)


def main() -> None:
    """Make the files, then run each step in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--classes", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step, options.root)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        root = Path(place, "products")
        root.mkdir()
        begun = time.perf_counter()
        make(root, options.classes, options.images)
        print(f"made    {time.perf_counter() - begun:8.2f} s", flush=True)
        environment = {**os.environ, "FSBENCH_CACHE": str(Path(place, "cache"))}
        time.sleep(SETTLED + 0.5)  # a folder changed this moment has no snapshot
        for name in STEPS:
            words = [sys.executable, "-m", "benchmarks.speed.folder", "--step", name, "--root", str(root)]
            subprocess.run(words, env=environment, check=True)


if __name__ == "__main__":
    main()
