"""Augmentation against numpy's own padding, one picture after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.training.augment import Augmentation


def slow(images, shift):
    """Every mirrored and moved version of each picture, as bytes."""
    seen = []
    for image in images:
        padded = np.pad(image, ((0, 0), (shift, shift), (shift, shift)), mode="reflect")
        side = image.shape[1]
        moved = [
            padded[:, y : y + side, x : x + side] for y in range(2 * shift + 1) for x in range(2 * shift + 1)
        ]
        seen.append(
            {m.tobytes() for m in moved} | {np.ascontiguousarray(m[..., ::-1]).tobytes() for m in moved}
        )
    return seen


def test_each_picture_is_mirrored_and_moved_by_its_own_draw():
    images = np.random.default_rng(0).integers(0, 256, (300, 3, 6, 6), dtype=np.uint8)
    images[:] = images[0]
    changed = Augmentation(shift=2)(images.reshape(100, 3, 3, 6, 6), np.random.default_rng(1))
    assert changed.shape == (100, 3, 3, 6, 6) and changed.dtype == np.uint8
    found = {image.tobytes() for image in changed.reshape(300, 3, 6, 6)}
    assert found == slow(images[:1], 2)[0], "in 300 draws all of the 50, and nothing else"


@given(st.integers(1, 9), st.integers(0, 4), st.booleans(), st.integers(0, 2**32))
def test_pixels_come_from_the_picture_itself(side, shift, flip, seed):
    images = np.random.default_rng(seed).integers(0, 256, (4, 3, side, side), dtype=np.uint8)
    changed = Augmentation(flip, min(shift, side - 1))(images, np.random.default_rng(seed))
    options = slow(images, min(shift, side - 1))
    assert all(image.tobytes() in option for image, option in zip(changed, options, strict=True))


def test_without_strength_nothing_changes():
    images = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 5, 5), dtype=np.uint8)
    assert np.array_equal(Augmentation(flip=False, shift=0)(images, np.random.default_rng(0)), images)
