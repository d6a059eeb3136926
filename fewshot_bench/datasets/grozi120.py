"""GroZi-120: 120 grocery products, studio pictures and crops from hand-held supermarket video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Readable, Row, build_index, read_rows
from fewshot_bench.data.index import BOTH, QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.near import near_duplicates, signatures
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import is_folder, names_in
from fewshot_bench.datasets.locate import layout_error

CLASSES = 120
GUARD = 20
"""Crop numbers between support and query, or half the class's span where that is less."""

BLOCKS = 6
"""Blocks in a guard: three numbers of one block at the most, about the copies of a product in one frame."""

IN_SITU_NOTE = (
    "In-situ crops alone, without a list of clips for {unlisted} of {classes} classes: a query is at least "
    "20 crop numbers (half the class's span where that is less) from every support image, up to 3 "
    "consecutive numbers are one group, and groups with near-duplicates (difference hash within 6 of 64 "
    "bits, 16x16 thumbnails within 0.05) that far apart are joined."
)


class Grozi120(DatasetSource):
    """120 grocery products: studio pictures (in vitro) and crops of shelf videos (in situ).

    The official protocol, in-vitro → in-situ, is the default as soon as ``inVitro`` is there. Without it there
    is the variant of in-situ alone. Its crops are numbered along a video, neighbours show one moment, and the
    same view comes back, so that a random split leaks. Where ``coordinates.txt`` names two or more shelf videos
    of a class, a video is a group. Otherwise there are guards and groups:

    - guard: a query is at least 20 numbers, or half the class's span where that is less, away from every
      support image;
    - groups: blocks of a sixth of the guard in consecutive numbers, so 1 to 3;
    - near-duplicates that are at least the guard apart join their blocks. The guard keeps nearer ones apart
      already, and joining those as well would soon chain the whole class together.

    So no near-duplicate pair ever stands on both sides. Classes of the copies in circulation have as few as 12
    crops, and not all have a support image with 15 queries (119 have one with 5, 95 with 10): ask for
    ``--queries all``.
    """

    api_version = 1
    name = "grozi120"
    folders = ("grozi120", "GroZi-120", "GroZi120")
    variants = {  # noqa: RUF012
        "in-vitro": "support from studio pictures, queries from shelf video (official)",
        "in-situ": "support and queries from shelf video, kept apart by clips, or blocks and a guard",
    }
    card = Card(
        summary="120 grocery products: studio pictures and crops from supermarket video",
        licence="none stated: research use",
        published="https://vision.ucsd.edu/content/grozi-120 "
        "(in-situ crops alone: https://github.com/dthiagarajan/grozi_tf)",
        layout="inSitu/<1..120>/video/video<n>.png, with inSitu/<1..120>/coordinates.txt, "
        "inVitro/<1..120>/web/JPEG/web<n>.jpg and UPC_index.txt where there are any",
        reference="Merler, Galleguillos, Belongie: Recognizing groceries in situ using in vitro training "
        "data, CVPR 2007",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when ``inSitu`` (or ``inVitro``, if asked for) is not there."""
        assert root is not None
        scan = scan or Scan()
        studio = is_folder(root / "inVitro")
        variant = variant or ("in-vitro" if studio else "in-situ")
        if variant == "in-vitro" and not studio:
            raise layout_error(self, root, "it has no folder inVitro, so only grozi120:in-situ can be had")
        names = product_names(root)
        shelf = [row for c in range(1, CLASSES + 1) for row in shelf_rows(root, c, names[c])]
        if not shelf:
            raise layout_error(self, root, "there are no pictures inSitu/<1..120>/video/video<n>.png")
        if variant == "in-situ":
            return in_situ(read_rows(root, shelf, scan), scan)
        rows = [row for c in range(1, CLASSES + 1) for row in studio_rows(root, c, names[c])]
        rows += [row._replace(pool=QUERY) for row in shelf]
        return build_index(self.name, variant, read_rows(root, rows, scan))


def product_names(root: Path) -> dict[int, str]:
    """Returns "007 big red gum" for each class 1…120, or "007" where ``UPC_index.txt`` does not name it."""
    names = {c: f"{c:03d}" for c in range(1, CLASSES + 1)}
    path = root / "UPC_index.txt"
    if path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        for block in re.split(r"\n\s*\n", text):
            lines = [line.strip() for line in block.strip().splitlines()]
            if len(lines) == 3 and lines[0].isdigit() and int(lines[0]) in names:
                names[int(lines[0])] += f" {lines[2]}"
    return names


def numbered(folder: Path, pattern: str) -> Iterator[tuple[int, Path]]:
    """Yields the files of a folder whose whole name matches, by the number in it; none when there is no such folder."""
    found = ((re.fullmatch(pattern, name, re.IGNORECASE), folder / name) for name in names_in(folder))
    yield from sorted((int(match[1]), path) for match, path in found if match)


def studio_rows(root: Path, product: int, label: str) -> Iterator[Row]:
    """Yields the in-vitro pictures: the JPEGs, since the PNGs beside them are the same pictures cut out."""
    for _, path in numbered(root / "inVitro" / str(product) / "web" / "JPEG", r"web(\d+)\.jpe?g"):
        yield Row(path.relative_to(root).as_posix(), label, SUPPORT)


def shelf_rows(root: Path, product: int, label: str) -> Iterator[Row]:
    """Yields the in-situ crops with their numbers, and the shelf video as group where ``coordinates.txt`` lists it."""
    folder = root / "inSitu" / str(product)
    clips = shelf_videos(folder / "coordinates.txt")
    for number, path in numbered(folder / "video", r"video(\d+)\.png"):
        clip = clips.get(number)
        group = None if clip is None else (label, clip)
        yield Row(path.relative_to(root).as_posix(), label, BOTH, group, number)


def shelf_videos(path: Path) -> dict[int, str]:
    """Returns the shelf video of each crop number: line n of ``coordinates.txt`` (video frame x y w h) is crop n."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {n: line.split()[0] for n, line in enumerate(lines, start=1) if line.split()}


def in_situ(readable: Readable, scan: Scan) -> ImageIndex:
    """Returns the index of in-situ alone, with groups and guards as the class ``Grozi120`` states them."""
    signed = signatures(readable, scan)
    members: dict[str, list[int]] = {}
    for i, row in enumerate(readable.rows):
        members.setdefault(row.label, []).append(i)
    rows, guards, links = list(readable.rows), dict[str, int](), list[tuple[int, int]]()
    for label, own in members.items():
        numbers = np.array([rows[i].position for i in own])
        if len({rows[i].group for i in own}) < 2 or any(rows[i].group is None for i in own):
            guards[label] = min(GUARD, int(np.ptp(numbers) + 1) // 2)
            block = max(1, guards[label] // BLOCKS)
            for i in own:
                rows[i] = rows[i]._replace(group=(label, (rows[i].position - numbers.min()) // block))
        for a, b in near_duplicates(signed[own]):
            if abs(numbers[a] - numbers[b]) >= guards.get(label, 0):
                links.append((own[a], own[b]))
    grouped = replace(readable, rows=tuple(rows))
    note = IN_SITU_NOTE.format(unlisted=len(guards), classes=len(members))
    return build_index("grozi120", "in-situ", grouped, guards=guards, links=links, notes=[note])
