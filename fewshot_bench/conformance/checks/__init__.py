"""The checks of a method's contract, one file a family; ``CHECKS`` is the table of all."""

from __future__ import annotations

from fewshot_bench.conformance.checks import declarations, encoder, episodes, order, scores, setup
from fewshot_bench.conformance.contract_check import ContractCheck

FAMILIES: dict[str, tuple[ContractCheck, ...]] = {
    "What it says of itself": declarations.CHECKS,
    "Its scores": scores.CHECKS,
    "What an episode is solved from": episodes.CHECKS,
    "Order": order.CHECKS,
    "Its encoder": encoder.CHECKS,
    "Setting up": setup.CHECKS,
}
"""Title of a family -> its checks, in the order in which they are tried."""

CHECKS = tuple(check for family in FAMILIES.values() for check in family)
"""All checks."""
