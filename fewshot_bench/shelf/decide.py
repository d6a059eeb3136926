"""decide: which method, how many references and which threshold, from a person's own references alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.errors import UsageError
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.estimate import Chosen, Estimate, choose, reviewed
from fewshot_bench.shelf.growth import back_test, curve, extrapolated, impostors
from fewshot_bench.shelf.unlabelled import OnPictures, confidences, on_pictures

MEASURED = 300
"""The most products that are measured; of more, so many are drawn, and the curve leads from them to all."""

DRAWS = 5
"""Draws of references for each number of them."""

TIMES = (1, 2, 5)
"""The catalogues that are asked about, as multiples of today's."""


@dataclass(frozen=True)
class Candidate:
    """A method that is ready, by its ``label``, and the references as its encoder sees them.

    ``shown`` are embeddings [Q, D] of pictures without labels, if there are any.
    """

    label: str
    method: EmbeddingMethod
    references: References
    shown: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Decision:
    """Holds what the references say. Shares are 0 to 1; accuracies are those of products that are asked equally often.

    ``accuracies`` has that of every method, each reference asked without itself. ``grown`` has, for each catalogue
    size, the expected accuracy; ``back`` has (products, predicted, measured) of the curve. ``by_number`` has
    (references a product, accuracy). ``accept`` is the share to accept, ``certain`` the accuracy among those
    accepted and ``cosine``
    its threshold. ``single`` counts products of one reference, which cannot be asked. ``on`` says what is expected of
    pictures that were shown without labels, if any were.
    """

    method: str
    accuracies: dict[str, float]
    chosen: Chosen
    products: int
    measured: int
    references: int
    single: int
    grown: dict[int, Estimate]
    back: tuple[tuple[int, float, float], ...]
    by_number: tuple[tuple[int, float], ...]
    wanted: int | None
    accept: float
    certain: Estimate
    review: Estimate
    cosine: float
    target: float
    reached: bool
    on: OnPictures | None = None


def part_of(references: References, rows: NDArray[np.int64]) -> References:
    """Returns the references ``rows``, with the products that have one of them."""
    used, labels = np.unique(references.labels[rows], return_inverse=True)
    return References(
        references.vectors[rows],
        labels.astype(np.int32),
        references.digests[rows],
        tuple(references.paths[row] for row in rows.tolist()),
        tuple(references.class_names[c] for c in used.tolist()),
    )


def measured_rows(references: References, generator: np.random.Generator) -> NDArray[np.int64]:
    """Returns the rows of at most ``MEASURED`` products, drawn."""
    drawn = generator.permutation(len(references.class_names))[:MEASURED]
    return np.flatnonzero(np.isin(references.labels, drawn))


def decide(candidates: Sequence[Candidate], *, target: float = 0.95, seed: int = 0) -> Decision:
    """Returns what to take. The candidates have the same references, in the same order.

    Raises UsageError where no product has two different references: then nothing can be asked without itself.
    """
    whole = candidates[0].references
    rows = measured_rows(whole, np.random.default_rng(seed))
    scorers = [Scorer(one.method, part_of(one.references, rows), "cpu") for one in candidates]
    first = scorers[0]
    asked = first.held.rows
    if len(np.unique(first.references.labels[asked])) < 2:
        raise UsageError(
            "Fewer than two products have two different references, so that none can be asked without itself: add a "
            "second picture to some products, and see which with `fsbench references FOLDER`."
        )
    labels, weights = first.references.labels[asked], first.weights(asked)
    scores = [scorer.held.scores for scorer in scorers]
    hits = np.stack([found.argmax(axis=1) == labels for found in scores])
    chosen = choose(hits, labels, weights, seed=seed)
    best, winner = scorers[chosen.winner], chosen.winner
    by_number = numbers(best, seed)
    shift = one_more(by_number, first.references.contents)
    chosen = choose(hits, labels, weights, shift=shift, extra=abs(shift) / 2, seed=seed)
    classes, products = len(best.references.class_names), len(whole.class_names)
    rank = np.where(hits[winner], 0, np.maximum(impostors(scores[winner], labels), 1))
    grown, back = growth(rank, labels, weights, classes, products, chosen)
    cosine = best.cosines(asked, best.references.groups)
    accept, certain, _ = reviewed(hits[winner], cosine, weights, target)
    order = np.argsort(cosine)
    place = int(np.searchsorted(np.cumsum(weights[order]) / weights.sum(), 1 - accept))
    value = float(cosine[order[min(place, len(order) - 1)]])
    kept = cosine >= value
    sure = choose(hits[winner][None][:, kept], labels[kept], weights[kept], seed=seed).estimate
    aside = choose(~kept[None], labels, weights, seed=seed).estimate
    accuracies = {
        one.label: float(np.average(row, weights=weights)) for one, row in zip(candidates, hits, strict=True)
    }
    return Decision(
        method=candidates[winner].label,
        accuracies=accuracies,
        chosen=chosen,
        products=products,
        measured=len(np.unique(labels)),
        references=len(whole),
        single=int((whole.contents < 2).sum()),
        grown=grown,
        back=back,
        by_number=by_number,
        wanted=enough(by_number),
        accept=accept,
        certain=sure,
        review=aside,
        cosine=value,
        target=target,
        reached=certain >= target,
        on=shown_to(candidates, candidates[winner], accuracies, grown[products], sure, value),
    )


