"""The decision on the view of trained methods names what it lacks."""

from __future__ import annotations

import numpy as np

from benchmarks.views import Table
from benchmarks.views_trained import REAL, conclusion


def table(**right: float) -> Table:
    """A table of one setting in which each view has a share of right answers."""
    answers, classes = np.zeros((1, 100)), np.zeros((1, 5), int)
    return {
        view: {(5, 1): ((np.arange(100) < 100 * share)[None] + answers, answers.astype(int), classes)}
        for view, share in right.items()
    }


def test_both_views_win_with_half_a_point_of_lead_and_missing_trainings_are_named() -> None:
    found = "\n".join(conclusion({REAL[0].title: table(pad=0.6, crop=0.7, stretch=0.5, both=0.71)}))
    assert "On these trainings, by the rule, the default of trained methods is `both`." in found
    assert "until then the default stays as it is" in found
    assert all(training.title in found for training in REAL[1:])


def test_without_the_lead_the_best_single_view_wins_and_nothing_is_lacking() -> None:
    tables = {training.title: table(pad=0.6, crop=0.7, stretch=0.5, both=0.7) for training in REAL}
    found = "\n".join(conclusion(tables))
    assert "the default of trained methods is `crop`" in found
    assert "By the rule the default" in found
    assert "Not measured" not in found


def test_nothing_is_decided_where_a_view_was_not_measured() -> None:
    assert "Nothing is decided" in "\n".join(conclusion({REAL[0].title: table(pad=0.6)}))
    assert "Nothing is decided" in "\n".join(conclusion({}))
