"""Every image is encoded once in the life of the cache, whatever goes wrong in between."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store import segments as segment_files
from fewshot_bench.store import writer
from fewshot_bench.store.cache import EmbeddingCache
from fewshot_bench.store.encoder import Composed, Encoder
from fewshot_bench.training.linear import LinearEncoder


def files(root, pattern="*/*.npy"):
    return sorted(path.name for path in root.glob(pattern))


def test_vectors_come_back_in_the_order_asked_and_are_made_once(tmp_path, plain, counting, expected):
    index, encoder, cache = plain(range(300)), counting(), EmbeddingCache(tmp_path)
    assert isinstance(encoder, Encoder)
    rows = np.random.default_rng(0).permutation(300)
    for _ in range(3):
        got = cache.embed(encoder, index, rows)
        np.testing.assert_array_equal(got, expected(rows))
        assert got.dtype == np.float32 and got.flags.writeable
    assert sorted(encoder.colours) == list(range(300))
    np.testing.assert_array_equal(cache.embed(encoder, index, rows[:7]), expected(rows[:7]))
    assert len(encoder.colours) == 300


def test_of_a_composed_encoder_the_inner_embeddings_are_kept_and_mapped_when_read(
    tmp_path, plain, counting, expected
):
    index, inner, cache = plain(range(50)), counting(), EmbeddingCache(tmp_path)
    for factor in (2, -3):
        matrix = factor * np.eye(expected([0]).shape[1], dtype=np.float32)[:2]
        linear = LinearEncoder(inner, matrix, np.ones(2, np.float32), "none")
        assert isinstance(linear, Composed) and not isinstance(inner, Composed)
        for dtype in ("float32", "float16"):
            got = cache.embed(linear, index, np.arange(50), dtype=dtype)
            np.testing.assert_array_equal(got, (factor * expected(range(50))[:, :2] + 1).astype(dtype))
            assert got.dtype == dtype
    assert sorted(inner.colours) == sorted([*range(50)] * 2)  # once as float32, once as float16


def test_only_what_is_missing_is_encoded(tmp_path, plain, counting, expected):
    index, cache = plain(range(100)), EmbeddingCache(tmp_path)
    cache.embed(counting(), index, np.arange(0, 60))
    encoder, seen = counting(), []
    got = cache.embed(encoder, index, np.arange(100), progress=lambda *step: seen.append(step))
    np.testing.assert_array_equal(got, expected(range(100)))
    assert sorted(encoder.colours) == list(range(60, 100))
    assert seen == [(32, 40), (40, 40)]


@settings(max_examples=30, deadline=None)
@given(
    requests=st.lists(st.lists(st.integers(0, 40), max_size=25), min_size=1, max_size=6),
    batch_size=st.integers(1, 9),
)
def test_any_sequence_of_requests(tmp_path_factory, plain, counting, expected, requests, batch_size):
    """Repeats within and between requests, empty ones, any batch size: right vectors, each made once."""
    cache, encoder = EmbeddingCache(tmp_path_factory.mktemp("cache")), counting()
    index = plain(range(41))
    for request in requests:
        got = cache.embed(encoder, index, np.array(request, dtype=np.int64), batch_size=batch_size)
        if request:
            np.testing.assert_array_equal(got, expected(request))
        assert len(got) == len(request)
    assert sorted(encoder.colours) == sorted({v for request in requests for v in request})


def test_equal_content_is_encoded_once_even_across_data_sets(tmp_path, plain, counting, expected):
    encoder, cache = counting(), EmbeddingCache(tmp_path)
    twins = plain([5, 5, 6, 5])
    np.testing.assert_array_equal(cache.embed(encoder, twins, np.arange(4)), expected([5, 5, 6, 5]))
    np.testing.assert_array_equal(cache.embed(encoder, plain([6, 5]), np.arange(2)), expected([6, 5]))
    assert sorted(encoder.colours) == [5, 6]


def test_the_encoder_always_sees_full_batches(tmp_path, plain, counting):
    encoder = counting()
    EmbeddingCache(tmp_path).embed(encoder, plain(range(70)), np.arange(70), batch_size=32)
    EmbeddingCache(tmp_path).embed(encoder, plain([999]), np.arange(1), batch_size=32)
    assert [len(batch) for batch in encoder.batches] == [32, 32, 32, 32]


def test_encoders_and_number_types_do_not_mix(tmp_path, plain, counting):
    index, cache = plain([300]), EmbeddingCache(tmp_path)
    one, other = counting(), counting(print="b" * 64)
    half = cache.embed(one, index, np.arange(1), dtype="float16")
    assert half.dtype == np.float16
    cache.embed(one, index, np.arange(1))
    cache.embed(other, index, np.arange(1))
    assert len(one.batches) == 2 and len(other.batches) == 1
    assert [row["dtype"] for row in cache.info()].count("float16") == 1
    with pytest.raises(UsageError, match="'int8'"):
        cache.embed(one, index, np.arange(1), dtype="int8")


def test_a_value_too_large_for_float16_is_an_error_not_infinity(tmp_path, plain, counting):
    class Large(counting):
        def encode(self, batch):
            return np.full((len(batch), 2), 1e5, np.float32)

    with pytest.raises(FsbenchError, match=r"0\.png of the data set plain.*float16"):
        EmbeddingCache(tmp_path).embed(Large(), plain([1]), np.arange(1), dtype="float16")
    assert files(tmp_path) == []


def test_an_unreadable_image_is_named_and_the_work_before_it_is_kept(tmp_path, plain, counting, expected):
    good = plain(range(91))
    order = sorted(range(91), key=lambda row: good.digests[row].tobytes())

    def reader(row):
        if row == order[-1]:
            raise OSError("image file is truncated")
        return good.reader(row)

    index, encoder, cache = plain(range(91), reader), counting(), EmbeddingCache(tmp_path)
    said = rf"Cannot decode {order[-1]}\.png of the data set plain \(image file"
    with pytest.raises(FsbenchError, match=said):
        cache.embed(encoder, index, np.arange(91))
    assert len(encoder.colours) == 64
    kept = np.array(order[:64])
    np.testing.assert_array_equal(cache.embed(encoder, index, kept), expected(kept))
    assert len(encoder.colours) == 64


def test_ctrl_c_keeps_finished_batches(tmp_path, plain, counting):
    def interrupt(done, _total):
        if done >= 64:
            raise KeyboardInterrupt

    index, encoder, cache = plain(range(200)), counting(), EmbeddingCache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.embed(encoder, index, np.arange(200), progress=interrupt)
    cache.embed(encoder, index, np.arange(200))
    assert len(encoder.colours) == 200
    assert not [name for name in files(tmp_path, "*/*") if name.endswith(".part")]


def test_a_full_disk_is_one_sentence_and_leaves_no_partial_file(tmp_path, plain, counting, monkeypatch):
    index, encoder, cache = plain(range(40)), counting(), EmbeddingCache(tmp_path)
    whole = np.lib.format.write_array

    def full(stream, array, **kwargs):
        if array.dtype == np.uint8:
            stream.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(stream, array, **kwargs)

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(FsbenchError, match="disk is full.*FSBENCH_CACHE") as caught:
        cache.embed(encoder, index, np.arange(40))
    assert "\n" not in str(caught.value)
    assert files(tmp_path, "*/*") == ["encoder.json"]
    monkeypatch.undo()
    assert len(cache.embed(encoder, index, np.arange(40))) == 40


def test_a_cache_that_cannot_be_written_to_is_one_sentence(tmp_path, plain, counting):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(FsbenchError, match="Cannot write to the embedding cache.*FSBENCH_CACHE"):
        EmbeddingCache(blocked / "cache").embed(counting(), plain([1]), np.arange(1))


@pytest.mark.parametrize("kind", ["vectors", "digests", "sums"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "removed", "garbled"])
def test_a_damaged_segment_is_encoded_again(tmp_path, plain, counting, expected, kind, damage):
    index, encoder, cache = plain(range(50)), counting(), EmbeddingCache(tmp_path)
    cache.embed(encoder, index, np.arange(50))
    (path,) = tmp_path.glob(f"*/*.{kind}.npy")
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes({"truncated": content[:-5], "emptied": b"", "garbled": b"x" * len(content)}[damage])
    if damage == "removed":
        got = cache.embed(encoder, index, np.arange(50))
    else:
        with pytest.warns(UserWarning, match="damaged"):
            got = cache.embed(encoder, index, np.arange(50))
    np.testing.assert_array_equal(got, expected(range(50)))
    assert len(encoder.colours) == 100
    assert len(files(tmp_path)) == 3, "the damaged files are gone"


def test_many_small_segments_become_one(tmp_path, plain, counting, expected, monkeypatch):
    """Four of about one size become one: 40 images, one at a time, in at most three of each size."""
    monkeypatch.setattr(segment_files, "FAN_IN", 4)
    index, encoder, cache = plain(range(40)), counting(), EmbeddingCache(tmp_path)
    most = 0
    for i in range(40):
        cache.embed(encoder, index, np.array([i]), batch_size=1)
        most = max(most, len(files(tmp_path)) // 3)
    assert 3 <= most <= 6
    np.testing.assert_array_equal(cache.embed(encoder, index, np.arange(40)), expected(range(40)))
    assert len(encoder.colours) == 40


def test_large_segments_are_not_rewritten(tmp_path, monkeypatch):
    monkeypatch.setattr(segment_files, "LARGE", 100)
    rng = np.random.default_rng(0)
    made = [
        segment_files.write_segment(
            tmp_path,
            [segment_files.as_keys(rng.integers(0, 256, (10, 32), dtype=np.uint8))],
            [np.zeros((10, 3))],
        )
        for _ in range(20)
    ]
    assert segment_files.merge_small(tmp_path, made) == made


@pytest.mark.parametrize(
    ("limit", "value", "segments"),
    [("FLUSH_IMAGES", 64, [0, 1, 1, 2, 2, 3, 3, 4]), ("FLUSH_SECONDS", -1.0, [1, 2, 3, 4, 5, 6, 7, 8])],
)
def test_segments_are_written_as_the_work_goes(
    tmp_path, plain, counting, monkeypatch, limit, value, segments
):
    monkeypatch.setattr(writer, limit, value)
    seen = []
    EmbeddingCache(tmp_path).embed(
        counting(), plain(range(256)), np.arange(256), progress=lambda *_: seen.append(len(files(tmp_path)))
    )
    assert seen == [3 * s for s in segments]


def test_an_encoder_that_changes_under_its_fingerprint_is_found_out(tmp_path, plain, counting):
    class Wider(counting):
        def encode(self, batch):
            return np.ones((len(batch), 5), np.float32)

    cache = EmbeddingCache(tmp_path)
    cache.embed(counting(), plain([1]), np.arange(1))
    with pytest.raises(FsbenchError, match="5 values.*holds 3"):
        cache.embed(Wider(), plain([2]), np.arange(1))


@pytest.mark.parametrize("shape", [(32,), (31, 3), (32, 3, 1)])
def test_an_encoder_that_returns_another_shape_is_found_out(tmp_path, plain, counting, shape):
    class Wrong(counting):
        def encode(self, batch):
            return np.ones(shape, np.float32)

    with pytest.raises(FsbenchError, match="must return one vector a picture"):
        EmbeddingCache(tmp_path).embed(Wrong(), plain([1]), np.arange(1))


def test_info_and_prune(tmp_path, plain, counting):
    cache = EmbeddingCache(tmp_path / "none yet")
    assert cache.info() == [] and cache.prune() == 0
    old, new = counting(), counting(print="b" * 64, name="newer")
    cache.embed(old, plain(range(3)), np.arange(3))
    cache.embed(new, plain(range(5)), np.arange(5), dtype="float16")
    cards = {json.loads(c.read_text())["encoder"]: c for c in (tmp_path / "none yet").glob("*/encoder.json")}
    card = cards["counting"]
    long_ago = time.time() - 10 * 86400
    os.utime(card, (long_ago, long_ago))
    rows = cache.info()
    assert [(r["encoder"], r["images"], r["dim"], r["dtype"]) for r in rows] == [
        ("newer", 5, 3, "float16"),
        ("counting", 3, 3, "float32"),
    ]
    assert cache.prune(older_than_days=11) == 0
    assert cache.prune(older_than_days=9) == 1
    assert [row["encoder"] for row in cache.info()] == ["newer"]
    assert cache.prune() == 1 and cache.info() == []


def test_using_an_encoder_keeps_it_young(tmp_path, plain, counting):
    cache, encoder = EmbeddingCache(tmp_path), counting()
    cache.embed(encoder, plain([1]), np.arange(1))
    (card,) = tmp_path.glob("*/encoder.json")
    os.utime(card, (0, 0))
    cache.embed(encoder, plain([1]), np.arange(1))
    assert cache.prune(older_than_days=1) == 0


def test_prune_leaves_an_encoder_that_is_at_work(tmp_path, plain, counting):
    cache, started, finish = EmbeddingCache(tmp_path), threading.Event(), threading.Event()
    cache.embed(counting(), plain([1]), np.arange(1))

    class Slow(counting):
        def encode(self, batch):
            started.set()
            finish.wait(10)
            return super().encode(batch)

    at_work = threading.Thread(target=cache.embed, args=(Slow(), plain([1, 2]), np.arange(2)))
    at_work.start()
    try:
        assert started.wait(10)
        with pytest.raises(FsbenchError, match="Another process is encoding"):
            cache.prune()
    finally:
        finish.set()
        at_work.join()
    assert cache.info()[0]["images"] == 2


PROCESS = """
import importlib.util, sys, time
import numpy as np
from pathlib import Path
spec = importlib.util.spec_from_file_location("pictures", {conftest!r})
pictures = importlib.util.module_from_spec(spec)
sys.modules["pictures"] = pictures
spec.loader.exec_module(pictures)
from fewshot_bench.store import writer
from fewshot_bench.store.cache import EmbeddingCache
writer.FLUSH_IMAGES = 32