def shown_to(
    candidates: Sequence[Candidate],
    winner: Candidate,
    accuracies: dict[str, float],
    today: Estimate,
    certain: Estimate,
    cosine: float,
) -> OnPictures | None:
    """Returns what is expected of the pictures that were shown, by all references; None where none were.

    Votes of neighbours are no probabilities. Of the winner's encoder, the most accurate candidate that has some tells
    how certain the pictures are; where none has any, the winner.
    """
    if winner.shown is None:
        return None
    encoder = winner.method.encoder.fingerprint()
    able = [
        one for one in candidates if one.method.calibrated and one.method.encoder.fingerprint() == encoder
    ]
    told = max(able, key=lambda one: accuracies[one.label], default=winner)
    scorer = Scorer(told.method, told.references, "cpu")
    found = confidences(told.method, scorer, winner.shown)
    return on_pictures(found, today, certain, cosine)


def growth(
    rank: NDArray[np.int64],
    labels: NDArray[np.integer[Any]],
    weights: NDArray[np.float64],
    classes: int,
    products: int,
    chosen: Chosen,
) -> tuple[dict[int, Estimate], tuple[tuple[int, float, float], ...]]:
    """Returns the expected accuracy of each catalogue size, and the back-test from N/2 and N/5 products.

    The curve's shape is moved to the honest estimate by a shift of the logit. The standard error over products is that
    of today's accuracy; the worst miss of the back-test is added in squares, as often as a catalogue is doubled.
    """
    from scipy.stats import t

    many, accuracy = curve(rank, classes, weights)
    back = []
    for share in (2, 5):
        told = back_test(rank, classes, weights, share)
        if told is not None:
            back.append((told[0], told[1], float(accuracy[-1])))
    miss = max((abs(predicted - true) for _, predicted, true in back), default=0.1)
    grown = {}
    quantile = float(t.ppf(0.975, max(1, len(np.unique(labels)) - 1)))
    for times in TIMES:
        size = products * times
        ahead = extrapolated(many, accuracy, size)
        value = float(np.clip(chosen.estimate.value + ahead - accuracy[-1], 0, 1))
        half = quantile * float(np.hypot(chosen.spread, miss * np.log2(max(1.0, size / classes))))
        grown[size] = Estimate(value, max(0.0, value - half), min(1.0, value + half))
    return grown, tuple(back)


def numbers(scorer: Scorer, seed: int) -> tuple[tuple[int, float], ...]:
    """Returns (k, accuracy): products have at most k references, and one other of each is asked, ``DRAWS`` times."""
    references = scorer.references
    most = int(references.contents.max()) - 1
    generator = np.random.default_rng(seed)
    _, first = np.unique(references.groups, return_index=True)  # each content once
    lists = [
        generator.permutation(first[references.labels[first] == c])
        for c in range(len(references.class_names))
    ]
    found = []
    for k in sorted({k for k in (1, 2, 3, 4, 5, 8, 12, 16) if k <= most}):
        shares = []
        for _ in range(DRAWS):
            mixed = [generator.permutation(rows) for rows in lists]
            support = np.full((len(mixed), k), -1, dtype=np.int64)
            for place, rows in enumerate(mixed):
                own = rows[1 : k + 1] if len(rows) > 1 else rows
                support[place, : len(own)] = own
            held = np.array([place for place, rows in enumerate(mixed) if len(rows) > k], dtype=np.int64)
            query = np.array([mixed[place][0] for place in held.tolist()])
            scores = scorer.asked(support, query)
            shares.append(float((scores.argmax(axis=1) == held).mean()))
        found.append((k, float(np.mean(shares))))
    return tuple(found)


def one_more(by_number: Sequence[tuple[int, float]], contents: NDArray[np.int64]) -> float:
    """Returns how much one reference more a product adds, as asking a reference without itself takes one away.

    ``Scorer.weights`` makes pictures of products with as many left stand for those in use; only the products that have
    more than any has left gain by it. The slope is that of the last two numbers of references, by their logarithm.
    """
    if len(by_number) < 2:
        return 0.0
    (a, low), (b, high) = by_number[-2:]
    left = int(contents.max()) - 1
    share = float((contents > left).mean())
    return share * max(0.0, high - low) / float(np.log(b / a)) * float(np.log((left + 1) / left))


def enough(by_number: Sequence[tuple[int, float]]) -> int | None:
    """Returns the fewest references that no larger number is two points better than; None where it is the last one."""
    for place, (k, low) in enumerate(by_number[:-1]):
        if max(high for _, high in by_number[place + 1 :]) - low < 0.02:
            return k
    return None
