"""The engine: plan, fit, embed, score, record."""

from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import episodes_of, evaluated, run

__all__ = ["Request", "episodes_of", "evaluated", "run"]
