"""Metrics: pure functions of arrays; accuracy, ranking, calibration, and intervals that say what they are over."""

from fewshot_bench.metrics.accuracy import accuracy_per_episode, predictions, ranks_of_truth
from fewshot_bench.metrics.classification import expected_calibration_error, macro_f1, top_k_hits
from fewshot_bench.metrics.deletion import Deletion, accuracy_deletion, ap_deletion, average
from fewshot_bench.metrics.intervals import (
    Interval,
    accuracy_interval,
    ap_interval,
    deletion_interval,
    episode_interval,
    family_interval,
    jackknife_interval,
    paired_deletion_interval,
    paired_episode_interval,
    proportion_interval,
)
from fewshot_bench.metrics.means import episode_means
from fewshot_bench.metrics.pairs import (
    PairedDifferences,
    adjusted,
    better,
    paired_episodes,
    paired_jackknife,
    rank_distribution,
    rank_ranges,
)
from fewshot_bench.metrics.ranking import (
    Curve,
    MeanAveragePrecision,
    average_precision,
    class_score_ap,
    mean_average_precision,
    mean_precision_recall,
    pooled_precision_recall,
)

__all__ = [
    "Curve",
    "Deletion",
    "Interval",
    "MeanAveragePrecision",
    "PairedDifferences",
    "accuracy_deletion",
    "accuracy_interval",
    "accuracy_per_episode",
    "adjusted",
    "ap_deletion",
    "ap_interval",
    "average",
    "average_precision",
    "better",
    "class_score_ap",
    "deletion_interval",
    "episode_interval",
    "episode_means",
    "expected_calibration_error",
    "family_interval",
    "jackknife_interval",
    "macro_f1",
    "mean_average_precision",
    "mean_precision_recall",
    "paired_deletion_interval",
    "paired_episode_interval",
    "paired_episodes",
    "paired_jackknife",
    "pooled_precision_recall",
    "predictions",
    "proportion_interval",
    "rank_distribution",
    "rank_ranges",
    "ranks_of_truth",
    "top_k_hits",
]
