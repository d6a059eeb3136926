"""Archives of arrays from anybody: what they say of themselves is held against limits before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from fewshot_bench.archives import read_arrays


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return stream.getvalue()


def npy(array: np.ndarray, **options: bool) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def test_what_numpy_writes_is_read() -> None:
    stream = io.BytesIO()
    arrays = {
        "a": np.arange(6).reshape(2, 3),
        "t": np.array("text"),
        "e": np.zeros((0, 4)),
        "s": np.array(3.5),
    }
    np.savez_compressed(stream, **arrays)
    for source in (stream.getvalue(), stream):
        found = read_arrays(source)
        assert found.keys() == arrays.keys()
        assert all(np.array_equal(found[k], v) and found[k].dtype == v.dtype for k, v in arrays.items())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = archive(**{f"a{i}": bytes(10**6) for i in range(5)})
    assert len(bomb) < 10**4
    with pytest.raises(ValueError, match="it unpacks to 5,000,000 bytes, and 4,999,999 are the most"):
        read_arrays(bomb, 4_999_999)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (npy(np.arange(4))[:-1], "has not the 32 bytes"),
        (npy(np.arange(4)) + b"x", "has not the 32 bytes"),
        (npy(np.arange(4)).replace(b"(4,)", b"(9,)"), "has not the 72 bytes"),
        (npy(np.arange(4)).replace(b"(4,), }    ", b"(2**50,), }"), "."),
        (npy(np.array([object()]), allow_pickle=True), "of object"),
        (b"", "."),
        (b"\x93NUMPY\x09\x00", "."),
    ],
)
def test_a_header_that_does_not_fit_is_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_arrays(archive(a=content))
    assert "\n" not in str(caught.value)


def test_what_is_no_archive_is_a_sentence() -> None:
    for content in (b"", b"x" * 100, archive(a=npy(np.arange(4)))[:-30]):
        with pytest.raises(ValueError, match="it is no .npz file"):
            read_arrays(content)
    damaged = bytearray(archive(a=npy(np.arange(999))))
    damaged[70] ^= 255
    with pytest.raises(ValueError):
        read_arrays(bytes(damaged))
