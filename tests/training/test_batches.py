"""Training episodes: pure functions of their numbers, as the sampler draws them, each picture decoded once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from fewshot_bench.data.index import BOTH, ImageIndex  # noqa: E402
from fewshot_bench.embed import PretrainedEncoder  # noqa: E402
from fewshot_bench.errors import UsageError  # noqa: E402
from fewshot_bench.heads.prototype import Prototype  # noqa: E402
from fewshot_bench.training.batches import (  # noqa: E402
    EpisodeBatch,
    Episodes,
    PairBatches,
    PictureBatches,
    TripletBatches,
)
from fewshot_bench.training.network import make_network  # noqa: E402
from fewshot_bench.training.pictures import PictureTable, read_pictures  # noqa: E402
from fewshot_bench.training.validation import Validation  # noqa: E402

SHAPE = {"ways": 3, "shots": 2, "queries": 3, "tasks": 2}


class Shelf:
    """Classes of plain pictures whose colour is (class, number); ``read`` lists the rows that were decoded."""

    def __init__(self, classes=5, images=8, groups=None):
        m = classes * images
        self.labels, self.read = np.repeat(np.arange(classes), images).astype(np.int32), []
        digests = b"".join(hashlib.sha256(bytes([row])).digest() for row in range(m))
        self.index = ImageIndex(
            name="shelf",
            variant="default",
            paths=tuple(f"{row}.png" for row in range(m)),
            labels=self.labels,
            class_names=tuple(map(str, range(classes))),
            class_splits=("base",) * classes,
            pools=np.full(m, BOTH, np.uint8),
            groups=np.arange(m) if groups is None else groups,
            positions=np.zeros(m, np.int64),
            guards=np.zeros(classes, np.int64),
            digests=np.frombuffer(digests, np.uint8).reshape(m, 32),
            reader=self.reader,
        )

    def reader(self, row):
        self.read.append(row)
        return Image.new("RGB", (4, 4), (int(self.labels[row]), row, 0))


def prepare(image):
    return np.array(image).transpose(2, 0, 1)


def episodes(shelf=None, steps=4, seed=1, **changes):
    data = Episodes((shelf or Shelf()).index, **{**SHAPE, **changes})
    return data.open(prepare, seed, steps)


def test_a_batch_is_a_pure_function_of_its_numbers():
    one, other = episodes(), episodes()
    numbers = [(epoch, number) for epoch in range(3) for number in range(4)]
    forwards = {key: one.batch(*key) for key in numbers}
    with ThreadPoolExecutor(3) as pool:
        backwards = dict(
            zip(numbers[::-1], pool.map(lambda key: other.batch(*key), numbers[::-1]), strict=True)
        )
    for key in numbers:
        assert np.array_equal(forwards[key].support, backwards[key].support)
        assert np.array_equal(forwards[key].query, backwards[key].query)
    assert len({batch.support.tobytes() for batch in forwards.values()}) == len(numbers)
    assert episodes(seed=2).batch(0, 0).support.tobytes() != forwards[0, 0].support.tobytes()


def test_batches_are_episodes_of_the_shape():
    batch = episodes().batch(0, 0)
    assert batch.support.shape == (2, 3, 2, 3, 4, 4) and batch.query.shape == (2, 3, 3, 3, 4, 4)
    assert episodes().images == 2 * 3 * (2 + 3)
    support, query = (images[..., :2, 0, 0] for images in batch)  # class and row of each picture
    for t in range(2):
        classes = support[t, :, 0, 0]
        assert len(set(classes.tolist())) == 3
        assert (support[t, :, :, 0] == classes[:, None]).all() and (
            query[t, :, :, 0] == classes[:, None]
        ).all()
        rows = np.concatenate([support[t, :, :, 1].ravel(), query[t, :, :, 1].ravel()])
        assert len(set(rows.tolist())) == 15


def test_a_group_is_on_one_side_of_an_episode():
    shelf = Shelf(groups=np.arange(40) // 2)
    drawn = episodes(shelf, queries=4, tasks=1, steps=50)
    for number in range(50):
        support, query = drawn.rows(0, number)
        assert not set((support // 2).ravel().tolist()) & set((query // 2).ravel().tolist())


def test_each_picture_is_decoded_once_and_only_when_it_is_needed():
    shelf = Shelf()
    drawn = episodes(shelf)
    drawn.batch(0, 0)
    assert len(shelf.read) == len(set(shelf.read)) <= drawn.images
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: drawn.batch(number // 4, number % 4), range(24)))
    assert sorted(shelf.read) == list(range(40))


def test_a_table_gives_pictures_of_any_shape_of_rows():
    table = PictureTable(Shelf().index, prepare)
    rows = np.array([[3, 17], [17, 39]])
    assert table[rows].shape == (2, 2, 3, 4, 4)
    assert np.array_equal(table[rows][..., 1, 0, 0], rows)


def test_an_augmentation_changes_each_picture_and_is_part_of_the_function():
    plain, one, other = (episodes(augment=a) for a in ("none", "flip", "flip"))
    assert np.array_equal(one.batch(1, 2).query, other.batch(1, 2).query)
    assert np.array_equal(one.batch(1, 2).query, plain.batch(1, 2).query), "plain colours stay as they are"


def test_too_few_classes_are_a_sentence():
    with pytest.raises(
        UsageError, match="of 6 classes with 2 support and 3 query .* shelf has 5 base classes"
    ):
        episodes(ways=6)
    with pytest.raises(UsageError, match="has 0 base classes with so many; ask for less"):
        episodes(queries=7)


def test_small_classes_are_left_out():
    shelf = Shelf()
    keep = np.flatnonzero((shelf.labels != 4) | (np.arange(40) % 8 < 3))
    index = replace(
        shelf.index, paths=tuple(shelf.index.paths[i] for i in keep),
        **{f: getattr(shelf.index, f)[keep] for f in ("labels", "pools", "groups", "positions", "digests")},
        reader=lambda row: shelf.reader(int(keep[row])),
    )  # fmt: skip
    drawn = Episodes(index, **SHAPE).open(prepare, 0, 20)
    assert set(index.labels[np.concatenate([drawn.rows(0, n)[0].ravel() for n in range(20)])]) == {0, 1, 2, 3}


def test_validation_episodes_know_the_classes_of_their_queries():
    """The class's colour as a vector: every prototype is its own class."""
    validation = Validation(5, 1, 15, episodes=10).open(Shelf().index, prepare, 0)
    assert validation.tasks.support.shape == (10, 5, 1) and validation.tasks.query.shape == (10, 5 * 7)
    colours = torch.from_numpy(validation.table[:, :1, 0, 0].astype(np.float32))
    scores = Prototype().scores(colours, validation.tasks)[0].numpy()
    assert validation.accuracy(scores) == 1.0 and validation.accuracy(-scores) == 0.0
    assert Validation(9, 1, 2).open(Shelf().index, prepare, 0).tasks.ways == 5
    assert Validation("all", 1, 2).open(Shelf().index, prepare, 0).tasks.ways == 5


