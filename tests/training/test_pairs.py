"""Pairs: derived from labels or read from a CSV; negatives are never of the same known product."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import FsbenchError
from fewshot_bench.training.pairs import batch_pairs, pairs_of_csv, pairs_of_labels


def index_of(labels) -> ImageIndex:
    labels = np.asarray(labels, dtype=np.int32)
    m, classes = len(labels), int(labels.max()) + 1
    return ImageIndex(
        name="toy",
        variant="default",
        paths=tuple(f"{i}.png" for i in range(m)),
        labels=labels,
        class_names=tuple(f"c{c}" for c in range(classes)),
        class_splits=("base",) * classes,
        pools=np.full(m, 3, np.uint8),
        groups=np.arange(m),
        positions=np.zeros(m, np.int64),
        guards=np.zeros(classes, np.int64),
        digests=np.ones((m, 32), np.uint8),
        reader=lambda row: None,  # type: ignore[arg-type, return-value]
    )


def test_pairs_of_labels_are_two_different_images_of_one_class_each_class_equally_often():
    labels = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]
    pairs = pairs_of_labels(index_of(labels), 300, np.random.default_rng(0))
    labels = np.array(labels)
    assert (labels[pairs.rows[:, 0]] == labels[pairs.rows[:, 1]]).all()
    assert (pairs.rows[:, 0] != pairs.rows[:, 1]).all()
    assert np.bincount(labels[pairs.rows[:, 0]]).tolist() == [100, 100, 0, 100]
    assert len(np.unique(np.sort(pairs.rows[labels[pairs.rows[:, 0]] == 3], axis=1), axis=0)) == 6


def test_a_set_of_single_images_gives_no_pairs():
    with pytest.raises(FsbenchError, match="no class with two images"):
        pairs_of_labels(index_of([0, 1, 2]), 3, np.random.default_rng(0))


def test_positives_are_the_pairs_and_negatives_all_pictures_of_other_products():
    products = np.array([7, 8, 7, 7, 8, 7])  # pairs (0, 3), (1, 4), (2, 5); two of them show product 7
    first, second, same = batch_pairs(products)
    found = list(zip(first.tolist(), second.tolist(), same.tolist(), strict=True))
    slow = [(i, i + 3, True) for i in range(3)]
    slow += [(i, j, False) for i in range(6) for j in range(i + 1, 6) if products[i] != products[j]]
    assert found == slow


def test_a_batch_of_one_product_has_no_negative():
    assert batch_pairs(np.zeros(4, np.int64))[2].tolist() == [True, True]


def test_pairs_of_a_csv_join_linked_images_to_one_product(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("image_a,image_b,same\n0.png,1.png,1\n1.png,2.png,1\n3.png,4.png,\n0.png,4.png,0\n")
    pairs = pairs_of_csv(path, index_of([0] * 6))
    assert pairs.rows.tolist() == [[0, 1], [1, 2], [3, 4]]
    products = pairs.products.tolist()
    assert products[0] == products[1] == products[2] != products[3] == products[4]
    assert products[5] == -1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "lacks the columns image_a and image_b"),
        ("image_a,image_b\n0.png,9.png\n", r"line 2: the image '9.png' is not in toy"),
        ("image_a,image_b,same\n0.png,1.png,yes\n", "line 2: same must be 1 or 0, not 'yes'"),
        ("image_a,image_b,same\n0.png,1.png,0\n", "no pair with same = 1"),
    ],
)
def test_a_wrong_csv_is_one_sentence(tmp_path, text, words):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(FsbenchError, match=words):
        pairs_of_csv(path, index_of([0, 0]))
    with pytest.raises(FsbenchError, match="Cannot read the pairs"):
        pairs_of_csv(tmp_path / "missing.csv", index_of([0, 0]))
