"""What was found of a data set, in figures: classes, pictures, sizes, duplicates, groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.header import Header, headers
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.pixels import pixel_digests
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.split_names import SPLITS

BINS = 8
"""The largest number of rows of the histogram of images per class."""

SAMPLE = 48
"""The number of pictures of a drawn set whose sizes are looked at; drawing all of them takes minutes."""

MAX_SIZES = 8
"""The number of sizes that are listed, the most frequent first."""


def found(index: ImageIndex, scan: Scan) -> dict[str, Any]:
    """Returns everything that the card says of an index, as JSON can hold it.

    Every picture is decoded once for each content, and what was found is remembered.
    """
    counts, support, query = (
        np.bincount(index.labels[index.pools & bits > 0], minlength=len(index.class_names))
        for bits in (SUPPORT | QUERY, SUPPORT, QUERY)
    )
    return {
        "variant": index.variant,
        "fingerprint": index.fingerprint,
        "synthetic": index.synthetic,
        "classes": classes(index),
        "images": {
            "all": len(index),
            "support": int((index.pools & SUPPORT > 0).sum()),
            "query": int((index.pools & QUERY > 0).sum()),
            "published test": None if index.test is None else int(index.test.sum()),
        },
        "images_per_class": {
            **spread(counts),
            "support": spread(support),
            "query": spread(query),
            "histogram": histogram(counts),
        },
        "pictures": pictures(index, scan),
        "unreadable": [list(pair) for pair in index.unreadable],
        "duplicates": duplicates(index, scan),
        "groups": groups(index),
        "seen_by": list(index.seen_by),
        "notes": list(index.notes),
    }


def classes(index: ImageIndex) -> dict[str, int]:
    """Returns the number of classes of each split; splits without a class are left out."""
    count = Counter(index.class_splits)
    return {split: count[split] for split in SPLITS if count[split]}


def spread(values: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, float]:
    """Returns the least, the median and the largest of some numbers."""
    middle = float(np.median(values))
    return {
        "min": int(min(values)),
        "median": int(middle) if middle.is_integer() else middle,
        "max": int(max(values)),
    }


def histogram(counts: NDArray[np.integer[Any]]) -> list[dict[str, int]]:
    """Returns the numbers of classes by images per class, in at most ``BINS`` ranges of equal width.

    Both ends belong to a range.
    """
    low, high = int(counts.min()), int(counts.max())
    width = -(-(high - low + 1) // BINS)
    starts = range(low, high + 1, width)
    return [
        {
            "from": a,
            "to": min(a + width - 1, high),
            "classes": int(((counts >= a) & (counts < a + width)).sum()),
        }
        for a in starts
    ]


def pictures(index: ImageIndex, scan: Scan) -> dict[str, Any]:
    """Returns formats, modes and sizes of the pictures of an index.

    A drawn set is looked at in an evenly spread sample, whose size is ``of``.
    """
    rows = None
    if index.synthetic and len(index) > SAMPLE:
        rows = np.linspace(0, len(index) - 1, SAMPLE).round().astype(int).tolist()
    return {**shapes(headers(index, scan, rows)), "sampled": rows is not None}


def shapes(found: Sequence[Header]) -> dict[str, Any]:
    """Returns formats, modes and sizes of some pictures, the most frequent first."""
    sizes = Counter((header.width, header.height) for header in found)
    return {
        "of": len(found),
        "formats": dict(Counter(header.format for header in found).most_common()),
        "modes": dict(Counter(header.mode for header in found).most_common()),
        "distinct_sizes": len(sizes),
        "sizes": [[*size, count] for size, count in sizes.most_common(MAX_SIZES)],
        "width": spread([header.width for header in found]),
        "height": spread([header.height for header in found]),
    }


def duplicates(index: ImageIndex, scan: Scan) -> dict[str, Any]:
    """Returns how many pictures repeat an earlier one: by content, or by pixels under other bytes.

    The pixels of a drawn set are not looked at (None), since a recipe is drawn in one way.
    """
    content = repeats(index.digests, index.labels)
    if index.synthetic:
        return {"content": content, "pixels": None}
    pixels = repeats(pixel_digests(index, scan), index.labels)
    return {"content": content, "pixels": {key: pixels[key] - content[key] for key in pixels}}


def repeats(digests: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> dict[str, int]:
    """Returns how many ``pictures`` repeat the digest (uint8 [M, 32]) of an earlier one.

    ``across_classes`` is the number of digests that stand in several classes.
    """
    _, first, number = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    pairs = np.unique(np.stack([number.reshape(-1), labels]), axis=1)[0]
    return {
        "pictures": len(digests) - len(first),
        "across_classes": int((np.bincount(pairs, minlength=len(first)) > 1).sum()),
    }


def groups(index: ImageIndex) -> dict[str, int]:
    """Returns the numbers of groups, groups of several pictures, pictures in them, and guarded classes.

    ``largest`` is the size of the largest group.
    """
    _, sizes = np.unique(index.groups, return_counts=True)
    several = sizes[sizes > 1]
    return {
        "groups": len(sizes),
        "of_several": len(several),
        "pictures_in_them": int(several.sum()),
        "largest": int(sizes.max()),
        "guarded_classes": int((index.guards > 0).sum()),
    }
