"""The card of a data set, as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

BAR = 30
"""Characters of the longest bar of a histogram."""

LISTED = 3
"""Unreadable files that are named."""

WIDTH = 110


def card(shown: dict[str, Any]) -> str:
    """Returns the card that ``listing.show_dataset`` gives as text."""
    rows = [
        (key, [shown[key]]) for key in ("dataset", "summary", "licence", "published", "layout", "reference")
    ]
    rows.append(("variants", [variant(name, row) for name, row in shown["variants"].items()]))
    rows.append(("looked for", shown["looked_for"]))
    rows.append(("found", [shown["place"] or "not here"] if shown["looked_for"] else []))
    if shown["found"] is None:
        rows.append(("missing", [shown["missing"]]))
    else:
        rows += found_rows(shown["found"])
    return "\n".join(line for key, texts in rows for line in entry(key, [text for text in texts if text]))


def variant(name: str, row: dict[str, Any]) -> str:
    """Returns one variant as a line: its sentence, and what there is of it."""
    about = f"{name}: {row['about']}"
    if "missing" in row:
        return f"{about} (not here: {row['missing'].partition('; expected ')[0].rstrip('.')})"
    return f"{about} ({row['classes']:,} classes, {row['images']:,} images)" if "classes" in row else about


def found_rows(found: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yields the rows of what was found, one key and its lines each."""
    splits, images, counts = found["classes"], found["images"], found["images_per_class"]
    named = (
        "" if list(splits) == ["all"] else ": " + ", ".join(f"{n:,} {split}" for split, n in splits.items())
    )
    yield "variant", [found["variant"]]
    yield "classes", [f"{sum(splits.values()):,}{named}"]
    yield "images", [pools(images)]
    yield "per class", [spread(counts)]
    if counts["support"] != counts["query"]:
        yield "", [f"{pool}: {spread(counts[pool])}" for pool in ("support", "query")]
    yield "", bars(counts["histogram"])
    yield "pictures", pictures(found["pictures"])
    yield "unreadable", unreadable(found["unreadable"])
    yield "duplicates", duplicates(found["duplicates"])
    yield "groups", [groups(found["groups"])]
    yield "notes", found["notes"]
    yield "fingerprint", [found["fingerprint"]]


def pools(images: dict[str, Any]) -> str:
    """Returns how many images there are, and on which side of an episode they may stand."""
    text = f"{images['all']:,}"
    if images["support"] == images["query"] == images["all"]:
        text += ", each for support or query"
    else:
        text += f": {images['support']:,} for support, {images['query']:,} for query"
    test = images["published test"]
    return text if test is None else f"{text}; {test:,} in the published test set"


def spread(values: dict[str, Any]) -> str:
    """Returns least, median and largest as text."""
    return f"min {values['min']:,}, median {values['median']:,}, max {values['max']:,}"


def bars(histogram: list[dict[str, int]]) -> list[str]:
    """Returns one bar for each range of images per class, and none when all classes have equally many."""
    if len(histogram) < 2:
        return []
    labels = [
        f"{row['from']}" if row["from"] == row["to"] else f"{row['from']}–{row['to']}" for row in histogram
    ]
    wide, most = max(map(len, labels)), max(row["classes"] for row in histogram)
    return [
        f"{label:>{wide}}  {'█' * -(-BAR * row['classes'] // most)} {row['classes']:,}"
        for label, row in zip(labels, histogram, strict=True)
    ]


def pictures(found: dict[str, Any]) -> list[str]:
    """Returns formats, modes and sizes as lines."""
    kinds = [", ".join(f"{name} {n:,}" for name, n in found[key].items()) for key in ("formats", "modes")]
    lines = [f"{kinds[0]}; mode {kinds[1]}" + (f" (of {found['of']} looked at)" if found["sampled"] else "")]
    sizes = ", ".join(f"{width}×{height} ({n:,})" for width, height, n in found["sizes"])
    if found["distinct_sizes"] <= len(found["sizes"]):
        return [*lines, sizes]
    ranges = ", ".join(
        f"{side} {found[side]['min']:,} to {found[side]['max']:,} (median {found[side]['median']:,})"
        for side in ("width", "height")
    )
    return [*lines, ranges, f"{found['distinct_sizes']:,} sizes, most often {sizes}"]


def unreadable(files: list[list[str]]) -> list[str]:
    """Returns how many files cannot be read, and the first of them."""
    lines = [f"{len(files):,}" if files else "none"]
    lines += [f"{path}: {reason}" for path, reason in files[:LISTED]]
    return lines + ([f"and {len(files) - LISTED:,} more"] if len(files) > LISTED else [])


def duplicates(found: dict[str, Any]) -> list[str]:
    """Returns lines on repeated contents and repeated pixels."""
    lines = []
    for key, words in (
        ("content", "with the content of another"),
        ("pixels", "with its pixels in other bytes"),
    ):
        if found[key] is None:
            continue
        line = f"{found[key]['pictures']:,} {words}"
        if found[key]["across_classes"]:
            line += f", {found[key]['across_classes']:,} of them in several classes"
        lines.append(line)
    return lines


def groups(found: dict[str, int]) -> str:
    """Returns what is kept on one side of an episode, as text."""
    text = "each image its own"
    if found["of_several"]:
        text = (
            f"{found['groups']:,}: {found['of_several']:,} of several images ({found['pictures_in_them']:,} in "
            f"all, {found['largest']:,} in the largest), the others of one"
        )
    guarded = found["guarded_classes"]
    return text + (f"; a guard between support and query in {guarded:,} classes" if guarded else "")


def entry(key: str, texts: list[str]) -> Iterator[str]:
    """Yields a key and its lines, wrapped and indented, and nothing when there are none."""
    for text in texts:
        for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False) or [""]:
            yield f"{key:<12} {line}".rstrip()
            key = ""
