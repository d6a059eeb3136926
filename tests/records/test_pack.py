"""Packing loses nothing: what is unpacked is the canonical form of what was packed, bit by bit."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.errors import FsbenchError
from fewshot_bench.records import canonical
from fewshot_bench.records.pack import pack, unpack
from fewshot_bench.records.store import archive_of


@st.composite
def drawn(draw):
    """Arrays of a record: ragged, with NaN, ties, many APs, one episode or no ranking, as it comes."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    episodes, ways, queries, count = (draw(st.integers(1, n)) for n in (4, 6, 12, 300))
    classes = generator.integers(0, count, (episodes, ways)).astype(np.int32)
    label = generator.integers(-1 if draw(st.booleans()) else 0, ways, (episodes, queries))
    prediction = np.where(label >= 0, generator.integers(0, ways, label.shape), -1)
    if draw(st.booleans()):
        prediction = label.copy()
    arrays = {"classes": classes, "query_label": label, "query_prediction": prediction}
    right = prediction == label
    rank = np.where(label >= 0, np.where(right, 0, generator.integers(1, 2 + ways, label.shape)), -1)
    if ranked := draw(st.booleans()):
        arrays["query_rank"] = rank
    kind = draw(st.sampled_from(["none", "rank", "ties", "many"]))
    if kind != "none":
        ap = 1 / (1.0 + rank.clip(min=0))
        if kind == "ties":
            ap = np.where(generator.random(label.shape) < 0.3, np.nan, ap / 2)
        if kind == "many":
            ap = generator.random(label.shape)
        arrays["query_ap"] = np.where(label >= 0, ap, np.nan).astype(np.float32)
    if draw(st.booleans()):
        pictures = generator.integers(0, draw(st.sampled_from([2, 256])), (draw(st.integers(1, 400)), 8))
        arrays["pictures"] = pictures.astype(np.uint8)
        arrays["query_picture"] = np.where(label >= 0, generator.integers(0, len(pictures), label.shape), -1)
    if draw(st.booleans()):
        arrays["class_names"] = np.array([f"größe \udcff {i}" for i in range(count)])
    if draw(st.booleans()):
        arrays["precision"] = generator.random(101)
    return arrays, ranked and kind == "rank"


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(
        one[k].dtype == other[k].dtype
        and one[k].shape == other[k].shape
        and one[k].tobytes() == other[k].tobytes()
        for k in one
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(drawn())
def test_what_is_unpacked_is_what_was_packed(case):
    arrays, of_rank = case
    packed = pack(arrays)
    assert same(unpack(packed), canonical(arrays))
    assert not of_rank or "right_ap" not in packed


@settings(deadline=None, max_examples=100)
@given(drawn())
def test_canonical_order_keeps_every_query_and_is_one(case):
    arrays, _ = case

    def queries(arrays):
        names = sorted(k for k in arrays if k.startswith("query_") and k != "query_picture")
        columns = [np.asarray(arrays[k], dtype=np.float32) for k in names]
        if "pictures" in arrays:
            columns += [
                np.where(arrays["query_label"] >= 0, arrays["pictures"][arrays["query_picture"], b], -1.0)
                for b in range(8)
            ]
        there = arrays["query_label"] >= 0
        return [
            sorted(map(repr, zip(*(c[e][there[e]].tolist() for c in columns), strict=True)))
            for e in range(len(there))
        ]

    once = canonical(arrays)
    assert queries(once) == queries(arrays)
    assert same(canonical(once), once)
    generator = np.random.default_rng(0)
    order = np.argsort(generator.random(arrays["query_label"].shape), axis=1)
    moved = {
        k: np.take_along_axis(v, order, axis=1) if k.startswith("query_") else v for k, v in arrays.items()
    }
    assert np.array_equal(canonical(moved)["query_label"], once["query_label"])


def test_the_order_of_pictures_in_the_table_does_not_matter():
    generator = np.random.default_rng(1)
    pictures = generator.integers(0, 256, (30, 8)).astype(np.uint8)
    label = np.array([[0, 1, 2, 0, 1, 2], [2, 2, 1, 0, 0, -1]])
    picture = np.where(label >= 0, label * 10 + np.array([1, 2, 3, 4, 5, 6]), -1)
    arrays = {
        "classes": np.array([[0, 1, 2], [0, 1, 2]]), "query_label": label, "query_prediction": label,
        "pictures": pictures, "query_picture": picture,
    }  # fmt: skip
    order = generator.permutation(30)
    moved = arrays | {
        "pictures": pictures[order],
        "query_picture": np.where(label >= 0, np.argsort(order)[picture], -1),
    }
    found, expected = canonical(moved), canonical(arrays)
    assert np.array_equal(
        found["pictures"][found["query_picture"]], expected["pictures"][expected["query_picture"]]
    )


def test_a_usual_record_is_a_third_of_its_plain_arrays():
    generator = np.random.default_rng(0)
    label = np.argsort(generator.random((600, 75)), axis=1) % 5
    rank = np.where(generator.random(label.shape) < 0.7, 0, generator.integers(1, 5, label.shape))
    prediction = np.where(rank == 0, label, (label + generator.integers(1, 5, label.shape)) % 5)
    arrays = {
        "classes": np.argsort(generator.random((600, 20)), axis=1)[:, :5],
        "query_label": label.astype(np.int16),
        "query_prediction": prediction.astype(np.int16),
        "query_ap": (1 / (1 + rank)).astype(np.float32),
    }
    plain = io.BytesIO()
    np.savez_compressed(plain, **arrays)
    assert 3 * len(archive_of(pack(arrays | {"query_rank": rank}))) < len(plain.getvalue())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"query_label": None}, "query_label is missing"),
        ({"episode_accuracy": np.zeros(2)}, r"unknown \['episode_accuracy'\]"),
        ({"query_label": np.array([[0, 7], [1, -1]])}, "a label is beyond the classes"),
        ({"query_ap": np.zeros((2, 3), np.float32)}, "query_ap has the shape of query_label"),
        ({"query_prediction": np.array([[0, -1], [1, -1]])}, "a query has no prediction"),
        ({"query_rank": np.array([[1, 1], [0, -1]])}, "query_rank is 0 where the prediction is right"),
        ({"pictures": np.zeros((2, 8), np.uint8)}, "query_picture and pictures go together"),
        ({"class_names": np.array(["a"])}, "a class has no name"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(change, sentence):
    arrays = {
        "classes": np.array([[0, 1], [1, 0]]),
        "query_label": np.array([[0, 1], [1, -1]]),
        "query_prediction": np.array([[0, 0], [1, -1]]),
    } | change
    with pytest.raises(FsbenchError, match=sentence):
        pack({k: v for k, v in arrays.items() if v is not None})
