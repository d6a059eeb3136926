"""What is installed is listed: licences of what is needed to run, exact versions, and lower bounds."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

pytest.importorskip("packaging")

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.bounds import declared, lowest
from benchmarks.supply import ACCELERATOR, EXTRAS, OWN, closure, installed, licence, own

ROOT = Path(__file__).parents[2]
LISTED = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE)
LOCKED = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))


def test_no_dependency_is_missing_from_the_licences():
    """Its dependencies are those of the versions that are installed here."""
    names = {name for name, _ in LISTED}
    direct = {canonicalize_name(Requirement(line).name) for lines in own().values() for line in lines}
    assert {name for name in direct if not name.startswith(OWN)} <= names
    locked = {name for name in closure() if metadata.version(name).partition("+")[0] == LOCKED.get(name)}
    assert locked <= names


def test_every_licence_is_stated_and_none_forbids_use_with_apache():
    assert all(text.strip() not in ("", "not stated", "UNKNOWN") for _, text in LISTED)
    assert not [
        name for name, text in LISTED if re.search(r"\bA?GPL|GNU (Affero )?General|Non-?Commercial", text)
    ]


def test_the_walk_follows_what_is_needed_and_leaves_out_what_is_not():
    found = closure()
    assert {"fewshot-bench"} <= found["torch"] and "torch" in found["sympy"]
    assert not [name for name in found if name.startswith(OWN) or ACCELERATOR.match(name)]
    assert set(found) < set(closure(EXTRAS)) and "pytest" in closure(EXTRAS)
    assert not installed("no-such-distribution") and licence("click")


def test_the_exact_versions_are_within_the_bounds_and_complete():
    lines = [line for needed in own(EXTRAS).values() for line in needed]
    for need in map(Requirement, lines):
        name = canonicalize_name(need.name)
        if not name.startswith(OWN):
            assert name in LOCKED, f"{name}: run python -m benchmarks.supply lock > constraints.txt"
            assert need.specifier.contains(LOCKED[name]), (
                f"{name}=={LOCKED[name]} is outside of {need.specifier}"
            )
    assert {name for name, _ in LISTED} <= set(LOCKED)
    assert not re.search(r"://|--index|--hash|\+cpu", (ROOT / "constraints.txt").read_text())


def test_every_dependency_has_a_lower_bound_and_the_lowest_versions_are_its():
    pinned = lowest(declared())
    assert "torch==2.4" in pinned and len(pinned) == len({line.partition("==")[0] for line in pinned})
    assert not [line for line in pinned if line.startswith(OWN)]
    with pytest.raises(ValueError, match="'torch<3' has no lower bound"):
        lowest(["torch<3"])
    with pytest.raises(ValueError, match=r"torch has the lower bounds 2\.4 and 2\.5"):
        lowest(["torch>=2.4", "torch>=2.5,<3"])
