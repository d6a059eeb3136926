"""``fsbench new-plugin``: what is written, what is refused, and that its style is this project's own."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fewshot_bench.cli.new_plugin import command
from fewshot_bench.errors import UsageError
from fewshot_bench.scaffold import write
from fewshot_bench.scaffold.kinds import KINDS
from fewshot_bench.scaffold.write import LONGEST, TEMPLATES, class_name, new_plugin, suggestion

ROOT = Path(__file__).parents[2]
NAMES = ("a", "my-method", "a-long-name-for-a-plugin")
assert len(NAMES[-1]) == LONGEST


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_distribution_is_complete(kind: str, name: str, tmp_path: Path):
    place = new_plugin(name, kind, tmp_path)
    package = f"fsbench_{name.replace('-', '_')}"
    assert {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} == {
        ".github/workflows/tests.yml", "LICENSE", "README.md", "pyproject.toml", "setup.cfg",
        f"{package}/__init__.py", f"{package}/{kind}.py", f"{package}/py.typed", f"tests/test_{kind}.py",
    }  # fmt: skip
    for path in place.rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(r"@\w+@|PACKAGE|MODULE", text), path
        if path.suffix == ".py":
            compile(text, str(path), "exec")
    assert (place / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    setup = configparser.ConfigParser()
    setup.read(place / "setup.cfg", encoding="utf-8")
    point = setup["options.entry_points"][KINDS[kind].group].strip()
    module = (place / package / f"{kind}.py").read_text(encoding="utf-8")
    assert point.startswith(f"{name} = {package}.{kind}:")
    assert re.search(rf"^(class|def) {point.rpartition(':')[2]}\b", module, flags=re.MULTILINE)
    assert f'name = "{name}"' in module


def test_bounds_are_those_of_the_core():
    core = configparser.ConfigParser()
    core.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = core["options"]["install_requires"].split()
    for name in {name for kind in KINDS.values() for name in (*kind.requires, *kind.test_requires)}:
        if not name.startswith("fsbench-"):
            assert write.requirement(name) in declared
    assert re.fullmatch(r"fewshot-bench>=(\d+)\.(\d+),<\1\.\d+", write.requirement("fewshot-bench"))
    with pytest.raises(LookupError):
        write.requirement("no-such-thing")


def test_nothing_is_overwritten(tmp_path: Path):
    place = new_plugin("mine", "head", tmp_path)
    (place / "README.md").write_text("edited")
    with pytest.raises(
        UsageError, match=r"fsbench-mine is there already, and nothing is overwritten; choose"
    ):
        new_plugin("mine", "trained", tmp_path)
    assert (place / "README.md").read_text() == "edited"
    (tmp_path / "fsbench-link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is there already"):
        new_plugin("link", "head", tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("MyMethod", r"'MyMethod' cannot be the name of a method; .* such as `fsbench new-plugin my-method`\.$"),
        ("3d nets", r"such as `fsbench new-plugin my-3d-nets`\.$"),
        ("Über", r"such as `fsbench new-plugin uber`\.$"),
        ("../up", r"such as `fsbench new-plugin up`\.$"),
        ("", r"such as `fsbench new-plugin my-method`\.$"),
        ("a--b", r"such as `fsbench new-plugin a-b`\.$"),
        ("-a", r"such as `fsbench new-plugin a`\.$"),
        ("a\n", r"such as `fsbench new-plugin a`\.$"),
        ("fsbench-x", r"gets the prefix fsbench- by itself; leave it out, such as `fsbench new-plugin x`\.$"),
        ("x" * 25, r"has 25 letters, and 24 at most are good; shorten it\.$"),
        ("digits", "^There is a data set 'digits' already, of fewshot-bench; choose another name"),
    ],
)  # fmt: skip
def test_a_bad_name_is_a_sentence_and_writes_nothing(name: str, sentence: str, tmp_path: Path):
    with pytest.raises(UsageError, match=sentence):
        new_plugin(name, "dataset" if name == "digits" else "head", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["MyMethod", "3d nets", "Über", "..", "", "fsbench", "é" * 40, "a-" * 40])
def test_what_is_suggested_is_accepted(name: str):
    write.check_name(suggestion(name), KINDS["head"])


def test_an_unknown_kind_is_a_sentence(tmp_path: Path):
    with pytest.raises(
        UsageError, match=r"There is no kind 'heads' of plugins; choose one of head, trained, "
    ):
        new_plugin("mine", "heads", tmp_path)


def test_the_name_of_the_class_is_no_name_that_the_module_has_already(tmp_path: Path):
    assert class_name("power-means", "class PowerMeans:") == "PowerMeansPlugin"
    assert class_name("power-mean", "class PowerMeans:") == "PowerMean"
    place = new_plugin("prototype", "trained", tmp_path)
    assert (
        "class PrototypePlugin(TrainedMethod[Config]):"
        in (place / "fsbench_prototype/trained.py").read_text()
    )


def test_every_kind_has_its_templates_and_nothing_else_is_there():
    assert {path.name for path in TEMPLATES.iterdir()} == {*KINDS, write.EVERY}
    assert all(path.suffix == ".txt" for path in TEMPLATES.rglob("*") if path.is_file())


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path):
    done = CliRunner().invoke(command, ["mine", "--kind", "encoder", "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert f"wrote {tmp_path}/fsbench-mine/fsbench_mine/encoder.py" in done.output
    assert f"pip install --editable {tmp_path}/fsbench-mine" in done.output
    assert "fsbench check mine\n" in done.output


@pytest.mark.subprocess
def test_ruff_finds_nothing(tmp_path: Path):
    ruff = shutil.which("ruff", path=Path(sys.executable).parent)
    if ruff is None:
        pytest.skip("ruff is not installed: pip install '.[lint]'")
    for name in NAMES:
        for kind in KINDS:
            new_plugin(name, kind, tmp_path / f"{name} {kind}")
    for words in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run([ruff, *words, "--no-cache", "."], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
