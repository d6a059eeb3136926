"""The lowest versions that the distributions here declare, as constraints for pip: ``python -m benchmarks.bounds``.

``make test-lowest`` installs them and runs the fast tests. Only the standard library is needed.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ("fewshot-bench", "fsbench-")
EXTRAS = ("test",)


def declared(root: Path = ROOT) -> list[str]:
    """Returns the requirements of the core with its extra ``test``, and of all plugins, in alphabetical order."""
    found: set[str] = set()
    for path in [root / "setup.cfg", *sorted(root.glob("plugins/*/setup.cfg"))]:
        setup = configparser.ConfigParser()
        setup.read(path, encoding="utf-8")
        found |= set(setup["options"]["install_requires"].split())
        for extra in EXTRAS:
            found |= set(setup.get("options.extras_require", extra, fallback="").split())
    return sorted(line for line in found if not line.startswith(OWN))


def lowest(requirements: Iterable[str]) -> list[str]:
    """Returns ``name==version`` of each requirement, with its lower bound; ValueError for one that has none."""
    pinned: dict[str, str] = {}
    for line in requirements:
        match = re.match(r"([A-Za-z0-9._-]+?)[>=]=([0-9.]+)", line)
        if match is None:
            raise ValueError(f"{line!r} has no lower bound, such as {line}>=1.0")
        name, version = match.groups()
        if pinned.setdefault(name, version) != version:
            raise ValueError(f"{name} has the lower bounds {pinned[name]} and {version}; make them one")
    return [f"{name}=={version}" for name, version in sorted(pinned.items())]


if __name__ == "__main__":
    print("\n".join(lowest(declared())))
