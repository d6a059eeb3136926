"""The rules that keep the house a house: who may import whom, and no global random state anywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "fewshot_bench").rglob("*.py"))
PLUGINS = sorted(p for p in (ROOT / "plugins").rglob("*.py") if not {"build", "tests"} & set(p.parts))
HEAVY = {"torch", "torchvision", "timm", "sklearn", "faiss", "skimage", "pandas", "learn2learn"}
LAYERS = (
    ("errors", "lazy", "live_source"),
    ("files", "archives", "paths", "progress", "identity", "protocols", "notebook"),
    ("cluster",),
    ("data", "episodes", "metrics", "records"),
    ("report", "store"),
    ("embed", "heads"),
    ("training",),
    ("contract",),
    ("datasets", "isolation"),
    ("engine",),
    ("audit", "conformance", "prediction", "scaffold", "suites", "verification"),
    ("sheets", "recogniser"),
    ("shelf",),
    ("functions", "products", "testing"),
    ("cli",),
)
"""The rooms of the core from the ground up: each may import from lower layers, and none from its own or above."""

ABOVE = {"api", "__init__"}
"""The fronts: lists of names, each loaded when it is used."""

NARROW = {
    "episodes": {"errors", "files", "archives", "protocols", "notebook"},
    "metrics": {"errors"},
    "records": {"errors", "files", "archives", "identity", "notebook"},
    "report": {"errors", "records", "metrics", "protocols", "progress", "identity", "notebook"},
    "data": {"errors", "files", "paths", "notebook"},
}
"""Rooms that may use less than their layer allows: what reads a record or a manifest needs nothing else."""


def room(path: Path) -> str:
    return path.relative_to(ROOT / "fewshot_bench").parts[0].removesuffix(".py")


def imports(path: Path, *, top: bool = False, types: bool = False) -> set[str]:
    """Modules that a file imports when it runs; ``top``: when it is imported; ``types``: for annotations too."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if top and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if not types and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: a relative import"
                found.add(child.module or "")
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_imports_no_plugin_and_nothing_heavy_when_imported(path):
    assert not {m for m in imports(path) if m.startswith("fsbench_")}
    assert not {m.split(".")[0] for m in imports(path, top=True)} & HEAVY


def test_every_room_has_its_layer():
    assert {room(path) for path in CORE} - ABOVE <= {name for layer in LAYERS for name in layer}


@pytest.mark.parametrize("path", CORE, ids=name)
def test_arrows_point_one_way(path):
    here = room(path)
    if here in ABOVE:
        return
    used = {m.split(".")[1] for m in imports(path, types=True) if m.startswith("fewshot_bench.")} - {here}
    floor = next(number for number, layer in enumerate(LAYERS) if here in layer)
    assert used <= {name for layer in LAYERS[:floor] for name in layer}
    assert used <= NARROW.get(here, used)


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_imports_the_api_and_itself_and_nothing_heavy_when_imported(path):
    own = path.relative_to(ROOT / "plugins").parts[1]
    used = {m for m in imports(path) if m.startswith("fewshot_bench")}
    assert used <= {"fewshot_bench.api"}
    assert not {m.split(".")[0] for m in imports(path, top=True)} & HEAVY
    assert not {m for m in imports(path) if m.startswith("fsbench_") and m.split(".")[0] != own}


@pytest.mark.parametrize("path", [*CORE, *PLUGINS], ids=name)
def test_no_global_random_state_and_no_pickle(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"np\.random\.(seed|rand|randn|randint|choice|shuffle|permutation)\(", text)
    assert not re.search(r"torch\.manual_seed\(|(?<!\w)random\.seed\(", text)
    assert "pickle" not in {m.split(".")[0] for m in imports(path)}
    assert "allow_pickle=True" not in text and "weights_only=False" not in text


@pytest.mark.subprocess
def test_leaderboards_and_manifests_need_no_torch():
    code = (
        "import sys, fewshot_bench.metrics, fewshot_bench.episodes, fewshot_bench.records\n"
        "import fewshot_bench.report.leaderboard, fewshot_bench.data, fewshot_bench.api\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
