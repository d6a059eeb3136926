from dataclasses import replace

import numpy as np
import pytest

from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.errors import FsbenchError


@pytest.fixture(
    params=[EpisodeSpec(3, 2, 4, 30, 1), EpisodeSpec("all", 1, "all", 30, 1)], ids=["equal", "ragged"]
)
def episodes(make_index, request):
    return sample(make_index([7, 9, 8, 12]), request.param)


def test_hash_changes_when_anything_changes(episodes):
    def altered(name):
        array = getattr(episodes, name).copy()
        array.flat[-1] += 1
        return replace(episodes, **{name: array})

    changed = [
        replace(episodes, dataset="other"),
        replace(episodes, dataset_fingerprint="0" * 64),
        replace(episodes, spec=replace(episodes.spec, seed=2)),
        replace(episodes, spec=replace(episodes.spec, drop_small=True)),
        replace(episodes, class_names=("a", "b", "c", "d")),
        replace(episodes, dropped=(("class-9", 1, 1),)),
        replace(episodes, support=episodes.support[..., None]),
        *(altered(name) for name in ("classes", "support", "query")),
    ]
    assert len({episodes.sha256, *(other.sha256 for other in changed)}) == len(changed) + 1


def test_hash_is_of_values_not_of_memory_layout(episodes):
    same = replace(episodes, support=np.asfortranarray(episodes.support.astype(">i8")))
    assert same.sha256 == episodes.sha256


def test_tasks_show_every_query_once_with_its_label(episodes):
    tasks, labels = episodes.tasks()
    assert (tasks.support == episodes.support).all()
    for e in range(len(episodes)):
        pairs = {(int(row), n) for n in range(tasks.ways) for row in episodes.query[e, n] if row >= 0}
        valid = tasks.query[e] >= 0
        assert set(zip(tasks.query[e][valid].tolist(), labels[e][valid].tolist(), strict=True)) == pairs
        assert valid.sum() == len(pairs)
        assert (labels[e][~valid] == -1).all() and not valid[len(pairs) :].any()
    assert tasks.query.shape[1] == (episodes.query >= 0).sum(axis=(1, 2)).max()


def test_order_of_queries_says_nothing_of_labels(make_index):
    _, labels = sample(make_index([10] * 5), EpisodeSpec(5, 1, 3, 4_000, 0)).tasks()
    for place in range(15):
        assert np.bincount(labels[:, place], minlength=5) == pytest.approx([800] * 5, abs=5 * 800**0.5)


def test_an_episodes_order_does_not_depend_on_the_others(make_index):
    index, spec = make_index([7, 9, 8, 12]), EpisodeSpec(2, 1, "all", 30, 1)
    few, many = (sample(index, replace(spec, episodes=n)).tasks()[0].query for n in (5, 30))
    for short, long in zip(few, many, strict=False):
        assert short[short >= 0].tolist() == long[long >= 0].tolist()


def test_images_are_those_touched(episodes):
    rows = episodes.images()
    touched = set(episodes.support.ravel().tolist()) | set(episodes.query.ravel().tolist())
    assert rows.tolist() == sorted(touched - {-1})


def test_tasks_in_rows_of_a_table_name_the_same_images(episodes):
    rows = np.random.default_rng(0).permutation(episodes.images())
    plain, labels = episodes.tasks()
    tasks, labels_too = episodes.tasks(rows)
    assert (labels == labels_too).all()
    for before, after in ((plain.support, tasks.support), (plain.query, tasks.query)):
        assert (np.where(after >= 0, rows[after], -1) == before).all()


def test_a_table_without_an_image_is_refused(episodes):
    rows = episodes.images()
    with pytest.raises(
        FsbenchError, match=f"image {rows[3]} of the episodes is not among the {len(rows) - 1}"
    ):
        episodes.tasks(np.delete(rows, 3))


def test_support_counts(episodes):
    assert episodes.support_counts.tolist() == [
        [int((row >= 0).sum()) for row in support] for support in episodes.support
    ]
