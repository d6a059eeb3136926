"""Properties of whole sets of episodes, on drawn data sets of every awkward shape."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from fewshot_bench.data import index as data_index
from fewshot_bench.episodes import EpisodeSpec, pools, sample
from fewshot_bench.errors import FsbenchError, UsageError

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_pool_bits_are_those_of_the_index():
    assert (pools.SUPPORT, pools.QUERY) == (data_index.SUPPORT, data_index.QUERY)


def assert_sound(index, episodes):
    """Every promise of ``sample``, checked image by image."""
    for classes, support, query in zip(episodes.classes, episodes.support, episodes.query, strict=True):
        used = classes[classes >= 0]
        assert len(set(used.tolist())) == len(used)
        for images, bit in ((support, data_index.SUPPORT), (query, data_index.QUERY)):
            rows = images[images >= 0]
            assert len(set(rows.tolist())) == len(rows)
            assert (index.pools[rows] & bit).all()
            for number, row in zip(classes, images, strict=True):
                assert (index.labels[row[row >= 0]] == number).all()
                assert (np.diff((row >= 0).astype(int)) <= 0).all()  # padding comes last
        assert (support[classes >= 0][:, 0] >= 0).all() and (query[classes >= 0][:, 0] >= 0).all()
        s, q = support[support >= 0], query[query >= 0]
        assert not set(s.tolist()) & set(q.tolist())
        assert not set(index.groups[s].tolist()) & set(index.groups[q].tolist())
        for row in range(len(used)):
            s, q = support[row][support[row] >= 0], query[row][query[row] >= 0]
            distance = np.abs(index.positions[s][:, None] - index.positions[q])
            assert index.guards[used[row]] == 0 or distance.min() >= index.guards[used[row]]


@st.composite
def shapes(draw):
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=6))
    images = sum(sizes)
    whole = st.lists(st.integers(0, 3), min_size=images, max_size=images)
    return {
        "sizes": sizes,
        "pools": draw(st.one_of(st.none(), whole)),
        "groups": draw(
            st.one_of(st.none(), st.lists(st.integers(0, images), min_size=images, max_size=images))
        ),
        "guards": draw(
            st.one_of(st.none(), st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
        ),
    }


@SLOW
@given(
    shapes(),
    st.sampled_from([2, "all"]),
    st.sampled_from([1, 2, 3, "all"]),
    st.sampled_from([1, 2, "all"]),
    st.integers(0, 2**64 - 1),
)
def test_promises_hold_or_one_sentence_says_why_not(make_index, shape, ways, shots, queries, seed):
    index = make_index(**shape)
    try:
        episodes = sample(index, EpisodeSpec(ways, shots, queries, 6, seed, drop_small=True))
    except FsbenchError as error:
        event("refused")
        sentence = str(error)
    else:
        event("drawn")
        sentence = "."
    assert sentence.endswith(".") and "\n" not in sentence
    if sentence != ".":
        return
    assert_sound(index, episodes)
    if shots != "all":
        assert ((episodes.support >= 0).sum(axis=2) == shots).all()
    if queries != "all":
        assert ((episodes.query >= 0).sum(axis=2) == queries).all()


def exists(index, number, shots, queries):
    """Whether a class can be drawn, by trying every support set."""
    rows = np.flatnonzero(index.labels == number)
    support, query = rows[index.pools[rows] & 1 > 0], rows[index.pools[rows] & 2 > 0]
    for chosen in combinations(support, shots):
        apart = [
            all(
                index.groups[q] != index.groups[s]
                and abs(index.positions[q] - index.positions[s]) >= index.guards[number]
                for s in chosen
            )
            for q in query
        ]
        if sum(apart) >= queries:
            return True
    return False


@SLOW
@given(shapes(), st.integers(1, 4), st.integers(1, 4))
def test_drops_exactly_the_classes_that_no_draw_exists_for(make_index, shape, shots, queries):
    size = sum(shape["sizes"])
    if shape["groups"] is not None:  # keep groups inside classes
        labels = np.repeat(np.arange(len(shape["sizes"])), shape["sizes"])
        shape["groups"] = [
            group + (size + 1) * label for group, label in zip(shape["groups"], labels, strict=True)
        ]
    index = make_index(**shape)
    small = {c for c in range(len(index.class_names)) if not exists(index, c, shots, queries)}
    if len(index.class_names) - len(small) < 2:
        with pytest.raises(UsageError, match="only|has"):
            sample(index, EpisodeSpec(2, shots, queries, 1, 0, drop_small=True))
        return
    episodes = sample(index, EpisodeSpec("all", shots, queries, 4, 0, drop_small=True))
    assert {name for name, *_ in episodes.dropped} == {f"class-{c}" for c in small}
    assert_sound(index, episodes)
    if small:
        with pytest.raises(
            UsageError, match=f"{len(small)} of .* classes of toy cannot give {shots} support"
        ):
            sample(index, EpisodeSpec("all", shots, queries, 4, 0))


def test_dead_ends_of_the_greedy_choice_are_mended(make_index):
    # Three support images fit only into the group of three, which a start in the group of two rules out.
    index = make_index([5, 5], groups=[0, 0, 1, 1, 1, 2, 2, 3, 3, 3])
    episodes = sample(index, EpisodeSpec(2, 3, 2, 200, 0))
    assert_sound(index, episodes)
    assert (np.sort(episodes.support % 5, axis=2) == [2, 3, 4]).all()


def test_groups_that_span_classes_stay_on_one_side(make_index):
    index = make_index([12] * 4, groups=np.tile(np.arange(12) // 2, 4))
    episodes = sample(index, EpisodeSpec(3, 2, 3, 100, 0))
    assert_sound(index, episodes)


def test_spanning_groups_that_allow_nothing_are_refused(make_index):
    # Each class alone can be split, but the two need the same two groups on opposite sides.
    pools_ = [1, 2] * 2
    index = make_index([2, 2], groups=[0, 1, 1, 0], pools=pools_)
    with pytest.raises(
        FsbenchError, match=r"episode 0 could not be drawn .* a group on both sides .*'class-"
    ):
        sample(index, EpisodeSpec(2, 1, 1, 1, 0))


@pytest.mark.parametrize(
    "spec",
    [
        EpisodeSpec(3, 1, 4, 40, 5),
        EpisodeSpec("all", 2, "all", 40, 5),
        EpisodeSpec("all", "all", "all", 40, 5, variable=True),
    ],
)
def test_an_episode_depends_on_its_number_alone(make_index, spec):
    index = make_index([9, 11, 8, 14, 10, 9, 12], groups=np.arange(73) // 2)
    whole = sample(index, spec)
    chunked = sample(index, spec, memory=1)
    assert chunked.sha256 == whole.sha256
    few = sample(index, EpisodeSpec.from_json({**spec.to_json(), "episodes": 7}))
    for name in ("classes", "support", "query"):
        short, long = getattr(few, name), getattr(whole, name)[:7]
        part = tuple(slice(size) for size in short.shape)
        assert (long[part] == short).all()
        assert (long >= 0).sum() == (short >= 0).sum()


@pytest.mark.subprocess
def test_another_process_draws_the_same(make_index):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from conftest import build;"
        "from fewshot_bench.episodes import EpisodeSpec, sample;"
        "print(sample(build([9] * 6), EpisodeSpec(3, 1, 4, 50, 8)).sha256);"
        "assert 'torch' not in sys.modules"
    )
    folder = __file__.rsplit("/", 1)[0]
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sample(make_index([9] * 6), EpisodeSpec(3, 1, 4, 50, 8)).sha256


def test_other_seeds_draw_other_episodes(make_index):
    first, second = (sample(make_index([9] * 6), EpisodeSpec(3, 1, 4, 50, seed)) for seed in (0, 1))
    assert (first.classes != second.classes).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("ways", [3, "all"])
def test_every_class_stands_equally_often_at_every_position(make_index, ways):
    episodes = sample(make_index([6] * 7), EpisodeSpec(ways, 1, 2, 7_000, 1))
    for position in range(episodes.classes.shape[1]):
        assert chisquare(np.bincount(episodes.classes[:, position], minlength=7)).pvalue > 1e-3


@pytest.mark.parametrize("groups", [None, np.arange(40) // 2])
def test_every_image_is_drawn_equally_often_on_each_side(make_index, groups):
    index = make_index([10] * 4, groups=groups)
    episodes = sample(index, EpisodeSpec(2, 2, 3, 8_000, 2))
    for images in (episodes.support, episodes.query):
        counts = np.bincount(images.ravel(), minlength=40)
        # Draws without replacement vary less than a multinomial, so a chi-square test is conservative.
        assert chisquare(counts).pvalue > 1e-3


def test_pairs_of_support_images_are_equally_frequent(make_index):
    episodes = sample(make_index([5, 5]), EpisodeSpec(2, 2, 1, 5_000, 3))
    pairs = np.sort(episodes.support[episodes.classes == 0], axis=1)
    assert (
        chisquare(np.bincount(pairs[:, 0] * 5 + pairs[:, 1])[[1, 2, 3, 4, 7, 8, 9, 13, 14, 19]]).pvalue > 1e-3
    )


def test_support_and_query_come_from_their_pools(make_index):
    index = make_index([6, 7], pools=[1, 1, 2, 2, 2, 0, 1, 2, 2, 2, 2, 2, 3])
    episodes = sample(index, EpisodeSpec("all", 1, "all", 50, 0))
    assert_sound(index, episodes)
    counts = np.where(episodes.classes == 0, 3, np.where((episodes.support == 12).any(axis=2), 5, 6))
    assert ((episodes.query >= 0).sum(axis=2) == counts).all()


def test_conventional_classification_is_one_episode(make_index):
    index = make_index([6, 4], pools=[1, 1, 1, 1, 2, 2, 1, 1, 1, 2])
    episodes = sample(index, EpisodeSpec("all", "all", "all", 1, 0))
    assert_sound(index, episodes)
    assert set(episodes.images()) == set(range(10))


def test_all_shots_need_a_fixed_split(make_index):
    with pytest.raises(
        UsageError, match=r"fixed train/test split, and toy has none \(5 images of class 'class-0'"
    ):
        sample(make_index([5, 5]), EpisodeSpec("all", "all", "all", 1, 0))


def test_too_many_ways_name_both_counts():
    from types import SimpleNamespace

    empty = SimpleNamespace(
        name="toy",
        class_names=("a", "b"),
        labels=np.array([0, 1], np.int32),
        pools=np.array([3, 3], np.uint8),
        groups=np.arange(2),
        positions=np.zeros(2, np.int64),
        guards=np.zeros(2, np.int64),
        fingerprint="0" * 64,
    )
    with pytest.raises(UsageError, match="toy has 2 classes, and 500 ways were asked for"):
        sample(empty, EpisodeSpec(500, 1, 15, 10, 0))


def test_small_classes_are_named_with_their_counts(make_index):
    index = make_index([30, 1, 3, 2, 4, 5], guards=[0, 0, 0, 0, 2, 0])
    message = (
        r"^5 of 6 classes of toy cannot give 2 support and 15 query images kept apart: 'class-1' \(1 for "
        r"support, 1 for query\), 'class-2' .*, 'class-3' .* and 2 more; ask for fewer, or for all "
        r"queries, or let small classes be dropped \(--drop-small\)\.$"
    )
    with pytest.raises(UsageError, match=message):
        sample(index, EpisodeSpec(2, 2, 15, 10, 0))
    with pytest.raises(UsageError, match="only 1 of 6 classes of toy can give .* and 2 ways were asked for"):
        sample(index, EpisodeSpec(2, 2, 15, 10, 0, drop_small=True))
