"""Checks of the encoder: a vector depends on its picture and on nothing else, and its fingerprint says which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.conformance.compare import TOLERANCE, difference, equal_vectors
from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.subject import Subject
from fewshot_bench.errors import FsbenchError
from fewshot_bench.store.encoding import bare

NONE = "It has no encoder: it is given the pictures of an episode."

JUMP = 0.5
"""How far one grey level may move a vector, as a share of the distance between pictures."""


def encoder_output(subject: Subject) -> Answer:
    """Tries that the encoder gives finite float32 vectors [B, D]."""
    if subject.encoder is None:
        return skipped(NONE)
    found = subject.vectors(subject.encoder, subject.looked_at)
    if found.ndim != 2 or len(found) != len(subject.looked_at):
        return fails(f"{len(subject.looked_at)} pictures become an array {found.shape}; return [B, D].")
    if found.dtype != np.float32:
        return fails(f"Vectors are {found.dtype}; return float32, which is what the cache keeps.")
    if not np.isfinite(found).all():
        return fails("Some values of its vectors are no finite numbers.")
    return holds(f"Vectors are float32 of {found.shape[1]} values.")


def encoder_batch(subject: Subject) -> Answer:
    """Tries that a picture alone has the vector that it has in a batch."""
    if subject.encoder is None:
        return skipped(NONE)
    together = subject.vectors(subject.encoder, subject.looked_at)
    alone = [subject.vectors(subject.encoder, subject.looked_at[i : i + 1]) for i in range(len(together))]
    return equal_vectors("A picture alone has the vector it has in a batch", together, np.concatenate(alone))


def encoder_order(subject: Subject) -> Answer:
    """Tries that pictures in other orders, and beside others, have the vectors that they had."""
    if subject.encoder is None:
        return skipped(NONE)
    rows, claim = subject.looked_at, "The order of pictures changes nothing"
    first = subject.vectors(subject.encoder, rows)
    answer = equal_vectors(claim, first, subject.vectors(subject.encoder, rows[::-1])[::-1])
    if answer.verdict != "holds":
        return answer
    half = rows[: len(rows) // 2]
    mixed = subject.vectors(subject.encoder, np.concatenate([subject.rows[-len(half) :], half]))
    return equal_vectors(
        "Order and company of pictures change nothing", first[: len(half)], mixed[-len(half) :]
    )


def encoder_pixels(subject: Subject) -> Answer:
    """Tries that what a picture file says of itself changes nothing, and that the picture is left as it is."""
    if subject.encoder is None:
        return skipped(NONE)
    row = int(subject.looked_at[0])
    picture = bare(subject.index.reader(row))
    before = picture.tobytes()
    plain = np.asarray(subject.encoder.prepare(picture))
    if picture.tobytes() != before:
        return fails("`prepare` changes the picture that it is given; work on a copy.")
    label = subject.index.class_names[int(subject.index.labels[row])]
    told: Any = bare(subject.index.reader(row))
    told.filename, told.info["comment"] = f"{label}/0.png", label
    told.getexif()[270] = label
    if not np.array_equal(plain, np.asarray(subject.encoder.prepare(told))):
        return fails(
            "`prepare` reads the name, the comment or the EXIF data of a picture, which may say its class."
        )
    return holds("Only pixels are read, and they are left as they are.")


def encoder_smooth(subject: Subject) -> Answer:
    """Tries that one grey level more moves a vector by less than pictures differ, as a list of answers would not."""
    if subject.encoder is None:
        return skipped(NONE)
    from PIL import Image

    encoder, rows = subject.encoder, subject.looked_at
    pictures = [np.asarray(bare(subject.index.reader(int(row)))) for row in rows]
    nudged = [np.where(p > 127, p - 1, p + 1).astype(np.uint8) for p in pictures]
    batch = np.stack([encoder.prepare(Image.fromarray(p)) for p in [*pictures, *nudged]])
    plain, other = np.split(np.asarray(encoder.encode(batch), dtype=np.float64), 2)
    between = np.linalg.norm(plain[:, None] - plain[None], axis=2)
    usual = float(np.median(between[~np.eye(len(plain), dtype=bool)]))
    moved = float(np.median(np.linalg.norm(plain - other, axis=1)))
    if usual == 0:
        return fails(f"{len(rows)} different pictures have one vector.")
    text = f"One grey level moves a vector by {moved / usual:.1%} of the distance between pictures"
    return holds(f"{text}.") if moved < JUMP * usual else fails(f"{text}, as a list of known pictures does.")


def encoder_fingerprint(subject: Subject) -> Answer:
    """Tries that each parameter that changes vectors changes the fingerprint, and that it is the same each time."""
    if subject.encoder is None:
        return skipped(NONE)
    own = subject.encoder.fingerprint()
    if not isinstance(own, str) or not own:
        return fails(
            f"The fingerprint is {own!r}; return a text, such as a sha256 of all that vectors depend on."
        )
    again = subject.make({})
    if again.encoder.fingerprint() != own:  # type: ignore[attr-defined]
        return fails(
            "The method set up again has another fingerprint; derive it from weights and parameters alone."
        )
    vectors, tried = subject.vectors(subject.encoder, subject.looked_at[:4]), 0
    for name, value in other_values(subject):
        try:
            other: Any = subject.make({name: value})
            encoder = other.encoder
            print_ = encoder.fingerprint()
            found = vectors if print_ != own else subject.vectors(encoder, subject.looked_at[:4])
        except FsbenchError:
            continue  # weights that are not here, or values that do not go together
        tried += 1
        if print_ == own and not same(vectors, found):
            return fails(
                f"{name}={value} gives other vectors under the same fingerprint, so that the cache gives those of "
                f"{name}={getattr(subject.method.config, name)}; make {name} part of the fingerprint."
            )
    return holds(f"No parameter that changes vectors is forgotten; {tried} other values were tried.")


def same(vectors: NDArray[Any], others: NDArray[Any]) -> bool:
    """Returns whether vectors [M, D] are equal but for rounding."""
    return vectors.shape == others.shape and difference(vectors[None], others[None]) <= TOLERANCE


def other_values(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Yields (parameter, other value) for each parameter that needs no new training, up to two values of each."""
    config = subject.method.config
    hints = get_type_hints(type(config))
    reads = getattr(subject.method, "reads", ("training",)) if subject.method.trains else ()
    for field in fields(config):
        preset = field.name == "preset" and hasattr(config, "PRESETS")  # sets what a training reads
        if preset or field.metadata.get("used_by", "training") in reads:
            continue
        value = getattr(config, field.name)
        yield from ((field.name, other) for other in others_of(value, hints[field.name], field.metadata))


