"""The view of frozen features: padded, cropped, stretched or both, decided by pictures that no result is made of.

    FSBENCH_DATA=… python -m benchmarks.views      # the table, then the same in results/views/README.md

EfficientNet-Lite0 with ImageNet weights, frozen, and the logistic regression of ``pretrained-lr`` (unit vectors,
C = 10). Episodes of 5 and 20 ways, 1 and 5 shots, 6 queries a class; the same 300 episodes for all views. Only base
and validation classes are used (60 of them at most, drawn), and of those no picture of a published test set; 12
pictures a class, or more where a set has few classes.

The rule, which was written down before anything was measured:

1. The accuracy of a view on a set is the mean over the four settings; its score is the mean of that over the
   photographed and handwritten sets. Drawn packages are reported and do not decide.
2. The single view (``pad``, ``crop``, ``stretch``) with the highest score is the default, unless
3. ``both`` scores at least half a percentage point more. It has to win by that much, for it encodes twice.

Differences from ``pad`` are paired; their 95 % intervals are over classes.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed.transforms import VIEWS
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.files import write_atomic
from fewshot_bench.heads.logistic import LogisticRegression
from fewshot_bench.metrics import ap_deletion, paired_deletion_interval, predictions
from fewshot_bench.paths import cache_dir
from fewshot_bench.store.cache import EmbeddingCache

REAL = (
    "grocery-store:natural-held-out",
    "kaggle-fashion:article-held-out",
    "miniimagenet",
    "omniglot:held-out",
)
DRAWN = ("packshots",)
SETTINGS = tuple(product((5, 20), (1, 5)))
"""Ways and shots."""

EPISODES, QUERIES = 300, 6
CLASSES, PICTURES, LEAST = 60, 720, 12
"""Classes and pictures of a set at most, pictures of a class at least (where it has them)."""

LEAD = 0.005
"""What ``both`` has to be ahead of the best single view."""

Table = dict[str, dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]]]
"""View -> ways and shots -> right or wrong [E, Q], labels [E, Q], classes [E, N]."""


def chosen(index: ImageIndex, splits: tuple[str, ...] = ("base", "validation")) -> ImageIndex:
    """Some classes of ``splits`` without published test pictures, every picture on both sides of episodes."""
    fit = np.flatnonzero([split in splits for split in index.class_splits])
    index = index.take_classes(np.sort(np.random.default_rng(1).permutation(fit)[:CLASSES]))
    share = max(LEAST, -(-PICTURES // len(index.class_names)))
    allowed = np.ones(len(index), bool) if index.test is None else ~index.test
    order = np.random.default_rng(0).permutation(np.flatnonzero(allowed))
    rows = np.sort(np.concatenate([order[index.labels[order] == c][:share] for c in np.unique(index.labels)]))
    reader = index.reader
    return replace(
        index,
        paths=tuple(index.paths[row] for row in rows),
        labels=index.labels[rows],
        pools=np.full(len(rows), BOTH, np.uint8),
        groups=index.groups[rows],
        positions=index.positions[rows],
        digests=index.digests[rows],
        test=None,
        reader=lambda row: reader(int(rows[row])),
    )


def vectors(index: ImageIndex) -> dict[str, NDArray[np.float32]]:
    """Embeddings of all pictures by view; those of ``both`` by its definition, from the padded and the cropped."""
    cache, every, found = EmbeddingCache(cache_dir() / "embeddings"), np.arange(len(index)), {}
    square = all(len(set(index.reader(row).size)) == 1 for row in every)
    for view in ("pad", "crop", "stretch"):
        if view == "stretch" and square:
            found[view] = found["pad"]  # a square picture is padded by nothing
        else:
            found[view] = cache.embed(PretrainedEncoder(view=view, cache=cache_dir()), index, every)
        print(f"  {view} encoded", file=sys.stderr, flush=True)
    found["both"] = sum(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (found["pad"], found["crop"]))
    return found


def measured(index: ImageIndex) -> Table:
    """Right and wrong answers of every view and setting on the same episodes."""
    head, tables, found = LogisticRegression(C=10.0, normalize=True), vectors(index), {}
    for view in VIEWS:
        found[view] = {}
        for ways, shots in SETTINGS:
            drawn = sample(index, EpisodeSpec(ways, shots, QUERIES, EPISODES, seed=0, drop_small=True))
            tasks, labels = drawn.tasks(np.arange(len(index)))
            scores, _ = head.scores(torch.from_numpy(tables[view]), tasks)
            right = (predictions(scores.numpy(), labels >= 0) == labels).astype(float)
            found[view][ways, shots] = right, labels, drawn.classes
    return found


def accuracy(table: Table, view: str) -> float:
    """The mean over the settings, 0..1."""
    return float(np.mean([right.mean() for right, _, _ in table[view].values()]))


def mean_scores(tables: Collection[Table]) -> dict[str, float]:
    """The mean accuracy of each view over sets, 0..1."""
    views = [view for view in VIEWS if all(view in table for table in tables)]
    return {view: float(np.mean([accuracy(table, view) for table in tables])) for view in views}


def decision(scores: dict[str, float]) -> str:
    """The view by the rule at the top of this file; ``scores``: the mean over the real sets, 0..1."""
    best = max((view for view in scores if view != "both"), key=scores.__getitem__)
    return "both" if scores["both"] >= scores[best] + LEAD else best


def cell(table: Table, view: str, setting: tuple[int, int]) -> str:
    """Accuracy in percent; beside it, the difference from ``pad`` in points with its interval."""
    right, labels, classes = table[view][setting]
    text = f"{100 * right.mean():.1f}"
    if view == "pad":
        return text
    padded = ap_deletion(table["pad"][setting][0], labels, classes)
    found = paired_deletion_interval(ap_deletion(right, labels, classes), padded)
    if found.low is None or found.high is None:
        return f"{text} ({100 * found.mean:+.1f})"
    return f"{text} ({100 * found.mean:+.1f}: {100 * found.low:+.1f} to {100 * found.high:+.1f})"


def ruled(first: str, views: Collection[str]) -> list[str]:
    """The first two lines of a table with a column for each view."""
    return [f"| {first} | {' | '.join(views)} |", "|---" * (len(views) + 1) + "|"]


def section(name: str, about: str, table: Table) -> list[str]:
    """The lines of one set: accuracy of every view and setting."""
    rows = [
        f"| {ways}-way {shots}-shot | {' | '.join(cell(table, view, (ways, shots)) for view in table)} |"
        for ways, shots in table["pad"]
    ]
    means = " | ".join(f"{100 * accuracy(table, view):.2f}" for view in table)
    return [f"## {name}", "", about, "", *ruled("setting", table), *rows, f"| mean | {means} |", ""]


def verdict(scores: dict[str, float], what: str) -> list[str]:
    """The lines of the decision on ``what``; ``scores``: the mean over the real sets, 0..1."""
    row = f"| score | {' | '.join(f'{100 * score:.2f}' for score in scores.values())} |"
    decided = f"By the rule the default of {what} is `{decision(scores)}`."
    return ["## Decision", "", *ruled("", scores), row, "", decided, ""]


def page(tables: dict[str, Table], about: dict[str, str]) -> str:
    """The tables and the decision, in Markdown."""
    lines = ["# The view of frozen features", "", *(__doc__ or "").strip().splitlines()[2:], ""]
    for name, table in tables.items():
        lines += section(name, about[name], table)
    return "\n".join(lines + verdict(mean_scores([tables[name] for name in REAL]), "frozen features"))


def main() -> int:
    """Measure, print, write; returns the exit status."""
    tables, about = {}, {}
    for name in (*REAL, *DRAWN):
        print(name, file=sys.stderr, flush=True)
        index = chosen(open_dataset(name))
        tables[name] = measured(index)
        square = np.mean([len(set(index.reader(row).size)) == 1 for row in range(0, len(index), 10)])
        about[name] = (
            f"{len(index):,} pictures of {len(index.class_names)} classes, {square:.0%} of every tenth are square."
        )
    text = page(tables, about)
    print(text)
    write_atomic(Path("results/views/README.md"), lambda stream: stream.write(text.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
