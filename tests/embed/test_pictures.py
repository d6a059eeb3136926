"""Pictures: what an episodic method is given, and how it enters."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.embed.pictures import Pictures
from fewshot_bench.errors import UsageError


def wide():
    """An 8×4 picture: its left quarter red, the rest green."""
    array = np.zeros((4, 8, 3), np.uint8)
    array[:, :2, 0], array[:, 2:, 1] = 255, 255
    return Image.fromarray(array)


def test_views():
    crop, pad, stretch = (
        Pictures(4, view).prepare(wide()).reshape(3, 4, 4) for view in ("crop", "pad", "stretch")
    )
    assert not crop[0].any() and (crop[1] == 255).all()
    assert not pad[:, [0, 3]].any() and pad[:, 1:3].any()
    assert (stretch[0, :, 0] > 127).all() and (stretch[1, :, 1:] > 127).all()


def test_views_have_fingerprints_of_their_own():
    prints = {Pictures(size, view).fingerprint() for size in (28, 84) for view in ("crop", "pad", "stretch")}
    assert len(prints) == 6


@pytest.mark.parametrize("view", ["both", "squash"])
def test_another_view_is_a_usage_error(view):
    with pytest.raises(UsageError, match=f"pad, crop, stretch, not '{view}'"):
        Pictures(84, view)
