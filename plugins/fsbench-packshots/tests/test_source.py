"""The packshots data set: the same pictures always, splits without a common brand, classes that differ."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fsbench_packshots import Packshots
from fsbench_packshots.brands import BRANDS, RANGE, catalogue
from fsbench_packshots.camera import LONG_SIDE
from fsbench_packshots.forms import pack
from fsbench_packshots.studio import SIDE
from PIL import Image

from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex


@pytest.fixture(scope="module")
def index() -> ImageIndex:
    return Packshots().load()


def pixels(image: Image.Image) -> bytes:
    return image.tobytes()


def test_counts(index: ImageIndex) -> None:
    assert len(index.class_names) == len(set(index.class_names)) == 280
    assert [index.class_splits.count(split) for split in ("base", "validation", "novel")] == [160, 40, 80]
    for pool, count in ((SUPPORT, 5), (QUERY, 20)):
        assert (np.bincount(index.labels[index.pools == pool], minlength=280) == count).all()
    assert len(index) == len(set(index.paths)) == 7000
    assert len(set(index.groups.tolist())) == 7000 and not index.guards.any()
    assert index.synthetic and "ynthetic" in index.notes[0]
    assert index.digests.shape == (7000, 32)
    assert len({d.tobytes() for d in index.digests}) == 7000


def test_paths_name_split_class_and_pool(index: ImageIndex) -> None:
    for row in (0, 3333, 6999):
        label = int(index.labels[row])
        split, name, pool, number = index.paths[row].split("/")
        assert (split, name) == (index.class_splits[label], index.class_names[label])
        assert (pool, int(number)) == (
            {SUPPORT: "in-vitro", QUERY: "in-situ"}[int(index.pools[row])],
            index.positions[row],
        )


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_no_brand_in_two_splits(seed: int) -> None:
    products = catalogue(seed)
    brands = {split: {p.brand.name for p in products if p.split == split} for split in BRANDS}
    assert {split: len(names) for split, names in brands.items()} == BRANDS
    for one, other in itertools.combinations(brands.values(), 2):
        assert not one & other
    assert len({p.name for p in products}) == len(products) == RANGE * sum(BRANDS.values())


def test_another_seed_is_another_data_set(index: ImageIndex) -> None:
    other = Packshots(seed=1).load()
    assert other.fingerprint != index.fingerprint == Packshots().load().fingerprint
    assert not {d.tobytes() for d in other.digests} & {d.tobytes() for d in index.digests}
    assert pixels(other.reader(0)) != pixels(index.reader(0))


@pytest.mark.slow
def test_pictures_are_rgb_of_the_stated_size(index: ImageIndex) -> None:
    for row in range(0, len(index), 211):
        image = index.reader(row)
        assert image.mode == "RGB"
        assert max(image.size) == (SIDE if index.pools[row] == SUPPORT else LONG_SIDE)
        assert min(image.size) > 90
        assert np.asarray(image).std() > 8


@pytest.mark.slow
def test_a_picture_is_the_same_in_any_order_and_thread(index: ImageIndex) -> None:
    rows = list(range(5, 7000, 331))
    first = [pixels(index.reader(row)) for row in rows]
    pack.cache_clear()
    assert [pixels(index.reader(row)) for row in reversed(rows)] == first[::-1]
    pack.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda row: pixels(index.reader(row)), rows)) == first
    novel = index.only("novel")
    assert pixels(novel.reader(0)) == pixels(index.reader(int(np.flatnonzero(index.labels == 200)[0])))


@pytest.mark.subprocess
def test_a_picture_is_the_same_in_another_process(index: ImageIndex) -> None:
    code = (
        "import hashlib; from fsbench_packshots import Packshots\n"
        "read = Packshots().load().reader\n"
        "print(*(hashlib.sha256(read(row).tobytes()).hexdigest() for row in (6990, 17)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [hashlib.sha256(pixels(index.reader(row))).hexdigest() for row in (6990, 17)]
    assert done.stdout.split() == here


@pytest.mark.subprocess
def test_making_the_index_draws_nothing() -> None:
    code = (
        "import sys; from fsbench_packshots import Packshots; Packshots().load()\n"
        "drawing = ('forms', 'camera', 'label', 'torch')\n"
        "print(*(m for m in sys.modules if m.split('.')[-1] in drawing))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.slow
def test_products_of_a_brand_look_different() -> None:
    """Fine-grained, yet never the same: packs of one form differ visibly in a fiftieth of their area."""
    for first in range(0, 280, RANGE):
        range_ = catalogue(0)[first : first + RANGE]
        for one, other in itertools.combinations(range_, 2):
            if one.form != other.form:
                continue
            a, b = (np.asarray(pack(0, p.number).front, dtype=float) for p in (one, other))
            inside = (a[..., 3] > 128) & (b[..., 3] > 128)
            furthest = np.abs(a - b)[inside][:, :3].max(axis=1)
            assert (furthest > 40).mean() > 0.02, (one.name, other.name)


def test_pictures_of_a_class_vary(index: ImageIndex) -> None:
    rows = np.flatnonzero(index.labels == 77)
    assert len({pixels(index.reader(int(row))) for row in rows}) == 25
