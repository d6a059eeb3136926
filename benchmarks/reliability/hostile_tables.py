"""Hostile tables of data sets, settings of methods, and pictures."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from benchmarks.reliability.trying import (
    Family,
    damaged,
    loaded,
    words,
)
from fewshot_bench.contract import registry
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import FsbenchError

cells = st.one_of(st.sampled_from(("class 0/0.png", "1", "path", "label", "id")), words)


def csv_family(place: Path) -> Family:
    """A CSV data set of any cells, or of any bytes."""

    def attempt(folder: Path, made: tuple[tuple[list[str], list[list[str]]], bytes]) -> str:
        (header, rows), tail = made
        (folder / "class 0").mkdir()
        for number in (0, 1):
            picture = place / "shop" / "class 0" / f"{number}.png"
            (folder / "class 0" / picture.name).write_bytes(picture.read_bytes())
        lines = [",".join(header), *(",".join(row) for row in rows)]
        (folder / "odd.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + tail)
        return loaded(folder, str(folder / "odd.csv"), named="odd.csv")

    picture = st.sampled_from(("class 0/0.png", "class 0/1.png"))
    number = st.sampled_from(("", "0", "1", "-3", "9" * 30, "1.5"))
    sound = st.tuples(picture, st.sampled_from("ab"), st.sampled_from(("", "novel")), st.sampled_from(("", "g")),
                      st.sampled_from(("", "query", "both")), number, number).map(list)  # fmt: skip
    near = st.tuples(sound, st.integers(0, 13), cells).map(
        lambda made: [cell if place != made[1] else made[2] for place, cell in enumerate(made[0])]
    )
    header = ["path", "label", "split", "group", "pool", "position", "guard"]
    full = st.tuples(st.just(header), st.lists(near, max_size=2, unique_by=lambda row: row[0]))
    short = full.map(lambda made: (made[0][:2], [row[:2] for row in made[1]]))
    wild = st.tuples(st.lists(cells, max_size=7), st.lists(st.lists(cells, max_size=7), max_size=3))
    tails = st.one_of(st.just(b""), st.just(b""), st.binary(max_size=8))
    return Family("CSV data set", st.tuples(st.one_of(full, short, wild), tails), attempt)


def styles_family(place: Path) -> Family:
    """``styles.csv`` of Kaggle's fashion set, of any cells."""
    header = (
        "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
    )

    def attempt(folder: Path, made: tuple[str, list[list[str]], bytes]) -> str:
        first, rows, tail = made
        root = folder / "kaggle-fashion"
        (root / "images").mkdir(parents=True)
        for number in (1, 2):
            (root / "images" / f"{number}.jpg").write_bytes(
                (place / "shop" / "class 0" / f"{number}.png").read_bytes()
            )
        lines = [first, *(",".join(row) for row in rows)]
        (root / "styles.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + tail)
        return loaded(folder, "kaggle-fashion", "--data-root", folder, named="kaggle-fashion")

    sound = st.sampled_from(["1", "2", "3"]).map(lambda n: [n, *"abcdefghi"])
    row = st.one_of(sound, st.lists(cells, min_size=8, max_size=11), sound.flatmap(
        lambda known: st.tuples(st.integers(0, 9), cells).map(
            lambda put: [*known[: put[0]], put[1], *known[put[0] + 1 :]]
        )
    ))  # fmt: skip
    tails = st.one_of(st.just(b""), st.binary(max_size=8))
    return Family(
        "styles.csv", st.tuples(st.one_of(st.just(header), words), st.lists(row, max_size=4), tails), attempt
    )


def settings_family(place: Path) -> Family:
    """``--set key=value`` of every method: its own parameters and any, with any value."""
    known = []
    for name in sorted(registry.entries(registry.METHODS)):
        with contextlib.suppress(FsbenchError):
            fields = getattr(registry.load(registry.METHODS, name).Config, "__dataclass_fields__", {})
            known += [(name, key) for key in fields]

    def attempt(folder: Path, made: tuple[tuple[str, str], str]) -> str:
        (method, key), value = made
        from fewshot_bench.contract.config import parse_settings

        try:
            method_of(Request(method=method, dataset="", parameters=parse_settings((f"{key}={value}",))))
        except FsbenchError as error:
            return f"sentence: {error}"
        except BaseException as error:
            return f"raw {type(error).__name__}: {error}"
        return "equal"

    pairs = st.one_of(st.sampled_from(known), st.tuples(st.sampled_from([m for m, _ in known]), words))
    return Family("--set", st.tuples(pairs, words), attempt)


def picture_family(place: Path) -> Family:
    """Picture files of six formats, damaged, beside sound ones."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 12), dtype=np.uint16)
    kinds: dict[str, bytes] = {}
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(stream, kind)
        kinds[kind] = stream.getvalue()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    kinds["PNG 16"] = stream.getvalue()

    def attempt(folder: Path, made: tuple[str, int, str]) -> str:
        kind, seed, name = made
        (folder / "set" / "a").mkdir(parents=True)
        (folder / "set" / "a" / "1.png").write_bytes((place / "shop" / "class 0" / "1.png").read_bytes())
        name = name.replace("/", "").replace("\x00", "")[:60] or "x"
        (folder / "set" / "a" / f"{name}.jpg").write_bytes(damaged(kinds[kind], seed))
        return loaded(folder, str(folder / "set"))

    return Family("picture", st.tuples(st.sampled_from(sorted(kinds)), st.integers(0, 2**32), words), attempt)
