"""scikit-learn's digits as a data set."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from fewshot_bench.datasets.digits import Digits
from fewshot_bench.datasets.locate import load_dataset


def test_all_digits_are_there() -> None:
    index = load_dataset(Digits())
    expected = load_digits()
    assert len(index) == 1797
    assert index.class_names == tuple("0123456789")
    assert np.array_equal(index.labels, expected.target)
    assert len(set(index.paths)) == 1797
    assert len({digest.tobytes() for digest in index.digests}) == len(np.unique(expected.data, axis=0))
    assert index.fingerprint == load_dataset(Digits()).fingerprint


def test_the_picture_is_dark_ink_on_white() -> None:
    index, expected = Digits().load(), load_digits().images
    for row in (0, 1000, 1796):
        shown = np.asarray(index.reader(row))
        assert shown.shape == (64, 64, 3)
        paper = 255 - shown[::8, ::8, 0].astype(float)
        assert np.abs(paper / 255 * 16 - expected[row]).max() < 16 / 255
        assert np.array_equal(shown, np.repeat(np.repeat(shown[::8, ::8], 8, axis=0), 8, axis=1))
