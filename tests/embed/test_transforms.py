"""What the network sees of a picture, by hand and against torchvision's own transform."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.embed.torchvision_guard import import_torchvision
from fewshot_bench.embed.transforms import VIEWS, InputTransform
from fewshot_bench.errors import UsageError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(w, h, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8))


def transform(**changes):
    return InputTransform(**{"size": 4, "resize": 4, "mean": MEAN, "std": STD, **changes})


@pytest.mark.parametrize("view", VIEWS)
def test_a_square_picture_of_the_right_size_enters_as_it_is(view):
    image = noise(4, 4)
    square = transform(view=view)
    got = square.prepare(image)
    assert got.dtype == np.uint8 and got.shape == square.shape
    for one in got.reshape(-1, 3, 4, 4):
        np.testing.assert_array_equal(one, np.asarray(image).transpose(2, 0, 1))


def test_both_are_the_padded_view_and_the_cropped_one():
    image = noise(20, 30)
    pad, crop, both = (transform(view=view).prepare(image) for view in ("pad", "crop", "both"))
    assert transform(view="both").shape == both.shape == (2, 3, 4, 4)
    np.testing.assert_array_equal(both, [pad, crop])
    assert (pad != crop).any()


def test_pad_keeps_the_shape_and_fills_with_the_mean_colour():
    """A 2×4 picture in a 4×4 square: columns 1 and 2 are the picture; 0.485·255 = 123.7 and so on."""
    image = noise(2, 4)
    got = transform(view="pad").prepare(image)
    np.testing.assert_array_equal(got[:, :, 1:3], np.asarray(image).transpose(2, 0, 1))
    for column in (0, 3):
        np.testing.assert_array_equal(got[:, :, column], np.tile([[124], [116], [104]], 4))


def test_pad_of_a_sliver_keeps_one_pixel():
    got = transform(view="pad", mean=(0, 0, 0)).prepare(Image.new("RGB", (100, 1), (255, 255, 255)))
    assert (got == 255).sum() == 3 * 4


def test_stretch_fills_the_square():
    """Each of two columns becomes two."""
    image = Image.fromarray(np.array([[[0, 0, 0], [200, 100, 50]]] * 4, dtype=np.uint8))
    got = transform(view="stretch", interpolation="nearest").prepare(image)
    np.testing.assert_array_equal(got[0], [[0, 0, 200, 200]] * 4)
    np.testing.assert_array_equal(got[2], [[0, 0, 50, 50]] * 4)


def test_crop_takes_the_centre():
    """A 4×8 picture cropped to 4×4: rows 2 to 5."""
    image = noise(4, 8)
    np.testing.assert_array_equal(
        transform(view="crop").prepare(image), np.asarray(image).transpose(2, 0, 1)[:, 2:6]
    )


@pytest.mark.parametrize("shape", [(50, 50), (31, 77), (90, 33), (40, 41), (8, 5)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crop_equals_torchvisions_transform(shape, interpolation):
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms._presets import ImageClassification

    theirs = ImageClassification(
        crop_size=28, resize_size=33, mean=MEAN, std=STD, interpolation=InterpolationMode(interpolation)
    )
    import torch

    ours = InputTransform(28, 33, MEAN, STD, interpolation, "crop")
    image = noise(*shape)
    got = ours.normalise(torch.from_numpy(ours.prepare(image))[None])[0]
    torch.testing.assert_close(got, theirs(image), atol=2e-6, rtol=1e-5)


def test_normalise_by_hand_and_channels_last():
    import torch

    batch = torch.tensor([0, 127, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    lite = transform(mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
    got = lite.normalise(batch)
    assert got.dtype == torch.float32 and got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got[0, :, 0, 0], torch.tensor([-127 / 128, 0.0, 1.0]))


def test_grey_and_alpha_pictures_are_taken_as_rgb():
    assert transform().prepare(Image.new("L", (9, 5), 80)).shape == (3, 4, 4)
    assert transform().prepare(Image.new("RGBA", (5, 9))).shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view": "squash"}, "pad, crop, stretch, both, not 'squash'"),
        ({"interpolation": "lanczos5"}, "not 'lanczos5'"),
        ({"size": 5}, "5 px cannot be cut from a picture resized to 4 px"),
        ({"size": 0}, "0 px"),
    ],
)
def test_wrong_values_are_usage_errors(changes, message):
    with pytest.raises(UsageError, match=message):
        transform(**changes)