def test_embedded_pictures_are_what_the_encoder_gives_and_gradients_pass():
    encoder = PretrainedEncoder("conv4-32", pooling="flatten", size=32)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3, 32, 32), dtype=np.uint8)
    network = make_network(encoder).eval()
    support, query = EpisodeBatch(images[:, :, :1], images[:, :, 1:]).embedded(network)
    assert support.shape == (2, 3, 1, 128) and query.shape == (2, 6, 128)
    expected = encoder.encode(images.reshape(-1, 3, 32, 32)).reshape(2, 3, 3, 128)
    np.testing.assert_allclose(support.detach().numpy(), expected[:, :, :1], atol=1e-5)
    np.testing.assert_allclose(query.detach().numpy(), expected[:, :, 1:].reshape(2, 6, 128), atol=1e-5)
    (support.sum() + query.sum()).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_a_table_takes_the_memory_of_the_pictures_asked_for():
    """The index has 40 pictures: three of them take three places, and a growing table keeps what it has."""
    table = PictureTable(Shelf().index, prepare)
    few = table[np.array([3, 17, 39])]
    assert table._pictures.shape[0] == 3
    for row in range(0, 40, 2):
        table[np.array([row])]
    assert table._pictures.shape[0] <= 40
    assert np.array_equal(table[np.array([3, 17, 39])], few)
    assert np.array_equal(table[np.arange(40)][:, 1, 0, 0], np.arange(40))


def test_pictures_of_a_table_that_would_be_too_large_are_decoded_when_they_are_asked_for():
    shelf = Shelf()
    table = PictureTable(shelf.index, prepare, keep=100)
    rows = np.array([[3, 17], [17, 39]])
    for _ in range(2):
        assert np.array_equal(table[rows][..., 1, 0, 0], rows)
    assert sorted(shelf.read) == [3, 3, 17, 17, 39, 39] and table._pictures is None
    assert np.array_equal(read_pictures(shelf.index, rows, prepare)[..., 1, 0, 0], rows)


@pytest.mark.parametrize("kind", [PairBatches, TripletBatches])
@pytest.mark.parametrize("augment", ["none", "flip", "distort"])
def test_tuples_are_pure_functions_of_their_numbers_and_show_what_they_say(kind, augment):
    shelf = Shelf()
    shelf.index = replace(shelf.index, reader=lambda row: shelf.reader(row).resize((32, 32)))
    batches = kind(shelf.index, 6, augment=augment).open(prepare, 3, 4)
    batch, again, other = batches.batch(0, 1), batches.batch(0, 1), batches.batch(1, 1)
    views = 2 if kind is PairBatches else 3
    assert batch.images.shape == (6, views, 3, 32, 32) and batches.images == 6 * views
    assert np.array_equal(batch.images, again.images) and not np.array_equal(batch.images, other.images)
    if augment == "none":
        classes = batch.images[:, :, 0, 0, 0]
        assert np.array_equal(classes[:, 0] == classes[:, 1], batch.same)
        assert views == 2 or (classes[:, 0] != classes[:, 2]).all()


@pytest.mark.parametrize("size", [7, 40, 64])
def test_every_labelled_picture_is_shown_before_any_is_shown_again(size):
    batches = PictureBatches(Shelf().index, size).open(prepare, 0, 12)
    shown = [batches.batch(0, number) for number in range(12)]
    rows = np.concatenate([batch.images[:, 1, 0, 0] for batch in shown])
    labels = np.concatenate([batch.labels for batch in shown])
    assert np.array_equal(labels, rows // 8)
    for turn in range(len(rows) // 40):
        assert sorted(rows[turn * 40 : (turn + 1) * 40].tolist()) == list(range(40))
    assert np.array_equal(batches.batch(0, 3).images, shown[3].images)
    assert not np.array_equal(batches.batch(1, 0).images, shown[0].images)
