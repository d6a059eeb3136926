"""Prediction: new pictures against a folder of references, by embedding, episodic and trained methods."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.contract import registry
from fewshot_bench.engine import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.prediction import classifier
from fewshot_bench.prediction.run import predict

TOY = """
import numpy as np
from fewshot_bench.api import EmbeddingMethod, EpisodicMethod, LogisticRegression, PixelEncoder, Prototype

class Probable(EmbeddingMethod):
    api_version = 1
    name = "probable"
    summary = "logistic regression on pixels"
    calibrated = True

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), LogisticRegression(C=0.1)

class Episodic(EpisodicMethod):
    api_version = 1
    name = "episodic"
    summary = "class means of pictures"
    image_size = 8
    pretraining = "none"

    def solve(self, tasks):
        support, query = tasks.support_images / 255, tasks.query_images / 255
        there = (tasks.tasks.support >= 0)[..., None, None, None]
        mean = (support * there).sum(2) / there.sum(2)
        return -((query[:, :, None] - mean[:, None]) ** 2).sum((3, 4, 5))

class Together(Episodic):
    transductive = True

class Broken(Episodic):
    name = "broken"

    def solve(self, tasks):
        return super().solve(tasks) * np.nan

class Trained(Probable):
    trains = True
    seen = []

    def fit(self, base, context):
        self.seen.append((base.name, base.others, context.seed))
        return {}
"""

NAMES = ["probable", "episodic", "together", "broken", "trained"]


@pytest.fixture
def toys(make_plugin):
    make_plugin("toy-predict", TOY, **{name: name.capitalize() for name in NAMES})


def save(path: Path, base: np.ndarray, rng: np.random.Generator, noise: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noisy = np.clip(base + rng.integers(-noise, noise + 1, base.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(path)
    return path


@pytest.fixture
def shop(tmp_path):
    """Classes of 1 to 4 references, and new pictures: two of each class, and four of no class."""
    rng = np.random.default_rng(0)
    looks = rng.integers(30, 220, (9, 6, 6, 3)).repeat(2, axis=1).repeat(2, axis=2)
    for c in range(5):
        for i in range(1 + c % 4):
            save(tmp_path / "shop" / f"Größe {c}" / f"{i}.png", looks[c], rng)
        for i in range(2):
            save(tmp_path / "new" / f"{c} {i}.png", looks[c], rng)
    for c in range(5, 9):
        save(tmp_path / "new" / f"other {c}.png", looks[c], rng)
    return tmp_path


def pixels(path: Path, size: int) -> np.ndarray:
    small = Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float64).ravel() / 255


def test_the_nearest_reference_decides(shop):
    frame = fb.predict("pixels", shop / "shop", shop / "new", parameters={"size": 16}, top=3)
    references = sorted((shop / "shop").rglob("*.png"))
    table = np.stack([pixels(path, 16) for path in references])
    for row in frame.itertuples():
        distance = ((table - pixels(Path(row.path), 16)) ** 2).sum(axis=1)
        order = list(dict.fromkeys(references[i].parent.name for i in np.argsort(distance)))
        assert [row.class_1, row.class_2, row.class_3] == order[:3]
    own = frame[~frame.path.str.contains("other")]
    assert (own.class_1.str[-1] == own.path.map(lambda path: Path(path).name[0])).all()
    assert list(frame.columns) == [
        *["path", "class_1", "score_1", "class_2", "score_2", "class_3", "score_3"],
        *["nearest", "similarity", "reference", "unreadable"],
    ]
    assert frame.attrs["classes"] == 5 and frame.attrs["references"] == 11 and frame.attrs["reject"] is None


def test_why_is_the_nearest_reference_and_its_cosine_and_pictures_have_none(shop, toys):
    frame = fb.predict("pixels", shop / "shop", shop / "new", parameters={"size": 16})
    references = sorted((shop / "shop").rglob("*.png"))
    table = np.stack([pixels(path, 16) for path in references])
    for row in frame.itertuples():
        query = pixels(Path(row.path), 16)
        cosine = table @ query / np.linalg.norm(table, axis=1) / np.linalg.norm(query)
        best = references[int(cosine.argmax())]
        assert row.nearest == best.relative_to(shop / "shop").as_posix()
        assert row.similarity == pytest.approx(cosine.max(), abs=1e-5)
    assert "nearest" not in fb.predict("episodic", shop / "shop", shop / "new")


def test_neighbours_are_the_nearest_references_and_the_nearest_one_of_the_second_class(shop, toys):
    """Copies of a reference count once, and the runner-up's reference is the one that is nearest to the picture."""
    shutil.copy(shop / "shop/Größe 3/0.png", shop / "shop/Größe 3/copy.png")
    found = predict(Request("pixels", str(shop / "shop"), parameters={"size": 16}), [shop / "new"])
    references = [path for path in sorted((shop / "shop").rglob("*.png")) if path.stem != "copy"]
    table = np.stack([pixels(path, 16) for path in references])
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    later = 0
    for i, path in enumerate(found.paths):
        query, picture = pixels(Path(path), 16), found.picture(i)
        cosine = table @ query / np.linalg.norm(query)

        def told(row: int, cosine: np.ndarray = cosine) -> dict[str, object]:
            name, similarity = references[row], pytest.approx(cosine[row], abs=1e-5)
            place = name.relative_to(shop / "shop").as_posix()
            return {"reference": place, "class": name.parent.name, "similarity": similarity}

        assert picture["neighbours"] == [told(row) for row in np.argsort(-cosine)[:3].tolist()]
        second = picture["top"][1]["class"]
        own = [row for row, name in enumerate(references) if name.parent.name == second]
        best = max(own, key=lambda row: cosine[row])
        assert picture["runner_up"] == told(best)
        later += best != own[0]
        assert (picture["nearest"], picture["similarity"]) == (*picture["neighbours"][0].values(),)[::2]
    assert later
    alone = predict(Request("pixels", str(shop / "shop")), [shop / "new"], top=1).picture(0)
    assert len(alone["neighbours"]) == 3 and "runner_up" not in alone
    pictured = predict(Request("episodic", str(shop / "shop")), [shop / "new"]).picture(0)
    assert "neighbours" not in pictured and "runner_up" not in pictured


