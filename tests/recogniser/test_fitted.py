"""A recogniser: fitted, kept, asked, changed; against ``predict`` and against itself fitted anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.engine import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.prediction.run import predict
from fewshot_bench.recogniser import scorer
from fewshot_bench.recogniser.archive import read_recogniser, write_recogniser

TOY = """
from fewshot_bench.api import EmbeddingMethod, EpisodicMethod, LogisticRegression, PixelEncoder

class Probable(EmbeddingMethod):
    api_version = 1
    name = "probable"
    summary = "logistic regression on pixels"
    calibrated = True

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), LogisticRegression(C=0.1)

class Together(Probable):
    name = "together"
    transductive = True

class Episodic(EpisodicMethod):
    api_version = 1
    name = "episodic"
    summary = "nothing"
    pretraining = "none"

    def solve(self, tasks):
        raise AssertionError
"""


@pytest.fixture
def toys(make_plugin):
    make_plugin("toy-fit", TOY, probable="Probable", together="Together", episodic="Episodic")


@pytest.mark.parametrize("method", ["pixels", "probable"])
def test_the_answers_are_those_of_predict_before_and_after_a_file(shop: Path, toys, method: str) -> None:
    frame = fb.predict(method, shop / "shop", shop / "new")
    made = fb.fit(shop / "shop", method)
    made.save(shop / "x.fsb")
    kept = fb.load(shop / "x.fsb")
    first, second = made.predict(shop / "new").frame(), kept.predict(shop / "new").frame()
    for column in ("path", "class_1", "class_2", "nearest", "reference"):
        assert first[column].tolist() == second[column].tolist() == frame[column].tolist()
    assert np.array_equal(first.probability_1, second.probability_1)
    np.testing.assert_allclose(first.similarity, frame.similarity, atol=1e-6)
    assert kept.measured == made.measured and kept.counts == made.counts
    assert kept.counts == {"Größe 0": 1, "Größe 1": 2, "Größe 2": 3, "Größe 3": 4, "Größe 4": 1}


@pytest.mark.parametrize("many", [1, 1 << 14], ids=["shortlist", "products"])
def test_neighbours_are_those_of_predict_by_products_and_by_a_shortlist(
    shop: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(scorer, "MANY", many)
    (shop / "shop/Größe 3/copy.png").write_bytes((shop / "shop/Größe 3/0.png").read_bytes())
    made = fb.fit(shop / "shop", "pixels")
    made.rename("Größe 0", "Größe null")
    told = predict(Request("pixels", str(shop / "shop")), [shop / "new"])
    for i, path in enumerate(told.paths):
        wanted, found = told.picture(i), made.predict(path).picture(0)
        (first, *others), names = found["neighbours"], {"Größe 0": "Größe null"}
        assert (first["reference"], first["similarity"]) == (found["nearest"], found["similarity"])
        assert found["runner_up"]["class"] == found["top"][1]["class"]
        for one, other in zip(
            [first, *others, found["runner_up"]], [*wanted["neighbours"], wanted["runner_up"]], strict=True
        ):
            assert one["reference"] == other["reference"]
            assert one["class"] == names.get(other["class"], other["class"])
            assert one["similarity"] == pytest.approx(other["similarity"], abs=1e-5)


def test_a_path_a_picture_its_bytes_and_an_array_say_the_same(shop: Path) -> None:
    made = fb.fit(shop / "shop", "pixels")
    path = shop / "new" / "2 0.png"
    image = Image.open(path)
    given = [path, str(path), image, path.read_bytes(), np.asarray(image)]
    alone = [made.predict(one).picture(0) for one in given]
    together = [made.predict(given).picture(i) for i in range(len(given))]
    for picture in (*alone, *together):
        assert [top["class"] for top in picture["top"]] == [top["class"] for top in alone[0]["top"]]
        assert picture["top"][0]["probability"] == pytest.approx(alone[0]["top"][0]["probability"], abs=1e-5)
        assert picture["nearest"] == alone[0]["nearest"]
        assert picture["similarity"] == pytest.approx(alone[0]["similarity"], abs=1e-5)
    assert made.predict(iter([image, image])).paths == [str(path), str(path)]
    assert made.predict(np.zeros((4, 4), np.uint8)).paths == ["array 1"]
    for odd, words in (
        ([], "no picture in the list"),
        (3, "Picture 1 is a int; give a path"),
        (np.zeros((2, 2)), "uint8 of shape"),
        (np.zeros((0, 2, 3), np.uint8), "without pixels"),
        (shop / "nowhere", "There is no file or folder"),
    ):
        with pytest.raises(UsageError, match=words):
            made.predict(odd)


def test_what_cannot_be_read_is_named_in_its_row(shop: Path) -> None:
    made = fb.fit(shop / "shop", "pixels")
    (shop / "new" / "bad.png").write_bytes(b"no picture")
    found = made.predict([b"", shop / "new"])
    assert found.defects[0] == "empty file" and found.defects.count("") == 10
    assert found.defects[found.paths.index(str(shop / "new" / "bad.png"))] == "not a picture file"
    frame = found.frame()
    assert frame.class_1[0] == "" and frame.rejected[0] == "" and frame.nearest[0] == ""


def test_unknown_pictures_are_rejected_and_choose_the_threshold(shop: Path) -> None:
    alone = fb.fit(shop / "shop", "pixels")
    informed = fb.fit(shop / "shop", "pixels", unknown=shop / "unknown")
    assert alone.measured.threshold is not None and alone.measured.threshold.rule == "known"
    assert informed.measured.threshold is not None and informed.measured.threshold.rule == "both"
    assert informed.predict(shop / "unknown").rejected.all()
    assert not informed.predict(shop / "new").rejected.any()
    informed.save(shop / "x.fsb")
    kept = fb.load(shop / "x.fsb")
    kept.add("more", shop / "new" / "0 0.png")
    assert kept.measured.threshold is not None and kept.measured.threshold.unknown == 4
    same = fb.fit(shop / "shop", "pixels", unknown=shop / "new")
    assert same.measured.separation is not None and not same.measured.separation.told_apart
    assert any("cannot be told apart" in note for note in same.predict(shop / "new").notes)


@pytest.mark.parametrize("method", ["pixels", "probable"])
def test_adding_is_fitting_anew_and_encodes_nothing_else(shop: Path, toys, method: str, monkeypatch) -> None:
    whole = fb.fit(shop / "shop", method)
    (shop / "shop" / "Größe 3").rename(shop / "apart")
    part = fb.fit(shop / "shop", method)
    seen: list[int] = []
    encode = type(part.method.encoder).encode
    monkeypatch.setattr(
        type(part.method.encoder),
        "encode",
        lambda self, batch: seen.append(len(batch)) or encode(self, batch),
    )
    part.add("Größe 3", shop / "apart")
    assert sum(seen) == 4 and part.counts == {**whole.counts}
    a, b = whole.predict(shop / "new").frame(), part.predict(shop / "new").frame()
    assert a.class_1.tolist() == b.class_1.tolist()
    np.testing.assert_allclose(a.probability_1, b.probability_1, atol=1e-4)
    part.remove("Größe 3")
    assert "Größe 3" not in part.class_names and len(part.references) == 7
    part.rename("Größe 2", "zwei")
    assert part.counts == {"Größe 0": 1, "Größe 1": 2, "zwei": 3, "Größe 4": 1}
    assert part.predict(shop / "new" / "2 0.png").picture(0)["top"][0]["class"] == "zwei"


def test_who_loses_by_a_product_is_told_before_it_is_kept(shop: Path) -> None:
    made = fb.fit(shop / "shop", "pixels")
    lost = made.add("double", [shop / "new" / "2 0.png", shop / "shop" / "Größe 2" / "0.png"])
    assert lost and lost[0].name == "Größe 2" and lost[0].loses and lost[0].taken_by == ("double",)
    assert str(lost[0]).startswith("Größe 2: ") and lost[0].asked == 3
    back = made.remove("double")
    assert [change.after - change.before for change in back] == [
        change.before - change.after for change in lost
    ]


def test_of_many_references_the_nearest_tells_who_loses_and_the_temperature_stays(
    shop: Path, monkeypatch
) -> None:
    made = fb.fit(shop / "shop", "pixels")
    before = made.measured
    monkeypatch.setattr("fewshot_bench.recogniser.changes.ONE_BY_ONE", 1)
    monkeypatch.setattr("fewshot_bench.recogniser.fitted.ONE_BY_ONE", 1)
    lost = made.add("double", [shop / "new" / "2 0.png", shop / "shop" / "Größe 2" / "0.png"])
    assert lost and lost[0].name == "Größe 2" and lost[0].taken_by == ("double",)
    assert made.measured.temperature == before.temperature and made.measured.threshold != before.threshold


def test_a_solution_is_kept_in_the_file_and_not_solved_again(shop: Path, toys, monkeypatch) -> None:
    made = fb.fit(shop / "shop", "probable")
    made.save(shop / "x.fsb")
    kept = fb.load(shop / "x.fsb")
    monkeypatch.setattr(type(kept.method.head), "fitted", None)
    assert np.array_equal(
        kept.predict(shop / "new").scores, made.predict(shop / "new").scores, equal_nan=True
    )


def test_references_count_as_products_do_in_use(shop: Path) -> None:
    made = fb.fit(shop / "shop", "pixels")  # products of 1, 2, 3, 4 and 1 references
    rows = np.flatnonzero(made.references.held)
    found = made.scorer.weights(rows)
    # left with 1 (2 references): the two products with one; left with 2 (3): one; left with 3 (4): those of 3 and 4
    assert found == pytest.approx(np.array([1, 1, 1 / 3, 1 / 3, 1 / 3, 0.5, 0.5, 0.5, 0.5]) * 9 / 5)
    values = np.arange(9.0)
    assert scorer.resampled(values, np.ones(9)).tolist() == values.tolist()
    assert scorer.resampled(values[:2], np.array([1.9, 0.1])).tolist() == [0.0, 0.0]
    assert not len(scorer.resampled(np.zeros(0), np.zeros(0)))


def test_references_without_themselves_are_those_of_many_at_once(shop: Path, toys, monkeypatch) -> None:
    one = fb.fit(shop / "shop", "probable")
    rows, scores = one.scorer.held
    assert rows.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9] and scores.shape == (9, 5)
    monkeypatch.setattr(scorer, "ONE_BY_ONE", 1)
    many = fb.fit(shop / "shop", "probable").scorer.held
    assert many.rows.tolist() == rows.tolist()
    assert (many.scores.argmax(1) == scores.argmax(1)).mean() > 0.7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.add("Größe 2", r.folder / "shop" / "Größe 2"), "has all of these pictures already"),
        (lambda r: r.add(" ", r.folder / "new"), "needs a name"),
        (lambda r: r.add("x", b"no"), "cannot be added .not a picture file"),
        (lambda r: r.remove("größe"), "no product 'größe' in this recogniser; it has 'Größe 0'"),
        (lambda r: r.rename("Größe 0", "Größe 1"), "no free name"),
    ],
)
def test_a_change_that_cannot_be_is_a_sentence_and_changes_nothing(shop: Path, change, words: str) -> None:
    made = fb.fit(shop / "shop", "pixels")
    made.folder = shop
    before = made.counts
    with pytest.raises(FsbenchError, match=words):
        change(made)
    assert made.counts == before


def test_methods_that_no_file_holds_and_other_mistakes_are_sentences(shop: Path, toys) -> None:
    for method, words in (
        ("episodic", "fsbench predict --method episodic"),
        ("together", "inductive method"),
    ):
        with pytest.raises(UsageError, match=words):
            fb.fit(shop / "shop", method)
    with pytest.raises(UsageError, match="--accept must be above 0"):
        fb.fit(shop / "shop", "pixels", accept=0.0)
    with pytest.raises(UsageError, match="None of the 1 unknown pictures can be read"):
        fb.fit(shop / "shop", "pixels", unknown=b"no")
    made = fb.fit(shop / "shop", "pixels")
    with pytest.raises(UsageError, match="--top"):
        made.predict(shop / "new", top=0)


def test_products_of_one_reference_each_have_no_probabilities_and_a_threshold(shop: Path) -> None:
    for path in (shop / "shop").rglob("[1-9].png"):
        path.unlink()
    made = fb.fit(shop / "shop", "pixels")
    found = made.predict(shop / "new")
    assert found.score_name == "score" and any("no probabilities" in note for note in found.notes)
    assert made.measured.threshold is not None and made.measured.threshold.rule == "unknown"
    made.save(shop / "x.fsb")
    assert fb.load(shop / "x.fsb").measured == made.measured


def test_a_file_of_another_encoder_or_with_wrong_facts_is_a_sentence(shop: Path) -> None:
    fb.fit(shop / "shop", "pixels").save(shop / "x.fsb")
    facts, arrays = read_recogniser(shop / "x.fsb")
    wrong = {"parameters": {"size": 16, "k": 1}}
    for change, words in (
        (
            wrong,
            r"made with the encoder pixels 32px \(\w{12}\), and the one that is built here is pixels 16px",
        ),
        ({"paths": []}, "its embeddings are not 0 rows"),
        ({"class_names": ["a", "a"]}, "different names"),
        ({"measured": {}}, "no sound recogniser"),
        ({"method": "pixles"}, "did you mean pixels"),
        ({"recipe": 1, "encoder": 3}, "no sound recogniser"),
    ):
        write_recogniser(shop / "y.fsb", {**facts, **change}, arrays)
        with pytest.raises(FsbenchError, match=words):
            fb.load(shop / "y.fsb")
    write_recogniser(shop / "y.fsb", facts, {"vectors": arrays["vectors"]})
    with pytest.raises(FsbenchError, match="no sound recogniser .'labels'"):
        fb.load(shop / "y.fsb")
