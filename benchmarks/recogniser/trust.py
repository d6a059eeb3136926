"""Whether a recogniser's probabilities and threshold hold on pictures that it has not seen.

    python -m benchmarks.recogniser.trust
    python -m benchmarks.recogniser.trust --same

Grocery Store (``natural``): 40 of the 81 classes are drawn as products, each with 1 to 5 training photos as references.
Test photos of these are known pictures; of those of the other classes one half is shown to the recogniser as unknown
(``--unknown``) and the other half asked. The table has the mean over repetitions of the accuracy, of the expected
calibration error (15 bins) before and after the temperature, and of the shares of known and unknown pictures accepted.
"ECE of a perfect forecast" is that of labels drawn from the probabilities themselves: what few pictures a bin cost.
With ``--same`` the pictures that are asked are training photos too, those that are no references: nothing but chance is
then between them and the references.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from fewshot_bench.contract.context import Context
from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine.request import Request
from fewshot_bench.metrics.classification import expected_calibration_error
from fewshot_bench.paths import cache_dir
from fewshot_bench.recogniser.calibration import logits_of, separation, softened
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References

PRODUCTS, MOST, REPETITIONS = 40, 5, 20


def repetition(
    method: Any, table: Any, index: Any, rng: np.random.Generator, pooled: list[Any], same: bool
) -> list[float]:
    """Returns the numbers of one draw of products and references; adds probabilities and labels to ``pooled``."""
    classes = rng.permutation(len(index.class_names))
    known, rows = classes[:PRODUCTS], []
    for chosen in known.tolist():
        own = np.flatnonzero((index.labels == chosen) & ((index.pools & SUPPORT) > 0))
        rows.append(rng.permutation(own)[: rng.integers(1, MOST + 1)])
    row = np.concatenate(rows)
    labels = np.repeat(np.arange(PRODUCTS), [len(part) for part in rows]).astype(np.int32)
    names = tuple(index.class_names[c] for c in known.tolist())
    paths = tuple(index.paths[r] for r in row.tolist())
    references = References(table[row], labels, index.digests[row], paths, names)
    asked = np.flatnonzero((index.pools & (SUPPORT if same else QUERY)) > 0)
    asked = asked[~np.isin(index.groups[asked], index.groups[row])]
    place = np.full(len(index.class_names), -1)
    place[known] = np.arange(PRODUCTS)
    truth = place[index.labels[asked]]
    inside, outside = asked[truth >= 0], rng.permutation(asked[truth < 0])
    shown, hidden = np.array_split(outside, 2)
    options: dict[str, Any] = {"device": "cpu", "accept": 0.9}
    alone = Recogniser(method, {"method": "", "parameters": {}}, references, **options)
    told = Recogniser(method, {"method": "", "parameters": {}}, references, unknown=table[shown], **options)
    raw = softened(logits_of(alone.scorer.scores(table[inside]), probabilities=method.calibrated), 1.0)
    right = truth[truth >= 0][None]
    found = [
        float((raw.argmax(1) == right[0]).mean()),
        float(expected_calibration_error(raw[None], right)[0]),
        float(expected_calibration_error(alone.scores(table[inside])[None], right)[0]),
    ]
    near, far = alone.scorer.why(table[inside])[1], alone.scorer.why(table[hidden])[1]
    apart = separation(near, far)
    assert apart is not None
    pooled.append((alone.scores(table[inside]), right[0]))
    found.append(alone.scores(table[inside]).max(1).mean())
    found.append(alone.measured.accuracy or 0)
    found.append(apart.auroc)
    for one in (alone, told):
        assert one.measured.threshold is not None
        value = one.measured.threshold.value
        found += [float((near >= value).mean()), float((far >= value).mean())]
    allowed = np.quantile(near, 0.1)
    best_near, best_far = alone.scores(table[inside]).max(1), alone.scores(table[hidden]).max(1)
    other = separation(best_near, best_far)
    assert other is not None
    forecast = alone.scores(table[inside])
    chosen = (rng.random((len(forecast), 1)) > forecast.cumsum(1)).sum(1).clip(max=PRODUCTS - 1)
    floor = float(expected_calibration_error(forecast[None], chosen[None])[0])
    return [*found, float((far >= allowed).mean()), other.auroc, floor]


def main() -> None:
    """Prints the table, a line a method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--same", action="store_true", help="Ask training photos that are no references.")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    asked = parser.parse_args()
    index = open_dataset("grocery-store:natural")
    context = Context(device="cpu", seed=0, cache=cache_dir())
    columns = [
        *["method", "accuracy", "ECE as it is", "ECE calibrated", "mean probability"],
        *["accuracy of references without themselves", "AUROC", "known accepted", "unknown accepted"],
        *["known accepted, --unknown", "unknown accepted, --unknown", "unknown that the ROC allows at 90 %"],
        *["AUROC of the probability", "ECE of a perfect forecast", "ECE calibrated, all draws pooled"],
    ]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name in ("pretrained-lr", "pretrained-proto", "pretrained-knn"):
        method = embedding_method(Request(name, "grocery-store:natural"))
        method.setup(replace(context))
        table = context.embed(method.encoder, index)
        rng = np.random.default_rng(0)
        pooled: list[Any] = []
        found = [repetition(method, table, index, rng, pooled, asked.same) for _ in range(asked.repetitions)]
        means = np.mean(found, axis=0)
        scores, labels = (np.concatenate(part)[None] for part in zip(*pooled, strict=True))
        means = np.append(means, expected_calibration_error(scores, labels))
        print(f"| {name} | " + " | ".join(f"{100 * value:.1f} %" for value in means) + " |", flush=True)


if __name__ == "__main__":
    main()