def test_probabilities_only_where_a_method_promises_them(shop, toys):
    frame = fb.predict("probable", shop / "shop", shop / "new", top=9)
    columns = [f"probability_{t}" for t in range(1, 6)]
    assert "score_1" not in frame and "probability_6" not in frame
    assert np.allclose(frame[columns].sum(axis=1), 1, atol=1e-5)
    assert (np.diff(frame[columns].to_numpy(), axis=1) <= 0).all()


@pytest.mark.parametrize("method", ["pixels", "probable", "episodic"])
def test_one_picture_says_the_same_alone_and_among_others(shop, toys, method, monkeypatch):
    together = fb.predict(method, shop / "shop", shop / "new", reject=True)
    paths = [Path(path) for path in together.path]
    backwards = fb.predict(method, shop / "shop", paths[::-1], reject=True)[::-1]
    alone = [fb.predict(method, shop / "shop", path, reject=True) for path in paths[::5]]
    monkeypatch.setattr(classifier, "MIN_BATCH", 1)
    monkeypatch.setattr(classifier, "MAX_BATCH", 3)
    monkeypatch.setattr(classifier, "MAX_BATCH_EPISODIC", 3)
    in_parts = fb.predict(method, shop / "shop", shop / "new", reject=True)
    for other, of in [
        (backwards, together),
        (in_parts, together),
        *((one, together[together.path == one.path[0]]) for one in alone),
    ]:
        for column in together:
            a, b = other[column].to_numpy(), of[column].to_numpy()
            if a.dtype.kind == "f":
                assert np.allclose(a, b, rtol=1e-4, atol=1e-4)
            else:
                assert a.tolist() == b.tolist()
        assert other.attrs["reject"]["value"] == pytest.approx(of.attrs["reject"]["value"], abs=1e-4)


