"""validate: whether a set of episodes is what its spec says, of a data set as it is, whoever drew or wrote it.

The sampler's episodes, a manifest's and those of a plugin's sampler pass the same checks before anything is scored.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.counts import check_counts
from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.pools import QUERY, SUPPORT, ImageArrays
from fewshot_bench.errors import FsbenchError

Ints = NDArray[np.int64]

FEW = 40
"""Support images of an episode up to which each is compared with all queries, which is faster than sorting."""

CHUNK = 4_000_000
"""Images of episodes that are looked at together; no result depends on it."""


def validate(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    """Raises FsbenchError, naming ``where`` they come from and the first fault, for episodes that break a rule.

    The rules are those of drawing: the data set and its classes are the same; rows and classes exist; padding comes
    last; an image is of its class, of the pool of its side, and stands once in an episode; no group, no content of a
    class and no pair of images nearer than the guard stands on both sides; ways, shots, queries and the number of
    episodes are those of the spec.
    """
    _check_origin(episodes, index, where)
    _check_ranges(episodes, index, where)
    content = _contents(index)
    groups = np.unique(index.groups, return_inverse=True)[1].reshape(-1).astype(np.int64)
    for part in _chunks(episodes):
        classes, support, query = episodes.classes[part], episodes.support[part], episodes.query[part]
        fault = (
            _padding(classes, support, query, open_set=episodes.spec.open_set)
            or _labels(index, classes, support, query)
            or _twice(support, query)
            or _pools(index, support, query)
            or _across(index, groups, support, query, "group {value}, of which images {a} and {b} are")
            or _across(index, content, support, query, "the same picture, images {a} and {b},")
            or _guards(index, classes, support, query)
        )
        if fault:
            number, text = fault
            raise FsbenchError(f"{where} {text.format(episode=part.start + number)}.")
    check_counts(episodes, index, where)


Fault = tuple[int, str] | None
"""The number of an episode in its chunk and what is wrong with it (``{episode}`` stands for its number), or None."""


def _chunks(episodes: EpisodeSet) -> Iterator[slice]:
    step = max(1, CHUNK // max(1, episodes.support[:1].size + episodes.query[:1].size))
    yield from (slice(start, start + step) for start in range(0, len(episodes), step))


def _check_origin(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    if episodes.dataset_fingerprint != index.fingerprint:
        raise FsbenchError(
            f"{where} was drawn from {episodes.dataset} with fingerprint "
            f"{episodes.dataset_fingerprint[:12]}…, and the data at hand is {index.name} with fingerprint "
            f"{index.fingerprint[:12]}…; use the same data set, variant, split and files."
        )
    if episodes.dataset != index.name:
        raise FsbenchError(f"{where} calls its data set {episodes.dataset!r}, and it is {index.name!r}.")
    if episodes.class_names != tuple(index.class_names):
        pairs = zip(episodes.class_names, index.class_names, strict=False)
        first = next((f"{a!r} for {b!r}" for a, b in pairs if a != b), "another number of them")
        raise FsbenchError(f"{where} gives other names to the classes of {index.name}: {first}.")


def _check_ranges(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    images, classes = len(index.labels), len(index.class_names)
    if episodes.classes.max(initial=-1) >= classes or episodes.classes.min(initial=0) < -1:
        raise FsbenchError(f"{where} names a class outside the {classes} of {index.name}.")
    for side, rows in (("support", episodes.support), ("query", episodes.query)):
        if rows.max(initial=-1) >= images or rows.min(initial=0) < -1:
            raise FsbenchError(f"{where} has a {side} row outside the {images} of {index.name}.")


def _first(wrong: NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Returns the place of the first True, or None."""
    if not wrong.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))


def _padding(classes: NDArray[np.int32], support: Ints, query: Ints, *, open_set: bool) -> Fault:
    for name, array in (("classes", classes), ("support", support), ("query", query)):
        present = array >= 0
        late = np.zeros_like(present)
        late[..., 1:] = present[..., 1:] & ~present[..., :-1]
        if (place := _first(late)) is not None:
            return place[
                0
            ], f"has padding before the end of the {name} of episode {{episode}}; padding comes last"
    filled = (support >= 0).any(axis=2) | (query >= 0).any(axis=2)
    if (place := _first(filled & (classes < 0))) is not None:
        return place[0], "has images without a class in episode {episode}"
    held = np.asarray((support >= 0).any(axis=2))
    empty = (classes >= 0) & ~held
    if open_set:  # classes without support come after those with support
        empty &= held[:, ::-1].cumsum(axis=1)[:, ::-1] > 0
    if (place := _first(empty)) is not None:
        number = int(classes[place])
        return place[0], f"gives class {number} no support image in episode {{episode}}"
    order = np.sort(classes, axis=1)
    twice = (order[:, 1:] == order[:, :-1]) & (order[:, 1:] >= 0)
    if (place := _first(twice)) is not None:
        number = int(order[place])
        return place[0], f"has class {number} twice in episode {{episode}}; name a class once"
    return None


