"""Whether a recogniser's answers, probabilities and threshold hold on pictures that it has not seen.

    python -m benchmarks.recogniser.trust

Shops are those of ``benchmarks/recogniser/shops.py``: 40 products with unequal numbers of references. The first table
has, for each method, the accuracy and the expected calibration error (15 bins, pictures of all products together)
before and after the temperature, as means over draws. "Perfect" is the error of labels drawn from the calibrated
probabilities themselves, which is what a finite number of pictures costs, and "best temperature" that of the one
temperature that fits the asked pictures best, which no recogniser can know. "Pooled" is the error of the pictures of
all draws together.

The second table is about the threshold that is to accept 90 % of the known pictures: the shares that it accepts, and
the share of unknown pictures that passes at the threshold that accepts exactly 90 % of the known ones. With
``--unknown``, half of the unknown pictures are shown to the recogniser and the other half asked.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recogniser.shops import SITUATIONS, Draw, Pictures
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.engine.request import Request
from fewshot_bench.metrics.classification import expected_calibration_error
from fewshot_bench.paths import cache_dir
from fewshot_bench.recogniser.calibration import best_temperature, logits_of, separation, softened
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References
from fewshot_bench.shelf.candidates import METHODS

REPETITIONS = 10

ANSWERS = (
    *("pictures", "method", "accuracy", "mean probability", "ECE as it is", "ECE calibrated"),
    *("perfect", "best temperature", "pooled"),
)
THRESHOLDS = (
    *("pictures", "AUROC", "known accepted", "unknown accepted", "ROC at 90 %"),
    *("--unknown: known accepted", "unknown accepted"),
)

Floats = NDArray[np.floating[Any]]


def ece(probabilities: Floats, labels: NDArray[np.integer[Any]]) -> float:
    """Returns the expected calibration error of probabilities [Q, N]."""
    return float(expected_calibration_error(probabilities[None], labels[None])[0])


def recogniser(
    method: EmbeddingMethod, references: References, unknown: NDArray[np.float32] | None = None
) -> Recogniser:
    """Returns the recogniser that ``fsbench fit`` would make."""
    recipe = {"method": "", "parameters": {}}
    return Recogniser(method, recipe, references, device="cpu", accept=0.9, unknown=unknown)


def answers(
    method: EmbeddingMethod,
    table: NDArray[np.float32],
    references: References,
    draw: Draw,
    rng: np.random.Generator,
) -> tuple[list[float], Floats]:
    """Returns the numbers of the first table but the last, and the calibrated probabilities [Q, N]."""
    made = recogniser(method, references)
    logits = logits_of(made.scorer.scores(table[draw.asked]), probabilities=method.calibrated)
    told = made.scores(table[draw.asked])
    chance = (rng.random((len(told), 1)) > told.cumsum(1)).sum(1).clip(max=told.shape[1] - 1)
    best = softened(logits, best_temperature(logits, draw.truth))
    numbers = [
        float((told.argmax(1) == draw.truth).mean()),
        float(told.max(1).mean()),
        ece(softened(logits, 1.0), draw.truth),
        ece(told, draw.truth),
        ece(told, chance),
        ece(best, draw.truth),
    ]
    return numbers, told


def thresholds(
    method: EmbeddingMethod,
    table: NDArray[np.float32],
    references: References,
    draw: Draw,
    rng: np.random.Generator,
) -> list[float]:
    """Returns the numbers of the second table."""
    shown, hidden = np.array_split(rng.permutation(draw.unknown), 2)
    alone = recogniser(method, references)
    near, far = alone.scorer.why(table[draw.asked])[1], alone.scorer.why(table[hidden])[1]
    apart = separation(near, far)
    assert apart is not None
    found = [apart.auroc]
    for one in (alone, recogniser(method, references, table[shown])):
        assert one.measured.threshold is not None
        value = one.measured.threshold.value
        found += [float((near >= value).mean()), float((far >= value).mean())]
    place = np.sort(near)[round(0.1 * len(near))]
    return [*found[:3], float((far >= place).mean()), *found[3:]]


def row(cells: list[str], numbers: Floats) -> str:
    """Returns a line of a table, shares in percent."""
    return "| " + " | ".join([*cells, *(f"{100 * value:.1f} %" for value in numbers)]) + " |"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    times = parser.parse_args().repetitions
    context = Context(device="cpu", seed=0, cache=cache_dir())
    second = []
    print("| " + " | ".join(ANSWERS) + " |\n|" + "---|" * len(ANSWERS))
    for situation in SITUATIONS:
        pictures = Pictures(situation)
        for name in METHODS:
            method = embedding_method(Request(name, ""))
            method.setup(context)
            table = pictures.table(lambda index, method=method: context.embed(method.encoder, index))  # type: ignore[misc]
            rng, chance = np.random.default_rng(0), np.random.default_rng(1)
            draws = [pictures.draw(rng) for _ in range(times)]
            shops = [pictures.references(table, draw) for draw in draws]
            pairs = [
                answers(method, table, shop, draw, chance) for shop, draw in zip(shops, draws, strict=True)
            ]
            numbers = np.mean([pair[0] for pair in pairs], axis=0)
            told = np.concatenate([pair[1] for pair in pairs])
            pooled = ece(told, np.concatenate([draw.truth for draw in draws]))
            print(row([situation.title, name], np.append(numbers, pooled)), flush=True)
            if name == METHODS[0]:
                each = [thresholds(method, table, s, d, chance) for s, d in zip(shops, draws, strict=True)]
                second.append(row([situation.title], np.mean(each, axis=0)))
    print("\n| " + " | ".join(THRESHOLDS) + " |\n|" + "---|" * len(THRESHOLDS))
    print("\n".join(second))


if __name__ == "__main__":
    main()
