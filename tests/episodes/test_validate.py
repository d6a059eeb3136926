"""Manifests whose hash is right and which lie: each is refused with a sentence that names the first fault."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.episodes import EpisodeSpec, load_manifest, sample, save_manifest, validate
from fewshot_bench.errors import FsbenchError, UsageError

GROUPS = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]


@pytest.fixture
def index(make_index):
    """Three classes of eight: the first in groups of two, the second with a guard, the third with fixed pools."""
    pools = [3] * 16 + [1] * 4 + [2] * 4
    return make_index([8, 8, 8], groups=GROUPS, guards=[0, 3, 0], pools=pools)


@pytest.fixture
def drawn(index):
    return sample(index, EpisodeSpec(3, 2, 1, 6, 5))


def way(drawn, episode, number):
    return int(np.flatnonzero(drawn.classes[episode] == number)[0])


def changed(drawn, name, place, value):
    array = getattr(drawn, name).copy()
    array[place] = value
    return replace(drawn, **{name: array})


def lie_in_groups(drawn):
    w = way(drawn, 2, 0)
    mate = int(drawn.support[2, w, 0]) ^ 1  # the other of its group
    return changed(drawn, "query", (2, w, 0), mate)


def lie_in_pools(drawn):
    return changed(drawn, "query", (1, way(drawn, 1, 2), 0), 16 + (set(range(4)) - used(drawn, 1)).pop())


def lie_in_support_pools(drawn):
    return changed(
        drawn, "support", (1, way(drawn, 1, 2), 0), 20 + (set(range(4, 8)) - used(drawn, 1)).pop() - 4
    )


def used(drawn, episode):
    rows = np.concatenate([drawn.support[episode].ravel(), drawn.query[episode].ravel()])
    return {int(row) - 16 for row in rows if row >= 16}


def lie_in_guards(drawn):
    w = way(drawn, 0, 1)
    first = int(drawn.support[0, w, 0])
    near = first + 1 if first < 15 else first - 1
    if near in drawn.support[0, w]:
        near = first - 1 if first > 8 else first + 2
    return changed(drawn, "query", (0, w, 0), near)


def lie_in_duplicates(drawn):
    return changed(drawn, "support", (3, 0, 1), drawn.support[3, 0, 0])


def lie_in_classes(drawn):
    support, query, classes = (getattr(drawn, n).copy() for n in ("support", "query", "classes"))
    classes[2, 1], support[2, 1], query[2, 1] = classes[2, 0], support[2, 0], query[2, 0]
    return replace(drawn, classes=classes, support=support, query=query)


def lie_in_padding(drawn):
    return changed(drawn, "support", (4, 1, 0), -1)


def lie_in_support(drawn):
    return changed(drawn, "support", (4, 1), -1)


def lie_in_class_padding(drawn):
    return changed(drawn, "classes", (4, 2), -1)


def with_spec(**changes):
    return lambda drawn: replace(drawn, spec=replace(drawn.spec, **changes))


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (lie_in_groups, r"has group \d+, of which images \d+ and \d+ are on both sides of episode 2"),
        (lie_in_pools, r"has image \d+ as query of episode 1, and the data set keeps it out of the query pool"),
        (lie_in_support_pools, r"has image \d+ as support of episode 1, .* out of the support pool"),
        (lie_in_guards, r"has support image \d+ and query image \d+ fewer than 3 positions apart in episode 0"),
        (lie_in_duplicates, r"has image \d+ twice among the support of episode 3"),
        (lie_in_classes, r"has class \d twice in episode 2"),
        (lie_in_padding, "has padding before the end of the support of episode 4"),
        (lie_in_support, r"gives class \d no support image in episode 4"),
        (lie_in_class_padding, "has images without a class in episode 4"),
        (with_spec(ways=2), "has 3 classes in episode 0, and its spec says 2"),
        (with_spec(shots=1), "has 2 support images of a class in episode 0, and its spec says 1"),
        (with_spec(queries=2), "has 1 query images of a class in episode 0, and its spec says 2"),
        (with_spec(queries="all"), r"has 1 query images of class .* its spec says all, which are \d"),
        (with_spec(episodes=7), "states 7 episodes and holds 6"),
        (with_spec(ways="all", shots="all", queries="all", variable=True), "3 classes, and 5 or more ways"),
        (lambda d: replace(d, dropped=(("class-0", 1, 1),)), "leaves out 1 classes .* leaves out no class"),
        (lambda d: replace(d, class_names=("a", "class-1", "class-2")), "other names .*: 'a' for 'class-0'"),
        (lambda d: replace(d, class_names=("class-0", "class-1")), "another number of them"),
        (lambda d: replace(d, dataset="other"), "calls its data set 'other', and it is 'toy'"),
    ],
)  # fmt: skip
def test_a_manifest_that_lies_is_refused(tmp_path, index, drawn, lie, message):
    save_manifest(tmp_path / "true.npz", drawn)
    assert load_manifest(tmp_path / "true.npz", index).sha256 == drawn.sha256
    save_manifest(tmp_path / "lie.npz", lie(drawn))
    load_manifest(tmp_path / "lie.npz")  # its hash is right
    with pytest.raises((FsbenchError, UsageError), match=message):
        load_manifest(tmp_path / "lie.npz", index)


def test_the_same_content_on_both_sides_of_a_class(index, drawn):
    digests = index.digests.copy()
    w = way(drawn, 0, 1)
    digests[drawn.query[0, w, 0]] = digests[drawn.support[0, w, 0]]
    twins = replace(index, digests=digests)
    twins.__dict__["fingerprint"] = index.fingerprint
    with pytest.raises(
        FsbenchError, match=r"has the same picture, images \d+ and \d+, on both sides of episode 0"
    ):
        validate(drawn, twins, "This")


def test_the_same_content_in_two_classes_is_no_fault_of_the_episodes(index, drawn):
    digests = index.digests.copy()
    first, second = way(drawn, 0, 0), way(drawn, 0, 1)
    digests[drawn.query[0, second, 0]] = digests[drawn.support[0, first, 0]]
    twins = replace(index, digests=digests)
    twins.__dict__["fingerprint"] = index.fingerprint
    validate(drawn, twins, "This")


def test_episodes_that_repeat_each_other_are_refused(tmp_path, make_index):
    index = make_index([9, 9, 9])
    drawn = sample(index, EpisodeSpec(3, 2, 2, 5, 0))
    arrays = {name: getattr(drawn, name).copy() for name in ("classes", "support", "query")}
    for array in arrays.values():
        array[4] = array[1][::-1]  # the same episode with its classes in another order
    save_manifest(tmp_path / "lie.npz", replace(drawn, **arrays))
    with pytest.raises(FsbenchError, match="the same images in episode 4 as in episode 1"):
        load_manifest(tmp_path / "lie.npz", index)


def test_episodes_that_the_sampler_draws_twice_are_replayed(tmp_path, make_index):
    index = make_index([3, 3])
    drawn = sample(index, EpisodeSpec(2, 1, "all", 9, 0))
    assert len({np.sort(s, axis=None).tobytes() for s in drawn.support}) < 9
    save_manifest(tmp_path / "small.npz", drawn)
    assert load_manifest(tmp_path / "small.npz", index).sha256 == drawn.sha256


def test_more_episodes_than_there_are_support_sets_are_refused(tmp_path, make_index):
    index = make_index([3, 3])
    save_manifest(tmp_path / "many.npz", sample(index, EpisodeSpec(2, 1, "all", 10, 0)))
    with pytest.raises(FsbenchError, match="holds 10 episodes, and toy has 9 distinct support sets"):
        load_manifest(tmp_path / "many.npz", index)


def test_all_shots_are_all(make_index):
    index = make_index([6, 6], pools=[1, 1, 1, 2, 2, 2] * 2)
    drawn = sample(index, EpisodeSpec(2, "all", "all", 1, 0))
    validate(drawn, index, "This")
    fewer = replace(drawn, support=drawn.support[:, :, :2])
    with pytest.raises(FsbenchError, match="has 2 support images of class .* says all, which are 3"):
        validate(fewer, index, "This")


def test_a_class_left_out_is_not_used(make_index):
    index = make_index([7, 9, 1, 12])
    drawn = sample(index, EpisodeSpec(2, 2, "all", 4, 1, drop_small=True))
    validate(drawn, index, "This")
    with pytest.raises(FsbenchError, match="leaves out no class as too small"):
        validate(replace(drawn, dropped=()), index, "This")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_the_sampler_draws_is_valid(make_index, data):
    sizes = data.draw(st.lists(st.integers(4, 12), min_size=5, max_size=7))
    total = sum(sizes)
    groups = data.draw(st.lists(st.integers(0, 2 * total), min_size=total, max_size=total))
    pools = data.draw(st.lists(st.sampled_from([1, 2, 3, 3, 3]), min_size=total, max_size=total))
    guards = data.draw(st.lists(st.sampled_from([0, 0, 2]), min_size=len(sizes), max_size=len(sizes)))
    index = make_index(sizes, groups=groups, pools=pools, guards=guards)
    spec = data.draw(
        st.sampled_from(
            [
                EpisodeSpec(2, 1, 1, 20, 0, drop_small=True),
                EpisodeSpec(3, 2, "all", 20, 0, drop_small=True),
                EpisodeSpec("all", 1, "all", 5, 0, drop_small=True),
                EpisodeSpec("all", "all", "all", 20, 0, variable=True, drop_small=True),
            ]
        )
    )
    try:
        drawn = sample(index, spec)
    except FsbenchError:
        return
    validate(drawn, index, "What was drawn")