def _labels(index: ImageArrays, classes: NDArray[np.int32], support: Ints, query: Ints) -> Fault:
    labels = np.asarray(index.labels)
    for side, rows in (("support", support), ("query", query)):
        wrong = (rows >= 0) & (labels[rows.clip(min=0)] != classes[:, :, None])
        if (place := _first(wrong)) is not None:
            image, asked = int(rows[place]), int(classes[place[:2]])
            return place[0], (
                f"gives image {image} as {side} of class {asked} in episode {{episode}}, and it is of class "
                f"{int(labels[image])}"
            )
    return None


def _flat(rows: Ints) -> Ints:
    return rows.reshape(len(rows), -1)


def _twice(support: Ints, query: Ints) -> Fault:
    """Finds an image that stands twice in an episode."""
    both = np.concatenate([_flat(support), _flat(query)], axis=1)
    ordered = np.sort(both, axis=1)
    place = _first((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0))
    if place is None:
        return None
    image = int(ordered[place])
    sides = [
        name for name, rows in (("support", support), ("query", query)) if (rows[place[0]] == image).any()
    ]
    if len(sides) == 2:
        return place[0], f"has image {image} as both support and query of episode {{episode}}"
    return place[
        0
    ], f"has image {image} twice among the {sides[0]} of episode {{episode}}; name an image once"


def _pools(index: ImageArrays, support: Ints, query: Ints) -> Fault:
    for side, bit, rows in (("support", SUPPORT, support), ("query", QUERY, query)):
        outside = (rows >= 0) & (np.asarray(index.pools)[rows.clip(min=0)] & bit == 0)
        if (place := _first(outside)) is not None:
            return place[0], (
                f"has image {int(rows[place])} as {side} of episode {{episode}}, and the data set keeps it out of "
                f"the {side} pool"
            )
    return None


def _across(index: ImageArrays, values: Ints | None, support: Ints, query: Ints, what: str) -> Fault:
    """Finds a value of images (``values`` [M], their group or content) that stands on both sides of an episode."""
    if values is None:
        return None
    support, query = _flat(support), _flat(query)
    held, asked = (np.append(values, -1)[rows] for rows in (support, query))  # −1 for padding
    shared = np.zeros(query.shape, dtype=bool)
    if support.shape[1] <= FEW:
        for shot in range(support.shape[1]):
            shared |= asked == held[:, shot, None]
    else:
        numbers = np.arange(len(support))[:, None] * (int(values.max(initial=0)) + 1)
        shared = np.isin(numbers + asked, (numbers + held)[held >= 0])
    place = _first(shared & (query >= 0))
    if place is None:
        return None
    image = int(query[place])
    mates = support[place[0]][(support[place[0]] >= 0) & (values[support[place[0]]] == values[image])]
    text = what.format(value=int(np.asarray(index.groups)[image]), a=int(mates[0]), b=image)
    return place[0], f"has {text} on both sides of episode {{episode}}"


def _contents(index: ImageArrays) -> Ints | None:
    """Returns a number [M] a (class, content), None where no content occurs twice in a class or none is known."""
    digests = getattr(index, "digests", None)
    if digests is None or not len(digests):
        return None
    short = np.ascontiguousarray(digests[:, :8]).view("<u8")[:, 0]
    if len(np.unique(short)) == len(short):
        return None
    labels = np.asarray(index.labels, dtype="<i4").view(np.uint8).reshape(-1, 4)
    whole = np.ascontiguousarray(np.concatenate([digests, labels], axis=1)).view("V36")[:, 0]
    return np.unique(whole, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _guards(index: ImageArrays, classes: NDArray[np.int32], support: Ints, query: Ints) -> Fault:
    guards = np.where(classes >= 0, np.asarray(index.guards)[classes.clip(min=0)], 0)
    if not (guards > 0).any():
        return None
    places = np.asarray(index.positions)
    for shot in range(support.shape[2]):
        rows = support[:, :, shot, None]
        near = np.abs(places[query.clip(min=0)] - places[rows.clip(min=0)]) < guards[:, :, None]
        if (place := _first(near & (rows >= 0) & (query >= 0))) is not None:
            return place[0], (
                f"has support image {int(support[place[0], place[1], shot])} and query image {int(query[place])} "
                f"fewer than {int(guards[place[:2]])} positions apart in episode {{episode}}"
            )
    return None
