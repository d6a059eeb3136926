"""Metrics: pure functions of arrays; accuracy, ranking, and intervals that say what they are over."""

from fewshot_bench.metrics.accuracy import accuracy_per_episode, predictions, ranks_of_truth
from fewshot_bench.metrics.intervals import (
    Interval,
    accuracy_interval,
    ap_interval,
    class_interval,
    episode_interval,
    episode_means,
    jackknife_interval,
    paired_class_interval,
    paired_episode_interval,
    proportion_interval,
    query_class_interval,
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
    "Interval",
    "MeanAveragePrecision",
    "accuracy_interval",
    "accuracy_per_episode",
    "ap_interval",
    "average_precision",
    "class_interval",
    "class_score_ap",
    "episode_interval",
    "episode_means",
    "jackknife_interval",
    "mean_average_precision",
    "mean_precision_recall",
    "paired_class_interval",
    "paired_episode_interval",
    "pooled_precision_recall",
    "predictions",
    "proportion_interval",
    "query_class_interval",
    "ranks_of_truth",
]
