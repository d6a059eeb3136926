"""The distribution of the museum's methods, installed beside the others while a test runs."""

from __future__ import annotations

import sys

import pytest

from fewshot_bench.contract import registry
from tests.museum.catalogue import CHEATS, IMPOSSIBLE


@pytest.fixture(scope="session")
def museum(tmp_path_factory):
    """Installs the methods of the catalogue, and the honest one, for the session."""
    site = tmp_path_factory.mktemp("museum")
    info = site / "fsbench_museum-1.0.dist-info"
    info.mkdir()
    methods = {name: method for name, (method, _) in CHEATS.items()} | IMPOSSIBLE
    lines = [f"{name} = {method.__module__}:{method.__qualname__}\n" for name, method in methods.items()]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fsbench-museum\nVersion: 1.0\n")
    points = "".join([*lines, "honest = fsbench_museum.honest:Honest\n"])
    (info / "entry_points.txt").write_text(f"[{registry.METHODS}]\n{points}")
    sys.path.insert(0, str(site))
    registry.entries.cache_clear()
    yield site
    sys.path.remove(str(site))
    registry.entries.cache_clear()