def test_what_cannot_be_read_is_listed_and_what_is_a_reference_is_marked(shop):
    bad, empty = shop / "new" / "a bad.png", shop / "new" / "z empty.png"
    bad.write_bytes(b"no picture")
    empty.touch()
    copy = shop / "new" / "copy.jpg"
    shutil.copy(shop / "shop" / "Größe 2" / "1.png", copy)
    frame = fb.predict("pixels", shop / "shop", shop / "new", reject=True).set_index("path")
    assert len(frame) == 17
    assert frame.unreadable[str(bad)] == "not a picture file" and frame.unreadable[str(empty)] == "empty file"
    assert (frame.unreadable == "").sum() == 15
    for path in (bad, empty):
        assert frame.class_1[str(path)] == "" and np.isnan(frame.score_1[str(path)])
        assert frame.rejected[str(path)] == ""
    assert frame.reference[str(copy)] == "Größe 2/1.png" and (frame.reference != "").sum() == 1
    assert frame.class_1[str(copy)] == "Größe 2"
    with pytest.raises(
        FsbenchError, match=r"None of the 2 pictures can be read \(the first, .*a bad.png: not a"
    ):
        fb.predict("pixels", shop / "shop", [bad, empty])


@pytest.mark.parametrize("method", ["pixels", "episodic"])
def test_pictures_of_no_class_are_rejected(shop, toys, method):
    frame = fb.predict(method, shop / "shop", shop / "new", reject=True)
    assert frame.rejected.tolist() == frame.path.str.contains("other").tolist()
    found = frame.attrs["reject"]
    assert (found["rule"], found["known"], found["unknown"]) == ("both", 9, 11)
    assert found["accepted"] == 0.0 and found["rejected"] == 0.0
    nearest = {"pixels": "nearest reference", "episodic": "best class"}[method]
    assert frame.attrs["best"] == f"score of the {nearest}"


def test_one_reference_a_class_is_enough_to_reject(tmp_path):
    rng = np.random.default_rng(1)
    looks = rng.integers(30, 220, (40, 12, 12, 3))
    for c, look in enumerate(looks):
        save(tmp_path / "new" / f"{c}.png", look, rng)
        if c < 30:
            save(tmp_path / "shop" / f"{c}" / "reference.png", look, rng)
    frame = fb.predict("pixels", tmp_path / "shop", tmp_path / "new", reject=True)
    found = frame.attrs["reject"]
    assert (found["rule"], found["known"], found["unknown"]) == ("unknown", 0, 30)
    assert found["rejected"] is None and found["accepted"] <= 0.05
    assert not frame.rejected[:30].any() and frame.rejected[30:].mean() >= 0.8
    assert frame.class_1[:30].tolist() == [str(c) for c in range(30)]


def test_copies_of_a_reference_prove_nothing(shop):
    for path in list((shop / "shop").rglob("0.png")):
        for copy in "abc":
            shutil.copy(path, path.with_name(f"{copy}.png"))
    found = fb.predict("pixels", shop / "shop", shop / "new", reject=True).attrs["reject"]
    assert found["known"] == 9 + 3 * 3  # a copy is held out with its picture; the class of one has no other
    shutil.copy(shop / "shop" / "Größe 0" / "0.png", shop / "shop" / "Größe 1" / "twin.png")
    after = fb.predict("pixels", shop / "shop", shop / "new", reject=True)
    assert after.attrs["reject"]["unknown"] == found["unknown"] - 4
    assert "Contents that occur in more than one class: 1." in after.attrs["notes"]


def test_two_classes_can_be_told_from_others_by_their_own_pictures_alone(shop):
    for c in (0, 3, 4):
        shutil.rmtree(shop / "shop" / f"Größe {c}")
    found = fb.predict("pixels", shop / "shop", shop / "new", reject=True).attrs["reject"]
    assert (found["rule"], found["known"], found["unknown"], found["accepted"]) == ("known", 5, 0, None)
    for path in (shop / "shop").rglob("[1-9].png"):
        path.unlink()
    with pytest.raises(UsageError, match="a class of two different pictures, or three classes"):
        fb.predict("pixels", shop / "shop", shop / "new", reject=True)


