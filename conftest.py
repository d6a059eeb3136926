"""Fixtures and marks of the core's and the plugins' tests; CONTRIBUTING.md says what each mark means."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from fewshot_bench.contract import registry

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch: the arrays of tests are too small to be shared out
os.environ.setdefault("FSBENCH_BACKEND", "torch")  # tests of the export ask for it; to export takes seconds
platform.processor()  # starts a process on the first call, and is remembered
LOOKS_FOR_A_LIBRARY = "['/sbin/ldconfig"
"""The process that ``ctypes.util.find_library`` starts, and with it older versions of scikit-learn."""

MakePlugin = Callable[..., Path]


def pytest_configure(config: pytest.Config) -> None:
    """Under ``make test-fast`` hypothesis tries 20 examples of each property, not 100."""
    hypothesis.settings.register_profile("fast", max_examples=20, deadline=None)
    if "not slow" in config.getoption("-m"):
        hypothesis.settings.load_profile("fast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that use the fixtures ``real_data`` and ``packshots``.

    Skips those that need packshots where it is not installed.
    """
    missing = pytest.mark.skip(
        reason="fsbench-packshots is not installed: pip install ./plugins/fsbench-packshots"
    )
    here = "packshots" in registry.entries(registry.DATASETS)
    for item in items:
        for name in {"packshots", "real_data"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(name)
        if not here and item.get_closest_marker("packshots"):
            item.add_marker(missing)


@pytest.fixture(autouse=True)
def no_process_in_the_fast_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ``make test-fast`` a test without the mark ``subprocess`` fails when it starts a process."""
    if "not subprocess" in request.config.getoption("-m"):
        start = subprocess.Popen

        def refuse(command: object, *rest: object, **options: object) -> object:
            if str(command).startswith(LOOKS_FOR_A_LIBRARY):
                return start(command, *rest, **options)  # type: ignore[call-overload]
            return pytest.fail("this test starts a process: mark it with @pytest.mark.subprocess")

        monkeypatch.setattr(subprocess, "Popen", refuse)


CACHES = itertools.count()
"""Numbers of the private caches of this process."""


@pytest.fixture(autouse=True)
def private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own cache."""
    if "FSBENCH_TEST_CACHE" not in os.environ:
        place = tmp_path_factory.getbasetemp() / f"cache-{next(CACHES)}"  # made when it is first written to
        monkeypatch.setenv("FSBENCH_CACHE", str(place))


@pytest.fixture
def make_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePlugin:
    """``make_plugin(distribution, source, group=…, **names)`` installs a distribution of one module."""
    modules: list[str] = []

    def make(distribution: str, source: str, group: str = registry.METHODS, **names: str) -> Path:
        site = tmp_path / f"site-{distribution}"
        module = distribution.replace("-", "_")
        modules.append(module)
        info = site / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        points = "".join(f"{name.replace('_', '-')} = {module}:{value}\n" for name, value in names.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n{points}")
        monkeypatch.syspath_prepend(str(site))
        registry.entries.cache_clear()
        return site

    yield make
    for module in modules:
        sys.modules.pop(module, None)
    registry.entries.cache_clear()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the test is skipped, visibly, where FSBENCH_DATA is not set."""
    root = os.environ.get("FSBENCH_DATA", "")
    if not root or not Path(root).is_dir():
        pytest.skip("FSBENCH_DATA is not set: no real data sets here")
    return Path(root)


@pytest.fixture
def draw() -> Callable[..., Path]:
    """``draw(path, seed)`` writes a picture of coloured noise, different for each seed."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (12, 9)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write
