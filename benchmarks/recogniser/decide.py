"""Whether ``fsbench decide`` holds the truth: its interval against pictures that it has not seen.

    python -m benchmarks.recogniser.decide

In each of ten repetitions products and their references are drawn, ``decide`` sees the references alone, and the method
that it names is then asked about held-out pictures of the same products, each product counting alike. ``grown`` is the
same for the estimate of twice the catalogue: it is made from half of the products, and asked among all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fewshot_bench.contract.context import Context
from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine.request import Request
from fewshot_bench.paths import cache_dir
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.candidates import METHODS
from fewshot_bench.shelf.decide import Candidate, decide, part_of

SETS = (
    ("grocery-store:natural", 40, 5, "same"),
    ("grocery-store:natural", 40, 5, "other"),
    ("grozi120:in-situ", 40, 6, "same"),
    ("kaggle-fashion:article", 40, 5, "same"),
)
"""Data set, products, most references of one, and whether held-out pictures are taken where references are."""

REPETITIONS, HELD = 10, 30


def drawn(index: Any, products: int, most: int, where: str, rng: np.random.Generator) -> tuple[Any, Any]:
    """Returns the rows of the references and of the held-out pictures, with 1 to ``most`` references a product."""
    can_ref, can_ask = (
        (index.pools & SUPPORT) > 0,
        (index.pools & (SUPPORT if where == "same" else QUERY)) > 0,
    )
    references, asked, classes = [], [], 0
    for chosen in rng.permutation(len(index.class_names)).tolist():
        own = np.flatnonzero((index.labels == chosen) & can_ref)
        if len(np.unique(index.groups[own])) < 4 or classes == products:
            continue
        groups = rng.permutation(np.unique(index.groups[own]))
        count = int(rng.integers(1, min(most, len(groups) - 2) + 1))
        kept = [int(rng.permutation(own[index.groups[own] == group])[0]) for group in groups[:count]]
        rest = (index.labels == chosen) & can_ask & ~np.isin(index.groups, groups[:count])
        if not rest.any():
            continue
        classes += 1
        references.append(kept)
        asked.append(rng.permutation(np.flatnonzero(rest))[:HELD])
    return np.concatenate(references), np.concatenate(asked)


def truth(scorer: Scorer, names: list[str], table: Any, index: Any, asked: Any) -> float:
    """Returns the accuracy on held-out pictures of the products ``names``, each counting alike."""
    place = {name: number for number, name in enumerate(scorer.references.class_names)}
    asked = asked[np.isin(index.labels[asked], [index.class_names.index(name) for name in names])]
    labels = np.array([place[index.class_names[c]] for c in index.labels[asked].tolist()])
    right = scorer.scores(table[asked]).argmax(axis=1) == labels
    return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))


def main() -> None:
    """Prints the table, a line a data set."""
    context = Context(device="cpu", seed=0, cache=cache_dir())
    print(
        "| data set | held-out pictures | estimate | truth | mean error | interval, width | held | grown, held |"
    )
    print("|---|---|---|---|---|---|---|---|")
    methods = []
    for name in METHODS:
        methods.append(embedding_method(Request(name, "")))
        methods[-1].setup(context)
    for dataset, products, most, where in SETS:
        index = open_dataset(dataset)
        tables = [context.embed(method.encoder, index) for method in methods]
        rng = np.random.default_rng(0)
        found = []
        for _ in range(REPETITIONS):
            rows, asked = drawn(index, products, most, where, rng)
            used, labels = np.unique(index.labels[rows], return_inverse=True)
            names, paths = (
                tuple(index.class_names[c] for c in used.tolist()),
                tuple(index.paths[r] for r in rows.tolist()),
            )
            shops = [
                References(table[rows], labels.astype(np.int32), index.digests[rows], paths, names)
                for table in tables
            ]
            told = decide([Candidate(m, one, s) for m, one, s in zip(METHODS, methods, shops, strict=True)])
            winner = METHODS.index(told.method)
            real = truth(
                Scorer(methods[winner], shops[winner], "cpu"), list(names), tables[winner], index, asked
            )
            half = np.flatnonzero(np.isin(labels, rng.permutation(len(used))[: len(used) // 2]))
            small = [
                Candidate(m, one, part_of(s, half)) for m, one, s in zip(METHODS, methods, shops, strict=True)
            ]
            ahead = decide(small)
            place = METHODS.index(ahead.method)
            few = list(small[place].references.class_names)
            later = truth(Scorer(methods[place], shops[place], "cpu"), few, tables[place], index, asked)
            grown = ahead.grown[2 * len(few)]
            low, value, high = told.chosen.estimate.low, told.chosen.estimate.value, told.chosen.estimate.high
            found.append(
                [
                    value,
                    real,
                    abs(value - real),
                    high - low,
                    low <= real <= high,
                    grown.low <= later <= grown.high,
                ]
            )
        v, r, e, w, *_ = 100 * np.mean(found, axis=0)
        held, big = np.sum(found, axis=0)[4:].astype(int)
        cells = [
            dataset,
            where,
            f"{v:.1f} %",
            f"{r:.1f} %",
            f"{e:.1f}",
            f"{w:.1f}",
            f"{held} of {REPETITIONS}",
        ]
        print("| " + " | ".join([*cells, f"{big} of {REPETITIONS}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