def others_of(value: Any, kind: Any, metadata: Any) -> list[Any]:
    """Returns up to two other values of a parameter of a type; [] for texts, whose values are not known."""
    if get_origin(kind) is Literal:
        return [other for other in get_args(kind) if other != value][:2]
    if kind is bool:
        return [not value]
    if kind not in (int, float):
        return []
    ends = metadata.get("range") or (value + 1, value * 2)
    near = value + 1 if kind is int else value * 1.5
    values = [kind(near if low == value else low) for low in ends]
    return [other for other in dict.fromkeys(values) if other != value][:2]


CHECKS = (
    ContractCheck(
        "encoder-output",
        "The encoder gives finite float32 vectors of shape [pictures, D]",
        "The cache keeps float32; another type is cut short, and other numbers than the method's are scored.",
        encoder_output,
    ),
    ContractCheck(
        "encoder-batch",
        "A picture alone has the vector that it has in a batch",
        "A batch norm in training mode, or any statistic of the batch, mixes test pictures into the vector of each. "
        "Call `eval()` on the network.",
        encoder_batch,
    ),
    ContractCheck(
        "encoder-order",
        "The order and company of pictures change no vector",
        "Data sets are listed class by class, so that an encoder that only counts its pictures tells classes apart. "
        "The engine encodes in the order of content digests; this tries that the encoder keeps no count.",
        encoder_order,
    ),
    ContractCheck(
        "encoder-pixels",
        "Only the pixels of a picture are read",
        "A file's name, comment or EXIF data may hold its class. The engine gives encoders bare pixels, so that such a "
        "method works here and fails elsewhere.",
        encoder_pixels,
    ),
    ContractCheck(
        "encoder-smooth",
        "One grey level more hardly moves a vector",
        "A list of known pictures finds them by their bytes; a picture that differs by one grey level is not on it.",
        encoder_smooth,
    ),
    ContractCheck(
        "encoder-fingerprint",
        "Each parameter that changes vectors changes the fingerprint",
        "Vectors are cached under the fingerprint. A parameter that it forgets is run with the vectors of another "
        "value, and the record says that it changes nothing.",
        encoder_fingerprint,
    ),
)
"""The checks of encoders."""
