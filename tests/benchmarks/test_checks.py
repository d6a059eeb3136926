"""``python -m benchmarks.checks`` tries every method that is shipped."""

from __future__ import annotations

from pathlib import Path

from benchmarks.checks import SETTINGS
from fewshot_bench.contract import registry
from fewshot_bench.contract.config import build


def test_every_method_that_is_shipped_has_settings_that_it_takes():
    entries = registry.entries(registry.METHODS)
    ours = {path.name for path in (Path(__file__).parents[2] / "plugins").iterdir()}
    shipped = {name for name, (entry, *_) in entries.items() if entry.distribution in ours}
    assert shipped <= SETTINGS.keys()
    for name in shipped:
        build(registry.load(registry.METHODS, name).Config, name, SETTINGS[name])
