"""The table of heads: means over data sets, heads that lack one left out."""

from __future__ import annotations

from benchmarks.heads_table import by_data_set, over_data_sets

CELLS = {
    ("proto", "fewshot", 1): {"a": 60.0, "b": 80.0},
    ("proto", "unbalanced", 1): {"a": 61.0, "b": 79.0},
    ("proto", "fewshot", 5): {"a": 90.0},
    ("proto", "unbalanced", 5): {"a": 90.5},
    ("pt-map", "fewshot", 1): {"a": 80.0, "b": 90.0},
    ("pt-map", "unbalanced", 1): {"a": 60.0, "b": 70.0},
    ("pt-map", "fewshot", 5): {"a": 95.0},
    ("pt-map", "unbalanced", 5): {"a": 85.0},
    ("half", "fewshot", 1): {"a": 99.0},
}


def test_means_over_data_sets_and_what_imbalance_costs():
    assert over_data_sets(CELLS)[2:] == [
        "| `pt-map` | 85.0 | 65.0 | -20.0 | 95.0 | 85.0 | -10.0 |",
        "| `proto` | 70.0 | 70.0 | +0.0 | 90.0 | 90.5 | +0.5 |",
    ]


def test_a_data_set_that_a_head_lacks_is_blank():
    lines = by_data_set(CELLS, 1)
    assert lines[0] == "| head, 1-shot | a | b |"
    assert lines[2:] == ["| `half` | 99.0 |  |", "| `pt-map` | 80.0 | 90.0 |", "| `proto` | 60.0 | 80.0 |"]
