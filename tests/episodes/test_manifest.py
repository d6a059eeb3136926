from dataclasses import replace

import numpy as np
import pytest

from fewshot_bench.episodes import EpisodeSet, EpisodeSpec, load_manifest, sample, save_manifest
from fewshot_bench.errors import FsbenchError


@pytest.fixture
def index(make_index):
    return make_index([7, 9, 1, 12])


@pytest.fixture
def episodes(index):
    return sample(index, EpisodeSpec(2, 2, "all", 30, 1, drop_small=True))


def test_survives_the_file(tmp_path, index, episodes):
    path = tmp_path / "set.npz"
    save_manifest(path, episodes)
    loaded = load_manifest(path, index)
    assert loaded.sha256 == episodes.sha256
    assert (loaded.spec, loaded.dropped, loaded.class_names) == (
        episodes.spec,
        (("class-2", 1, 1),),
        episodes.class_names,
    )
    for name in ("classes", "support", "query"):
        mine, theirs = getattr(episodes, name), getattr(loaded, name)
        assert mine.dtype == theirs.dtype and (mine == theirs).all()


def test_same_set_same_bytes_and_nothing_else_left(tmp_path, episodes):
    save_manifest(tmp_path / "a.npz", episodes)
    save_manifest(tmp_path / "b.npz", episodes)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_another_tool_reads_it_with_numpy_alone(tmp_path, episodes):
    save_manifest(tmp_path / "set.npz", episodes)
    with np.load(tmp_path / "set.npz", allow_pickle=False) as arrays:
        assert {"classes", "support", "query", "class_names", "sha256", "spec"} <= set(arrays.files)
        assert (arrays["support"] == episodes.support).all()


def test_a_failed_write_leaves_the_old_file(tmp_path, episodes, monkeypatch):
    path = tmp_path / "set.npz"
    save_manifest(path, episodes)
    before = path.read_bytes()

    def full(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(FsbenchError, match=r"Cannot write .*set\.npz: no space left on device"):
        save_manifest(path, episodes)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, episodes):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FsbenchError, match=r"Cannot write .*set\.npz: .*choose a folder"):
        save_manifest(tmp_path / "file" / "set.npz", episodes)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_manifest(tmp_path, content):
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    with pytest.raises(FsbenchError, match=r"set\.npz is not an episode manifest"):
        load_manifest(path)


def test_a_truncated_file(tmp_path, episodes):
    path = tmp_path / "set.npz"
    save_manifest(path, episodes)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(FsbenchError, match="is not an episode manifest"):
        load_manifest(path)


@pytest.mark.slow
def test_a_flipped_bit_anywhere_is_the_same_episodes_or_a_sentence(tmp_path, episodes):
    """A bit of the archive's directory may name a compression that there is none of."""
    path = tmp_path / "set.npz"
    save_manifest(path, episodes)
    content, refused = path.read_bytes(), 0
    for bit in range(0, 8 * len(content), 53):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            assert load_manifest(path).sha256 == episodes.sha256
        except FsbenchError:
            refused += 1
    assert refused > 100


def test_a_missing_file(tmp_path):
    with pytest.raises(FsbenchError, match="there is no manifest"):
        load_manifest(tmp_path / "set.npz")


def rewritten(path, **changes):
    with np.load(path, allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    content |= changes
    np.savez(path, **{name: array for name, array in content.items() if array is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": np.array("other-9")}, "is not an episode manifest .* its format is 'other-9'"),
        ({"support": None}, "is not an episode manifest .*support"),
        ({"spec": np.array("{")}, "is not an episode manifest"),
        ({"classes": np.zeros((2, 2), int)}, "do not fit each other"),
        ({"query": np.zeros((2, 2), int)}, "three axes"),
        ({"support": np.zeros((30, 2, 2))}, "array support holds float64 and not whole numbers"),
        ({"classes": np.full((30, 2), 2**32)}, "its classes do not fit into 32 bits"),
        ({"dataset": np.array("other")}, "was changed after it was written"),
    ],
)
def test_an_altered_file(tmp_path, episodes, changes, message):
    path = tmp_path / "set.npz"
    save_manifest(path, episodes)
    rewritten(path, **changes)
    with pytest.raises(FsbenchError, match=message):
        load_manifest(path)


def test_other_data(tmp_path, episodes, make_index):
    save_manifest(tmp_path / "set.npz", episodes)
    with pytest.raises(FsbenchError, match="drawn from toy with fingerprint .* use the same data set"):
        load_manifest(tmp_path / "set.npz", make_index([7, 9, 1, 13]))


@pytest.mark.parametrize(
    ("array", "value", "message"),
    [
        ("support", 99, "has a support row outside the 29 of toy"),
        ("query", -7, "has a query row outside the 29 of toy"),
        ("classes", 4, "names a class outside the 4 of toy"),
        ("support", 16, "gives image 16 as support of class . in episode 0, and it is of class 2"),
    ],
)
def test_rows_and_labels_are_checked_against_the_data(tmp_path, index, episodes, array, value, message):
    changed = getattr(episodes, array).copy()
    changed.flat[0] = value
    save_manifest(tmp_path / "set.npz", replace(episodes, **{array: changed}))
    with pytest.raises(FsbenchError, match=message):
        load_manifest(tmp_path / "set.npz", index)


def test_an_image_on_both_sides_is_refused(tmp_path, index, episodes):
    query = episodes.query.copy()
    query[4, 1, 0] = episodes.support[4, 1, 0]
    save_manifest(tmp_path / "set.npz", replace(episodes, query=query))
    with pytest.raises(FsbenchError, match="both support and query of episode 4"):
        load_manifest(tmp_path / "set.npz", index)


def test_a_set_saves_and_loads_itself(tmp_path, index, episodes):
    episodes.save(tmp_path / "set.npz")
    assert EpisodeSet.load(tmp_path / "set.npz").sha256 == episodes.sha256
    lie = replace(episodes, spec=replace(episodes.spec, shots=1))
    lie.save(tmp_path / "lie.npz")
    with pytest.raises(FsbenchError, match="2 support images of a class .* its spec says 1"):
        EpisodeSet.load(tmp_path / "lie.npz", index)
