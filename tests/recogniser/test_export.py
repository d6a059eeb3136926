"""Export: the files say what the recogniser says, by an example that imports three libraries alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.embed.transforms import InputTransform
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.recogniser import export
from fewshot_bench.recogniser.parity import parity

TOY = """
import numpy as np
from fewshot_bench.api import EmbeddingMethod, KNearest, LogisticRegression, PixelEncoder, Prototype

HEADS = {
    "regression": LogisticRegression(C=0.1), "unit": LogisticRegression(C=10, normalize=True),
    "means": Prototype(), "cosine-means": Prototype(metric="cosine"),
    "nearest": KNearest(k=1, metric="cosine"), "three": KNearest(k=3),
}

class Toy(EmbeddingMethod):
    api_version = 1
    summary = "toy"

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), HEADS[self.name]

Regression = type("Regression", (Toy,), {"name": "regression", "calibrated": True, "__module__": __name__})
Unit = type("Unit", (Toy,), {"name": "unit", "calibrated": True, "__module__": __name__})
Means = type("Means", (Toy,), {"name": "means", "__module__": __name__})
CosineMeans = type("CosineMeans", (Toy,), {"name": "cosine-means", "__module__": __name__})
Nearest = type("Nearest", (Toy,), {"name": "nearest", "__module__": __name__})
Three = type("Three", (Toy,), {"name": "three", "__module__": __name__})

class Odd(Toy):
    name = "odd"

    def setup(self, context):
        class OddHead:
            def scores(self, table, tasks):
                return Prototype().scores(table, tasks)
        self.encoder, self.head = PixelEncoder(size=8), OddHead()
"""

BLOCKED = """
import runpy, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "timm", "fewshot_bench", "sklearn", "pandas", "onnx"}:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def toys(make_plugin):
    make_plugin(
        "toy-export",
        TOY,
        **{
            "regression": "Regression",
            "unit": "Unit",
            "means": "Means",
            "cosine-means": "CosineMeans",
            "nearest": "Nearest",
            "three": "Three",
            "odd": "Odd",
        },
    )


@pytest.mark.parametrize("method", ["regression", "unit", "means", "cosine-means", "nearest", "three"])
def test_the_files_say_what_the_recogniser_says(shop: Path, toys, method: str) -> None:
    made = fb.fit(shop / "shop", method)
    for number, on in enumerate((None, shop / "new")):
        found = export.export_recogniser(made, shop / f"onnx {number}", on)
        assert found.holds and found.asked == (10 if number else 15), found
    # Classes that are equally near have one rank in KNearest, and ranks in order in the file.
    assert json.loads((shop / "onnx 1" / "parity.json").read_text())["equal"] == 10
    assert sorted(p.name for p in (shop / "onnx 1").iterdir()) == [
        "classes.json", "encoder.onnx", "example.py", "head.onnx", "parity.json",
    ]  # fmt: skip


@pytest.mark.subprocess
def test_the_example_runs_where_nothing_else_is_installed(shop: Path, toys) -> None:
    made = fb.fit(shop / "shop", "unit")
    export.export_recogniser(made, shop / "onnx")
    files = [*sorted((shop / "new").iterdir()), *sorted((shop / "unknown").iterdir())]
    line = [sys.executable, "-I", "-c", BLOCKED, str(shop / "onnx" / "example.py"), *map(str, files)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    frame = made.predict(files).frame()
    rows = [row.split("\t") for row in done.stdout.splitlines()]
    assert len(rows) == len(files)
    for row, (_, wanted) in zip(rows, frame.iterrows(), strict=True):
        assert row[0] == wanted.path and row[3] == wanted.nearest
        assert row[1] == ("(none of these)" if wanted.rejected else wanted.class_1)
        assert float(row[2]) == pytest.approx(wanted.probability_1, abs=2e-4)
        assert float(row[4]) == pytest.approx(wanted.similarity, abs=2e-4)


@pytest.mark.parametrize("view", ["pad", "crop", "stretch", "both"])
def test_the_example_prepares_a_picture_as_the_recogniser_does(tmp_path: Path, view: str) -> None:
    text = (Path(export.__file__).parent / "onnx_example.txt").read_text()
    code = text[text.index("def square") : text.index("def predict")]
    space: dict = {"Image": Image, "numpy": np}
    exec(code, space)
    transform = InputTransform(48, 56, (0.485, 0.456, 0.406), (1, 1, 1), "bicubic", view)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    told = {"size": 48, "resize": 56, "fill": [124, 116, 104], "interpolation": "BICUBIC"}
    for size in ((56, 56), (300, 40), (31, 97), (1, 7), (57, 56), (640, 481)):
        image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
        views = ["pad", "crop"] if view == "both" else [view]
        found = np.stack([space["square"](image, one, **told) for one in views])
        assert np.array_equal(found if view == "both" else found[0], transform.prepare(image))


def test_what_cannot_be_exported_is_a_sentence_and_leaves_nothing(
    shop: Path, toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, sound = fb.fit(shop / "shop", "odd"), fb.fit(shop / "shop", "means")
    before = sorted(shop.iterdir())
    with pytest.raises(UsageError, match="The head OddHead of odd cannot be exported"):
        export.export_recogniser(odd, shop / "onnx")
    for place in (shop / "new", shop / "no" / "where", Path("/")):
        with pytest.raises(UsageError, match="--onnx"):
            export.export_recogniser(sound, place)
    with monkeypatch.context() as patch:
        other = fb.fit(shop / "shop", "means")
        head = export.head_file(sound)
        patch.setattr(export, "head_file", lambda recogniser: head)
        other.scorer.fitted.means.copy_(other.scorer.fitted.means.flip(0).clone())
        with pytest.raises(
            FsbenchError, match="do not say what the recogniser says, and nothing was written"
        ):
            export.export_recogniser(other, shop / "onnx")
    assert sorted(shop.iterdir()) == before


def test_parity_counts_labels_ties_and_decisions() -> None:
    ours = np.array([[0.6, 0.4], [0.5, 0.5 - 1e-7], [0.7, 0.3]])
    theirs = np.array([[0.6, 0.4], [0.5 - 1e-7, 0.5], [0.3, 0.7]])
    cosines = np.array([0.9, 0.5, 0.1])
    found = parity("pictures", (ours, cosines), (theirs, cosines), 0.5)
    assert (found.equal, found.tied, found.decisions, found.holds) == (1, 1, 3, False)
    assert found.scores == pytest.approx(0.4)
    near = parity("pictures", (ours[:2], cosines[:2]), (theirs[:2], cosines[:2]), 0.5)
    assert near.holds and "1 have the same product and 1 a numerical tie" in str(near)
    far = parity("pictures", (ours[:1], cosines[:1]), (ours[:1], cosines[:1] - 0.5), 0.5)
    assert far.decisions == 0 and not far.holds
