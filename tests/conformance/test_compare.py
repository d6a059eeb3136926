"""Scores that are equal but for rounding, and episodes in other shapes."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.conformance.compare import difference, equal
from fewshot_bench.conformance.variants import cut, joined, linked, padded, turned, with_absent_class
from fewshot_bench.episodes.tasks import Tasks

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(60, 8))
ROWS = np.stack([rng.permuted(np.arange(60).reshape(5, 12), axis=1)[rng.permutation(5)] for _ in range(4)])
ORDER = np.stack([rng.permutation(10) for _ in range(4)])
TASKS = Tasks(ROWS[:, :, :3], np.take_along_axis(ROWS[:, :, 3:5].reshape(4, 10), ORDER, 1))
LABELS = ORDER // 2


def test_the_difference_is_of_the_range_of_each_episode():
    scores = np.array([[[0.0, 10.0]], [[0.0, 1000.0]]])
    assert difference(scores, scores + np.array([0, 1.0])) == pytest.approx(0.1)
    assert difference(scores, scores * np.nan) == np.inf and difference(scores * 0, scores * 0) == 0


def test_equal_infinities_do_not_differ_and_others_do():
    scores = np.array([[[0.0, 1.0, -np.inf]]])
    assert difference(scores, scores) == 0
    assert difference(scores, np.array([[[0.0, -np.inf, -np.inf]]])) == np.inf


def test_another_shape_is_no_answer_that_holds():
    assert equal("Same", np.zeros((1, 2, 3)), np.zeros((1, 2, 4))).verdict == "fails"


def test_padded_episodes_have_room_and_the_same_rows():
    more, wider = padded(TASKS), with_absent_class(TASKS)
    assert more.support.shape == (4, 5, 4) and more.query.shape == (4, 11) and more.query[:, -1].max() == -1
    assert wider.support.shape == (4, 6, 3) and wider.support[:, -1].max() == -1


def test_linked_episodes_show_each_query_beside_its_class():
    shown = [linked(TASKS, LABELS, number) for number in range(2)]
    for e in range(4):
        for q, row in enumerate(TASKS.query[e]):
            classes = {n for s in shown for n in range(5) if row in s.support[e, n]}
            assert classes == {LABELS[e, q]}
        assert all((s.support[e, :, 0] == TASKS.support[e, :, 0]).all() for s in shown)


def test_episodes_cut_to_their_rows_show_the_same_pictures():
    table, tasks = cut(TABLE, padded(TASKS)[:1], seed=3)
    assert len(table) == len(np.unique(table, axis=0)) == 25
    assert np.array_equal(table[tasks.query[0, :-1]], TABLE[TASKS.query[0]]) and tasks.query[0, -1] == -1
    assert np.array_equal(table[tasks.support[0, :, :-1]], TABLE[TASKS.support[0]])


def test_turned_and_joined_episodes_are_those_they_were():
    tasks, order = turned(TASKS, 2)
    assert np.array_equal(tasks.support, TASKS.support[:, order])
    both = joined([TASKS, Tasks(TASKS.support[:1], TASKS.query[:1, :4])])
    assert len(both) == 5 and both.query[4, 4:].max() == -1 and np.array_equal(both.query[:4], TASKS.query)
