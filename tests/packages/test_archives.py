"""What is inside the wheels and the sdists that people will install."""

from __future__ import annotations

import email
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = [ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/setup.cfg"))]
NAMES = ["fewshot_bench", *(place.name.replace("-", "_") for place in PLACES[1:])]
pytestmark = [pytest.mark.packages, pytest.mark.slow, pytest.mark.subprocess]


@pytest.fixture(params=NAMES)
def wheel(archives: Path, request: pytest.FixtureRequest) -> zipfile.ZipFile:
    (path,) = archives.glob(f"{request.param}-*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(params=NAMES)
def sdist(archives: Path, request: pytest.FixtureRequest) -> tarfile.TarFile:
    (path,) = archives.glob(f"{request.param}-*.tar.gz")
    return tarfile.open(path)


def package(archive: zipfile.ZipFile) -> str:
    return Path(str(archive.filename)).name.split("-")[0]


def test_a_wheel_has_one_package_its_licence_and_no_tests(wheel: zipfile.ZipFile):
    names, own = wheel.namelist(), package(wheel)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {own}
    code = [name for name in names if name.endswith(".py")]
    assert code and not [
        name for name in code if re.search(r"(^|/)(tests?|benchmarks|results)/|/test_", name)
    ]
    assert [name for name in names if re.search(r"\.dist-info/(licenses/)?LICENSE$", name)]
    assert f"{own}/py.typed" in names
    source = ROOT / own if own == "fewshot_bench" else ROOT / "plugins" / own.replace("_", "-") / own
    kept = {f"{own}/{path.relative_to(source).as_posix()}" for path in source.rglob("*") if path.is_file()}
    assert {name for name in kept if "__pycache__" not in name} == {
        name for name in names if name.startswith(f"{own}/")
    }


def test_the_page_of_a_wheel_has_a_text_without_relative_links_and_a_licence(wheel: zipfile.ZipFile):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    page = email.message_from_bytes(wheel.read(name))
    text = page.get_payload(decode=True).decode("utf-8")
    assert page["Description-Content-Type"] == "text/markdown" and len(text) > 200
    assert not re.findall(r"\]\((?!https?://)[^)]*\)", text), "an index of packages shows no relative links"
    assert "Apache-2.0" in (page["License"] or page["License-Expression"])
    assert page["Summary"] and page["Requires-Python"] == ">=3.11"


def test_an_sdist_has_what_a_wheel_is_built_from_and_no_tests(sdist: tarfile.TarFile):
    names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "setup.cfg", "pyproject.toml", "PKG-INFO"} <= names
    assert not [name for name in names if re.match(r"(tests|benchmarks|results|plugins)(/|$)", name)]


def test_there_is_an_archive_of_each_kind_for_every_distribution(archives: Path):
    assert len(list(archives.iterdir())) == 2 * len(NAMES)