def test_a_trained_method_is_fitted_as_in_a_run(shop, toys):
    method = registry.load(registry.METHODS, "trained")
    fb.predict("trained", shop / "shop", shop / "new", train_dataset="digits", train_seed=3)
    assert method.seen == [("digits", (), 3)]


def test_references_may_be_training_data_unless_a_threshold_is_measured_on_them(shop, toys):
    own = {"train_dataset": "digits", "unlabelled": (str(shop / "shop"),)}
    fb.predict("trained", shop / "shop", shop / "new", **own)
    with pytest.raises(FsbenchError, match="of the unlabelled data"):
        fb.predict("trained", shop / "shop", shop / "new", reject=True, **own)


def test_a_transductive_method_says_so_and_has_no_threshold(shop, toys):
    frame = fb.predict("together", shop / "shop", shop / "new")
    assert any("transductive" in note and "14 of which" in note for note in frame.attrs["notes"])
    with pytest.raises(UsageError, match="leave --reject out"):
        fb.predict("together", shop / "shop", shop / "new", reject=True)


def test_json_is_whole_and_says_what_the_frame_says(shop):
    (shop / "new" / "bad.png").write_bytes(b"no picture")
    found = predict(Request("pixels", str(shop / "shop")), [shop / "new"], reject_rate=0.1, top=2)
    told = json.loads("".join(found.json_lines()))
    frame = found.frame()
    assert told["pictures"] == 15 and told["unreadable"] == 1 and told["reject"]["rate"] == 0.1
    assert told["method"] == "pixels" and told["parameters"] == {"size": 32, "k": 1}
    for picture, row in zip(told["results"], frame.itertuples(), strict=True):
        assert picture["path"] == row.path and picture.get("unreadable", "") == row.unreadable
        if not row.unreadable:
            assert [top["class"] for top in picture["top"]] == [row.class_1, row.class_2]
            assert [top["score"] for top in picture["top"]] == [row.score_1, row.score_2]
            assert (picture["nearest"], picture["similarity"]) == (row.nearest, row.similarity)
            assert (picture["rejected"], picture["best"]) == (row.rejected, row.best)


def test_progress_goes_from_nothing_to_all(shop, monkeypatch):
    monkeypatch.setattr(classifier, "MIN_BATCH", 1)
    monkeypatch.setattr(classifier, "MAX_BATCH", 5)
    calls = []
    fb.predict(
        "pixels", shop / "shop", shop / "new", reject=True, progress=lambda *call, **_: calls.append(call)
    )
    for stage in ("calibrate", "predict"):
        done = [call[1] / call[2] for call in calls if call[0] == stage]
        assert done[0] == 0 and done[-1] == 1 and done == sorted(done)
    assert len({call[1] for call in calls if call[0] == "predict"}) > 3


@pytest.mark.parametrize(
    ("method", "support", "images", "options", "error", "words"),
    [
        ("pixles", "shop", "new", {}, UsageError, "did you mean pixels"),
        ("pixels", "nowhere", "new", {}, UsageError, "--support .*nowhere is no folder"),
        ("pixels", "shop", "nowhere", {}, UsageError, "There is no file or folder .*nowhere"),
        ("pixels", "new", "new", {}, FsbenchError, "holds no pictures in class folders"),
        ("pixels", "one", "new", {}, FsbenchError, "holds one class, 'a'"),
        ("pixels", "shop", "new", {"top": 0}, UsageError, "--top must be a whole number from 1, not 0"),
        ("pixels", "shop", "new", {"reject": True, "reject_rate": 1.0}, UsageError, "below 1, not 1.0"),
        ("broken", "shop", "new", {}, FsbenchError, "The method broken returned NaN"),
    ],
)
def test_mistakes_are_sentences(shop, toys, method, support, images, options, error, words):
    (shop / "one" / "a").mkdir(parents=True)
    shutil.copy(shop / "shop" / "Größe 2" / "1.png", shop / "one" / "a")
    with pytest.raises(error, match=words):
        fb.predict(method, shop / support, shop / images, **options)
