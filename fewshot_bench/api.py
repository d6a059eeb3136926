"""Everything that the author of a plugin imports. Names load what they need when they are first used.

    from fewshot_bench.api import Context, EmbeddingMethod, PixelEncoder, Prototype, tunable

A plugin module that imports only this stays as light as this: no torch, no scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

HOME = {
    "Card": "data.source",
    "Context": "context",
    "DatasetSource": "data.source",
    "EmbeddingMethod": "method",
    "Encoder": "embed.encoder",
    "EpisodicMethod": "method",
    "FsbenchError": "errors",
    "Head": "heads.head",
    "ImageIndex": "data.index",
    "ImageTasks": "engine.images",
    "KNearest": "heads.knn",
    "LogisticRegression": "heads.logistic",
    "Method": "method",
    "NoConfig": "config",
    "PixelEncoder": "embed.pixels",
    "Prototype": "heads.prototype",
    "Tasks": "episodes.tasks",
    "UsageError": "errors",
    "setting": "config",
    "tunable": "config",
}

__all__ = sorted(HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"fewshot_bench.api has no {name!r}; it has {', '.join(sorted(HOME))}")
    return getattr(importlib.import_module(f"fewshot_bench.{HOME[name]}"), name)
