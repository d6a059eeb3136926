"""Recogniser: references, a method, and what was measured of them; kept in a file, asked about pictures, changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.metrics.openset import Threshold, rate_of_new, reject_threshold
from fewshot_bench.prediction.neighbours import Neighbours
from fewshot_bench.prediction.predictions import Predictions
from fewshot_bench.recogniser.archive import Array, write_recogniser
from fewshot_bench.recogniser.calibration import (
    Separation,
    best_temperature,
    logits_of,
    separation,
    softened,
)
from fewshot_bench.recogniser.changes import Change, changes
from fewshot_bench.recogniser.given import AT_ONCE, Shown, encoded, given
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.scorer import ONE_BY_ONE, Scorer
from fewshot_bench.recogniser.threads import one_thread
from fewshot_bench.recogniser.thumbnails import packed, thumbnail

FEW = 20
"""Pictures from which a temperature is found; of fewer a note says so."""


@dataclass(frozen=True)
class Measured:
    """The references measure a recogniser: its temperature, its threshold, and how well the threshold can do.

    ``accuracy`` is the share of ``asked`` references that are recognised without themselves; None where there are none.
    """

    temperature: float | None
    threshold: Threshold | None
    separation: Separation | None
    accuracy: float | None
    asked: int


class Recogniser:
    """Names the product of a picture, by a method and references that were encoded once; ``fb.fit`` makes one.

    ``class_names`` and ``counts`` are its products and how many references each has; ``measured`` is what its
    references say of themselves.
    """

    def __init__(
        self,
        method: EmbeddingMethod,
        recipe: dict[str, Any],
        references: References,
        *,
        device: str,
        accept: float,
        unknown: NDArray[np.float32] | None = None,
        measured: Measured | None = None,
    ) -> None:
        self.method, self.recipe, self.device, self.accept = method, recipe, device, accept
        self.unknown = unknown
        self.scorer = Scorer(method, references, device)
        self.measured = measured or self._measured(self.scorer)

    @property
    def references(self) -> References:
        """The pictures that products are known by."""
        return self.scorer.references

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the products."""
        return self.references.class_names

    @property
    def counts(self) -> dict[str, int]:
        """The number of references of each product."""
        return self.references.counts

    def _measured(self, scorer: Scorer, known_as: Measured | None = None) -> Measured:
        """Finds temperature and threshold on references without themselves, and on unknown pictures.

        Of more than ``ONE_BY_ONE`` references, the temperature is that of ``known_as`` where there is one.
        """
        temperature = accuracy = None
        asked = 0
        if known_as and known_as.temperature and len(scorer.references) > ONE_BY_ONE:
            temperature, accuracy, asked = known_as.temperature, known_as.accuracy, known_as.asked
        elif len(scorer.held.rows):
            rows, scores = scorer.held
            labels, asked = scorer.references.labels[rows], len(rows)
            logits = logits_of(scores, probabilities=self.method.calibrated)
            temperature = best_temperature(logits, labels, scorer.weights(rows))
            accuracy = float((scores.argmax(axis=1) == labels).mean())
        known, simulated = scorer.cosines_of_known(), scorer.cosines_of_unknown()
        others = simulated if self.unknown is None else scorer.cosines_of(self.unknown)
        use = others if self.unknown is not None or not len(known) else np.zeros(0)
        threshold = None
        if len(known) or len(use):
            asked_for = 1 - self.accept
            rate = rate_of_new(len(known), asked_for) if len(known) else asked_for
            threshold = replace(reject_threshold(known, use, rate), rate=asked_for)
        return Measured(temperature, threshold, separation(known, others), accuracy, asked)

    def predict(self, pictures: Any, *, top: int = 5) -> Predictions:
        """Returns the ``top`` likeliest products of each picture, and why: the nearest references and their cosines.

        ``pictures`` is a path of a file or folder, a PIL image, the bytes of a file, a uint8 array, or a list of these.
        What cannot be read is named in its row. ``rejected`` says which pictures are likely of no product: the cosine
        with the nearest reference (Sun et al.: Out-of-Distribution Detection with Deep Nearest Neighbors, ICML 2022)
        is below the threshold.
        """
        if top < 1:
            raise UsageError(f"--top must be a whole number from 1, not {top}.")
        shown, references = given(pictures), self.references
        most = min(top, len(self.class_names))
        found = Predictions.none_yet([one.name for one in shown], most, self.class_names)
        neighbours = Neighbours.none_yet(len(shown), references.paths, references.labels, self.class_names)
        found = replace(
            found,
            neighbours=neighbours,
            score_name="score" if self.measured.temperature is None else "probability",
            threshold=self.measured.threshold,
            notes=tuple(self.notes()),
            facts=self.facts(),
        )
        with one_thread() if len(shown) == 1 else nullcontext():
            for start, part in _parts(shown):
                self._fill(found, neighbours, start, part)
        return found

    def _fill(self, found: Predictions, neighbours: Neighbours, start: int, part: Sequence[Shown]) -> None:
        """Writes what is said of the pictures ``part``, the first of which has the number ``start``."""
        references, most = self.references, found.classes.shape[1]
        made = encoded(self.method.encoder, part)
        found.defects[start : start + len(part)] = made.defects
        if not len(made.places):
            return
        places = start + made.places
        scores = self.scores(made.vectors)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
        found.classes[places], found.scores[places] = order, np.take_along_axis(scores, order, axis=1)
        near = self.scorer.neighbours(made.vectors, order)
        neighbours.put(places, near)
        rows, cosines = near.rows[:, 0], near.cosines[:, 0]
        known = references.paths_of(made.digests)
        found.best[places] = found.cosines[places] = cosines
        for place, row, digest in zip(places.tolist(), rows.tolist(), made.digests, strict=True):
            found.nearest[place] = references.paths[row]
            found.copies[place] = known.get(digest.tobytes(), "")

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Returns calibrated probabilities [Q, N] of embeddings [Q, D]; the head's scores without a temperature."""
        scores = self.scorer.scores(vectors)
        if self.measured.temperature is None:
            return scores
        logits = logits_of(scores, probabilities=self.method.calibrated)
        return softened(logits, self.measured.temperature)

    def facts(self) -> dict[str, Any]:
        """Returns what the header of predictions says."""
        return {
            "method": self.recipe["method"],
            "parameters": self.recipe["parameters"],
            "classes": len(self.class_names),
            "references": len(self.references),
            "temperature": self.measured.temperature,
            "best": "cosine with the nearest reference",
        }

    def notes(self) -> list[str]:
        """Returns sentences that a person should read before relying on a prediction."""
        notes, measured = [], self.measured
        if measured.temperature is None:
            notes.append("Scores are no probabilities: no product has two different references.")
        elif measured.asked < FEW:
            notes.append(f"Probabilities rest on {measured.asked} references asked without themselves.")
        if measured.separation is not None and not measured.separation.told_apart:
            notes.append(str(measured.separation))
        return notes

    def sentences(self) -> list[str]:
        """Returns what the references say of themselves, for a person who has just fitted or changed something."""
        told, measured = self.notes(), self.measured
        if measured.accuracy is not None:
            share = f"{100 * measured.accuracy:.1f} % of {measured.asked}"
            told.append(f"Asked without themselves, {share} references are recognised.")
        if measured.threshold is not None:
            told.append(f"{measured.threshold}.")
        if measured.separation is not None and measured.separation.told_apart:
            told.append(str(measured.separation))
        return told

    def add(self, name: str, pictures: Any) -> tuple[Change, ...]:
        """Adds pictures to the product ``name``, which may be new; returns which existing products change by it.

        No other picture is encoded again. References of each product are asked without themselves before and after.
        Pictures that the product has already are passed over. Raises UsageError where none is left, and FsbenchError
        where one cannot be read; then nothing is added.
        """
        shown = given(pictures)
        own = [i for i, known in enumerate(self.class_names) if known == name]
        labels = self.references.labels
        seen = {digest.tobytes() for digest in self.references.digests[np.isin(labels, own)]}
        vectors, digests, paths, small = [], [], [], []
        for _, part in _parts(shown):
            made = encoded(self.method.encoder, part)
            for one, defect in zip(part, made.defects, strict=True):
                if defect:
                    raise FsbenchError(f"{one.name} cannot be added ({defect}): replace or leave it out.")
            for vector, digest, one in zip(made.vectors, made.digests, part, strict=True):
                if digest.tobytes() not in seen:
                    seen.add(digest.tobytes())
                    vectors.append(vector)
                    digests.append(digest)
                    paths.append(f"{name}/{Path(one.name).name}")
                    if self.references.thumbnails:
                        image = one.opened()[2]
                        small.append(b"" if image is None else thumbnail(image))
        if not vectors:
            raise UsageError(f"The product {name!r} has all of these pictures already; add others.")
        added = self.references.added(name, np.stack(vectors), np.stack(digests), tuple(paths), tuple(small))
        return self._changed(added, np.arange(len(self.references)))

    def remove(self, name: str) -> tuple[Change, ...]:
        """Removes a product with all its references; returns which of the others change by it."""
        stay = self.references.labels != self.references.number(name)
        return self._changed(self.references.removed(name), np.where(stay, stay.cumsum() - 1, -1))

    def rename(self, old: str, new: str) -> None:
        """Gives a product another name; nothing else changes, unless the method reads names."""
        scorer = Scorer(self.method, self.references.renamed(old, new), self.device)
        scorer.known_near, scorer.outside = self.scorer.known_near, self.scorer.outside
        for kept in ("held", "fitted"):
            if scorer.names is None and kept in self.scorer.__dict__:
                scorer.__dict__[kept] = self.scorer.__dict__[kept]
        self.scorer = scorer

    def _changed(self, references: References, place: NDArray[np.int64]) -> tuple[Change, ...]:
        """Takes other references, measures them, and returns what changed of products that were there before.

        ``place`` [M] says where the references are now, −1 where they are gone.
        """
        before, after = self.scorer, Scorer(self.method, references, self.device)
        after.carry(before, place)
        found = changes(before, after)
        self.measured = self._measured(after, self.measured)
        self.scorer = after
        return found

    def save(self, path: str | Path) -> None:
        """Writes the recogniser to a file, atomically: a kill leaves the old file or the new one."""
        references = self.references
        arrays: dict[str, Array] = {
            "vectors": [part.rows for part in references.blocks.parts],
            "labels": references.labels,
            "digests": references.digests,
        }
        if self.unknown is not None:
            arrays["unknown"] = self.unknown
        if references.thumbnails:
            arrays |= packed(references.thumbnails)
        arrays |= self.scorer.kept()
        facts = {
            **self.recipe,
            "class_names": list(references.class_names),
            "counts": references.counts,
            "paths": list(references.paths),
            "accept": self.accept,
            "measured": asdict(self.measured),
        }
        write_recogniser(Path(path).expanduser(), facts, arrays)


def _parts(shown: list[Shown]) -> Iterator[tuple[int, list[Shown]]]:
    """Yields some pictures at a time, and the number of the first."""
    for start in range(0, len(shown), AT_ONCE):
        yield start, shown[start : start + AT_ONCE]
