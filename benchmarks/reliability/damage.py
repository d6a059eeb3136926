"""Every kind of file that is kept, damaged: bits flipped, cut short, removed. Healed or refused, never other scores."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import fewshot_bench as fb
from benchmarks.reliability.world import Row, World, attempt, ended, finish, forked, fresh, undisturbed
from fewshot_bench.episodes import load_manifest, save_manifest
from fewshot_bench.records import read

Harm = Callable[[bytes, random.Random], bytes | None]


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Returns the content with one bit flipped."""
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    """Returns the beginning of the content."""
    return content[: rng.randrange(len(content))]


def removed(content: bytes, rng: random.Random) -> None:
    """Returns nothing: the file is removed."""
    return


def label(path: Path) -> str:
    """Returns the kind of a file: its folder and name without digests and numbers."""
    name = re.sub(r"[0-9a-f]{8,}", "…", "/".join(path.parts[-2:]))
    return re.sub(r"\d{3,}", "0", name)


def kinds(world: World) -> dict[str, Path]:
    """Returns one file of each kind in the cache, by its label."""
    found: dict[str, Path] = {}
    for path in sorted(world.cache.rglob("*")):
        if path.is_file() and path.stat().st_size and not path.name.endswith(".lock"):
            found.setdefault(label(path.relative_to(world.cache.parent)), path)
    return found


def interrupted(whole: World, stage: str = "score") -> World:
    """Returns a world whose run was stopped in the middle of a stage: ``score``, or ``train`` behind two epochs."""
    world = fresh(whole, f"{whole.kind}-stopped-{stage}")

    def stop(name: str, done: int, total: int, note: str = "") -> None:
        if name.startswith(stage) and done > total * {"score": 0.5, "train": 0.7}[stage]:
            raise KeyboardInterrupt

    ended(forked(lambda: world.run(stop)))
    return world


def caches(place: Path, kind: str, flips: int, seed: int) -> Iterator[Row]:
    """Yields a row for each kind of cache file: an interrupted run goes on from a cache that holds one damaged file."""
    whole, expected, _ = undisturbed(place, kind)
    yield from damaged(interrupted(whole), expected, kind, flips, seed)
    if kind == "training":
        half = interrupted(whole, "train")
        yield from damaged(half, expected, "training, half done", flips, seed, only="checkpoints")


def damaged(half: World, expected: str, kind: str, flips: int, seed: int, *, only: str = "") -> Iterator[Row]:
    """Yields a row for each kind of file in the cache of an interrupted run, or of those in the folder ``only``."""
    for name, path in kinds(half).items():
        if only not in str(path.relative_to(half.cache)):
            continue
        rng = random.Random(f"{seed} {name}")
        row = Row(f"{kind}: {name} damaged")
        content = path.read_bytes()
        for number in range(flips + 2 * max(1, flips // 5)):
            harm: Harm = flipped if number < flips else (cut if number % 2 else removed)
            world = half.copy("damaged")
            target = world.place / path.relative_to(half.place)
            changed = harm(content, rng)
            target.unlink() if changed is None else target.write_bytes(changed)
            row.tries += 1
            row.count(finish(world, expected), f"{harm.__name__} {number}")
        yield row


def records(place: Path, flips: int, seed: int) -> Iterator[Row]:
    """Yields the rows of record files and of a manifest: what is read is what was written, or a sentence."""
    whole, expected, _ = undisturbed(place, "run")
    world = whole.copy("damaged-record")
    (text,) = world.results.rglob("*.json")
    index = fb.dataset("digits")
    manifest = place / "episodes.npz"
    drawn = fb.sample("digits", ways=3, episodes=5)
    save_manifest(manifest, drawn)

    def record() -> None:
        read(text)
        if world.result() != expected:
            raise AssertionError("another record")

    def replay() -> None:
        if load_manifest(manifest, index).sha256 != drawn.sha256:
            raise AssertionError("other episodes")

    for name, path, work in (
        ("record (JSON)", text, record),
        ("record (arrays)", text.with_suffix(".npz"), record),
        ("manifest of episodes", manifest, replay),
    ):
        rng, content = random.Random(f"{seed} {name}"), path.read_bytes()
        row = Row(f"{name} damaged", flips)
        for number in range(flips):
            path.write_bytes((flipped if number % 5 else cut)(content, rng))
            said = attempt(work)
            other = said.startswith("raw AssertionError")
            row.count("equal" if said == "done" else "wrong" if other else said, f"{number}")
        path.write_bytes(content)
        yield row