class Slow(pictures.Counting):
    def encode(self, batch):
        time.sleep({pause})
        return super().encode(batch)

encoder = Slow()
print("ready", flush=True)
got = EmbeddingCache(Path({root!r})).embed(
    encoder, pictures.make_index(range(320)), np.arange(320), progress=lambda *step: print(*step, flush=True)
)
assert (got == pictures.vectors_of(range(320))).all()
assert "torch" not in sys.modules
print("encoded", len(encoder.colours))
"""


def start(root, pause):
    conftest = str((Path(__file__).parents[1] / "conftest.py").resolve())
    code = PROCESS.format(conftest=conftest, root=str(root), pause=pause)
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)


@pytest.mark.subprocess
def test_two_processes_at_once_encode_each_image_once(tmp_path):
    both = [start(tmp_path, 0.03) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].splitlines()[-1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(outputs) == ["encoded 0", "encoded 320"]


@pytest.mark.subprocess
def test_a_killed_process_loses_only_what_it_had_not_written(tmp_path):
    killed = start(tmp_path, 0.05)
    while not (line := killed.stdout.readline()).startswith("128 "):
        assert line, "the process ended early"
    killed.kill()
    killed.communicate()
    again = start(tmp_path, 0.0)
    last = again.communicate(timeout=60)[0].splitlines()[-1]
    assert again.returncode == 0
    assert 0 < int(last.split()[1]) <= 320 - 128


def test_pictures_are_encoded_in_an_order_that_says_nothing_of_their_class(tmp_path, plain, counting):
    """An encoder that only counts its pictures could otherwise tell classes apart, for an index is in their order."""
    encoder, index = counting(), plain(range(64))
    EmbeddingCache(tmp_path).embed(encoder, index, np.arange(64))
    by_digest = sorted(range(64), key=lambda row: index.digests[row].tobytes())
    assert encoder.colours == by_digest != list(range(64))


def test_an_encoder_sees_pixels_and_nothing_that_a_file_says_of_itself(tmp_path, plain):
    class Nosy:
        pretraining = "none"

        def fingerprint(self):
            return "b" * 64

        def prepare(self, image):
            seen.append((dict(image.info), dict(image.getexif()), getattr(image, "filename", ""), image.mode))
            return np.asarray(image)

        def encode(self, batch):
            return batch.reshape(len(batch), -1).astype(np.float32)

    def reader(row):
        image = Image.new("RGB", (3, 2), (row, 0, 0))
        image.filename, image.info["comment"] = "cat/0.png", "cat"
        image.getexif()[270] = "cat"
        return image

    seen = []
    EmbeddingCache(tmp_path).embed(Nosy(), plain([1, 2], reader), np.arange(2))
    assert seen == [({}, {}, "", "RGB")] * 2
