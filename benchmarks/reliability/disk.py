"""Disks that are full or read-only, as file systems in memory; where none can be mounted, limits of file sizes."""

from __future__ import annotations

import errno
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.reliability.world import Row, World, finish, fresh, undisturbed

PAGE = 4096


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mounts a file system in memory on ``folder``; raises OSError where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        raise OSError(errno.EPERM, "mount is not allowed")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Changes the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def full(place: Path, step: int) -> Iterator[Row]:
    """Yields the row of full disks: of every size, ``step`` pages apart, up to that which holds everything."""
    whole, expected, _ = undisturbed(place, "run")
    row = Row("disk full: a file system of every size, cache and results on it; then more room")
    try:
        for pages in range(2, 10_000, step):
            world = fresh(whole, "full")
            with mounted(world.place, f"size={pages * PAGE},nr_inodes=10000"):
                first = finish(world, expected)
                row.tries += 1
                if first == "equal":
                    row.equal += 1
                    break
                if not first.startswith("sentence: "):
                    row.count(first, f"{pages} pages")
                    continue
                row.refuse(first)
                remount(world.place, "size=64m")
                row.count(finish(world, expected), f"{pages} pages, then more room")
    except OSError:
        yield from limited(place, step)
        return
    yield row


def limited(place: Path, step: int) -> Iterator[Row]:
    """Yields the row of limits of file sizes, which fail a write like a full disk does."""
    whole, expected, _ = undisturbed(place, "run")
    row = Row("no file larger than a limit, of every size; then none")
    for size in range(0, 64 * PAGE, step * PAGE // 8):
        world = fresh(whole, "limited")

        def work(world: World = world, size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            world.run()

        row.tries += 1
        first = finish(world, expected, work)
        if first.startswith("sentence: "):
            row.refuse(first)
        elif first != "equal" and not first.startswith(
            "raw status"
        ):  # the report of the process fails as well
            row.count(first, f"{size} bytes")
            continue
        row.count(finish(world, expected), f"{size} bytes, then none")
    yield row


def read_only(place: Path) -> Iterator[Row]:
    """Yields the rows of a results folder, and of a cache, that cannot be written to."""
    whole, expected, _ = undisturbed(place, "run")
    for name in ("results", "cache"):
        for state in ("empty", "filled"):
            row = Row(f"read-only {name}, {state}; then writable", 1)
            world = whole.copy("read-only") if state == "filled" else fresh(whole, "read-only")
            folder = world.place / name
            kept = world.place / "kept"
            shutil.copytree(folder, kept) if folder.exists() else kept.mkdir()
            try:
                with mounted(folder, "size=64m"):
                    shutil.copytree(kept, folder, dirs_exist_ok=True)
                    remount(folder, "ro")
                    first = finish(world, expected)
                    if first.startswith("sentence: "):
                        row.refuse(first)
                    elif first != "equal":
                        row.count(first, "read-only")
                    remount(folder, "rw")
                    row.count(finish(world, expected), "then writable")
            except OSError:
                row.fault += " (left out: mount is not allowed)"
                row.tries = 0
            yield row
