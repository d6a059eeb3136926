"""What a distribution declares is what it imports, and what it ships is complete."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/setup.cfg"))
DISTRIBUTIONS = [ROOT, *PLUGINS]
MODULES = metadata.packages_distributions()
"""Importable top-level name -> the distributions that install it."""

NOT_DECLARED = {"learn2learn", "open_clip", "pytest", "typing_extensions"}
"""learn2learn is optional, and no pip requirement can install it: see plugins/fsbench-maml/learn2learn.txt.
open_clip is an extra of fsbench-clip, whose tests are skipped without it.
typing_extensions is imported for checkers of types alone, and they bring it.
pytest is imported by fewshot_bench.testing, which tests alone import."""

NOT_IMPORTED = {"onnxscript"}
"""torch's exporter imports it, and torch does not require it."""

EXTRAS = ("sweep", "ray")
"""What a command needs that says so where it is missing."""


def normal(name: str) -> str:
    """The name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def setup_of(place: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(place / "setup.cfg", encoding="utf-8")
    return parser


def requirements(text: str) -> set[str]:
    """The distributions that a list of requirements names."""
    found = [re.match(r"[A-Za-z0-9._-]+", line.strip()) for line in text.splitlines()]
    return {normal(match.group()) for match in found if match}


def files(place: Path) -> list[Path]:
    package = setup_of(place)["options.packages.find"]["include"].strip().rstrip("*")
    return sorted((place / package).rglob("*.py"))


def modules(path: Path) -> set[str]:
    """The top-level modules that a file imports anywhere, in functions and by ``import_module("…")`` too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return {name.split(".")[0] for name in found} - sys.stdlib_module_names


def imported(place: Path) -> set[str]:
    """The distributions that the files of a distribution import, itself left out."""
    names = set().union(*(modules(path) for path in files(place))) - NOT_DECLARED
    unknown = {name for name in names if name not in MODULES}
    assert not unknown, f"no installed distribution has {sorted(unknown)}"
    own = normal(setup_of(place)["metadata"]["name"])
    return {normal(MODULES[name][0]) for name in names} - {own}


@pytest.mark.parametrize("place", DISTRIBUTIONS, ids=lambda place: place.name)
def test_what_is_required_is_what_is_imported(place: Path) -> None:
    declared = requirements(setup_of(place)["options"]["install_requires"])
    if place == ROOT:
        extras = set().union(
            *(requirements(setup_of(ROOT)["options.extras_require"][name]) for name in EXTRAS)
        )
        assert extras <= imported(place) and declared >= NOT_IMPORTED
        assert declared - NOT_IMPORTED == imported(place) - extras
    else:
        assert declared == imported(place)


def test_a_plugin_asks_for_nothing_outside_the_bounds_of_the_core() -> None:
    core = setup_of(ROOT)["options"]["install_requires"].split()
    bounds = {normal(re.split(r"[<>=]", line)[0]): line for line in core}
    for place in PLUGINS:
        for line in setup_of(place)["options"]["install_requires"].split():
            name = normal(re.split(r"[<>=]", line)[0])
            assert bounds.get(name, line) == line, f"{place.name}: {line}, and the core {bounds[name]}"


@pytest.mark.slow
def test_the_tests_and_benchmarks_import_what_the_extras_install() -> None:
    options = setup_of(ROOT)["options.extras_require"]
    installed = requirements(setup_of(ROOT)["options"]["install_requires"]) | requirements(options["test"])
    for place in PLUGINS:
        installed |= requirements(setup_of(place)["options"]["install_requires"]) | {normal(place.name)}
    paths = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py"), ROOT / "conftest.py"]
    paths += [path for place in PLUGINS for path in (place / "tests").rglob("*.py")]
    names = (
        set().union(*map(modules, paths))
        - NOT_DECLARED
        - {"benchmarks", "fewshot_bench", "fsbench_museum", "tests"}
    )
    missing = {name for name in names if not {normal(d) for d in MODULES.get(name, [name])} & installed}
    assert not missing


@pytest.mark.parametrize("place", DISTRIBUTIONS, ids=lambda place: place.name)
def test_a_distribution_has_its_licence_its_readme_its_types_and_its_version(place: Path) -> None:
    meta = setup_of(place)["metadata"]
    assert meta["license"] == "Apache-2.0" and meta["license_files"].strip() == "LICENSE"
    assert (place / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    page = "docs/package.md" if place == ROOT else "README.md"
    assert meta["long_description"] == f"file: {page}"
    text = (place / page).read_text(encoding="utf-8")
    assert meta["name"] in text
    assert not re.findall(r"\]\((?!https://)", text), "an index of packages shows no relative links"
    package = setup_of(place)["options.packages.find"]["include"].strip().rstrip("*")
    assert (place / package / "py.typed").exists()
    assert "py.typed" in setup_of(place)["options.package_data"][package]
    assert meta["version"] == setup_of(ROOT)["metadata"]["version"]


@pytest.mark.parametrize("place", PLUGINS, ids=lambda place: place.name)
def test_every_method_and_data_set_of_a_plugin_is_in_its_readme(place: Path) -> None:
    points = setup_of(place)["options.entry_points"]
    names = {line.split("=")[0].strip() for text in points.values() for line in text.strip().splitlines()}
    readme = (place / "README.md").read_text(encoding="utf-8")
    assert names and [name for name in names if name not in readme] == []


def test_every_split_file_is_package_data() -> None:
    patterns = setup_of(ROOT)["options.package_data"]["fewshot_bench"].split()
    kept = {path for pattern in patterns for path in (ROOT / "fewshot_bench").glob(pattern)}
    others = [
        p for p in (ROOT / "fewshot_bench").rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")
    ]
    assert others and set(others) <= kept
