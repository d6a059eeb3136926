"""Suites: many runs that one readable file describes, with what of them is there, what failed and what is to do."""

from fewshot_bench.suites.description import Suite, Unit, load, parse
from fewshot_bench.suites.perform import Outcomes, perform
from fewshot_bench.suites.plan import Plan, Planned, plan

__all__ = ["Outcomes", "Plan", "Planned", "Suite", "Unit", "load", "parse", "perform", "plan"]
