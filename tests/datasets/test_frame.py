"""A data frame is a data set: the same one as the CSV file that it could be written to."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.errors import FsbenchError


@pytest.fixture
def shop(tmp_path):
    """A folder of pictures and the frame that names them."""
    rows = []
    for label in ("apple", "pear", "plum"):
        for number in range(4):
            path = f"{label}{number}.png"
            Image.fromarray(np.full((6, 6, 3), len(rows) * 7, np.uint8)).save(tmp_path / path)
            rows.append(
                {"path": path, "label": label, "group": None if number else "first", "position": number}
            )
    return tmp_path, pd.DataFrame(rows)


def test_a_frame_is_what_its_csv_file_is(shop):
    root, frame = shop
    frame.to_csv(root / "shop.csv", index=False)
    file, made = fb.dataset(str(root / "shop.csv")), fb.index_of_frame(frame, root, name="shop")
    for name in ("labels", "pools", "groups", "positions", "guards", "digests"):
        assert np.array_equal(getattr(file, name), getattr(made, name)), name
    assert (made.paths, made.class_names) == (file.paths, file.class_names)


def test_a_frame_runs(shop):
    root, frame = shop
    record = fb.run(
        "pixels", fb.index_of_frame(frame[["path", "label"]], root), ways=3, queries=2, episodes=4
    )
    assert record.dataset == "frame" and len(record.frame()) == 4 * 3 * 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.assign(colour="red"), "has the columns 'path, label, group, position, colour'"),
        (lambda f: f.drop(columns="label"), "needs path and label"),
        (lambda f: f.iloc[:0], "has no rows"),
        (lambda f: f.assign(path=["apple0.png", "gone.png", *f["path"][2:]]), "Row 1 .* names 'gone.png'"),
        (lambda f: f.assign(path=["../x.png", *f["path"][1:]]), "Row 0 of the data frame names '../x.png'"),
        (lambda f: f.assign(label=[np.nan, *f["label"][1:]]), "Row 0 of the data frame has an empty label"),
        (lambda f: pd.concat([f, f.iloc[:1]], axis=1), "each once"),
    ],
)  # fmt: skip
def test_the_first_row_with_a_mistake_is_named(shop, change, sentence):
    root, frame = shop
    with pytest.raises(FsbenchError, match=sentence.replace("'..", r"'\.\.")):
        fb.index_of_frame(change(frame), root)
