"""Whether ``fsbench decide`` holds the truth: its interval against pictures that it has not seen.

    python -m benchmarks.recogniser.decide
    python -m benchmarks.recogniser.decide --encoders

In each of ten repetitions products and their references are drawn, ``decide`` sees the references alone, and the method
that it names is then asked about held-out pictures of the same products, each product counting alike. ``grown`` is the
same for the estimate of twice the catalogue: it is made from half of the products, and asked among all. ``--on`` is the
estimate that also sees the held-out pictures without their labels; it is held against the share of these that is named
rightly. With ``--encoders`` every encoder whose weights are in ``$FSBENCH_WEIGHTS`` is tried as well.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recogniser.shops import SITUATIONS, Draw, Pictures, Situation
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.embed.at_hand import backbones_at_hand
from fewshot_bench.engine.request import Request
from fewshot_bench.paths import cache_dir
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.candidates import METHODS
from fewshot_bench.shelf.decide import Candidate, decide, part_of
from fewshot_bench.shelf.estimate import Estimate

REPETITIONS = 10

COLUMNS = (
    *("pictures", "estimate", "truth", "mean error", "interval, width", "held", "grown, held"),
    *("estimate --on", "share", "mean error", "interval, width", "held"),
)


def made(backbones: list[str], context: Context) -> dict[str, EmbeddingMethod]:
    """Returns the methods that are tried, ready, by their labels."""
    found = {}
    for name in METHODS:
        for backbone in backbones:
            method = embedding_method(
                Request(name, "", parameters={"backbone": backbone} if backbone else {})
            )
            method.setup(context)
            found[f"{name} {backbone}".strip()] = method
    return found


def right(candidate: Candidate, table: NDArray[np.float32], draw: Draw) -> NDArray[np.bool_]:
    """Returns which of the held-out pictures [Q] a candidate names rightly."""
    scores = Scorer(candidate.method, candidate.references, "cpu").scores(table[draw.asked])
    return np.asarray(scores.argmax(axis=1) == draw.truth)


def alike(hits: NDArray[np.bool_], truth: NDArray[np.int64], products: NDArray[np.int64]) -> float:
    """Returns the accuracy on the pictures of some products, each product counting alike."""
    return float(np.mean([hits[truth == product].mean() for product in products]))


def told(estimate: Estimate, truth: float) -> list[float]:
    """Returns the estimate, the truth, the error, the interval's width, and whether it holds the truth."""
    low, high = estimate.low, estimate.high
    return [estimate.value, truth, abs(estimate.value - truth), high - low, low <= truth <= high]


def repetition(
    methods: dict[str, EmbeddingMethod],
    pictures: Pictures,
    tables: dict[str, NDArray[np.float32]],
    rng: np.random.Generator,
) -> list[float]:
    """Returns the numbers of one draw, in the order of the columns."""
    draw = pictures.draw(rng)
    every = [
        Candidate(name, method, pictures.references(tables[name], draw), tables[name][draw.asked])
        for name, method in methods.items()
    ]
    products = np.unique(draw.truth)
    found = decide(every)
    winner = next(one for one in every if one.label == found.method)
    hits = right(winner, tables[found.method], draw)
    assert found.on is not None
    chosen = rng.permutation(products)[: len(products) // 2]
    rows = np.flatnonzero(np.isin(draw.labels, chosen))
    few = decide([replace(one, references=part_of(one.references, rows), shown=None) for one in every])
    later = next(one for one in every if one.label == few.method)
    grown = few.grown[2 * len(chosen)]
    truth = alike(right(later, tables[later.label], draw), draw.truth, chosen)
    return [
        *told(found.chosen.estimate, alike(hits, draw.truth, products)),
        grown.low <= truth <= grown.high,
        *told(found.on.accuracy, float(hits.mean())),
    ]


def line(situation: Situation, methods: dict[str, EmbeddingMethod], context: Context) -> str:
    """Returns the line of a situation."""
    pictures = Pictures(situation)
    tables: dict[str, Any] = {}
    for name, method in methods.items():
        tables[name] = pictures.table(lambda index, method=method: context.embed(method.encoder, index))  # type: ignore[misc]
    rng = np.random.default_rng(0)
    found = np.array([repetition(methods, pictures, tables, rng) for _ in range(REPETITIONS)], dtype=float)
    cells = [situation.title]
    for number, value in enumerate(found.T):
        if number in (4, 5, 10):
            cells.append(f"{int(value.sum())} of {REPETITIONS}")
        else:
            cells.append(f"{100 * value.mean():.1f}" + (" %" if number in (0, 1, 6, 7) else ""))
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Prints the table, a line a situation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--encoders", action="store_true", help="Try the encoders of $FSBENCH_WEIGHTS as well."
    )
    context = Context(device="cpu", seed=0, cache=cache_dir())
    methods = made(["", *(backbones_at_hand() if parser.parse_args().encoders else ())], context)
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for situation in SITUATIONS:
        print(line(situation, methods, context), flush=True)


if __name__ == "__main__":
    main()
