"""The fronts: what an author and a user find by name, by ``dir`` and by ``help``."""

from __future__ import annotations

import inspect
import pydoc
import re
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import get_origin

import pytest

import fewshot_bench as fb
from fewshot_bench import api
from fewshot_bench.lazy import document, first_line, front, outline

FRONTS = {"fewshot_bench": fb, "fewshot_bench.api": api}
NAMES = [(module, name) for module, front in FRONTS.items() for name in front.__all__]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_each_name_is_there_and_documented(module, name):
    value = getattr(FRONTS[module], name)
    alias = get_origin(value) is not None  # of a type: the outline names it, and its home has the words
    if not alias and (inspect.isclass(value) or callable(value)):
        text = inspect.getdoc(value) or ""
        assert text.split("\n\n")[0].rstrip().endswith((".", ":")), f"{name}: {text!r}"
        assert not text.startswith(f"{name}("), f"{name}: the docstring that dataclass makes says nothing"
    else:
        assert name in (FRONTS[module].__doc__ or "")


@pytest.mark.parametrize("module", FRONTS)
def test_names_are_listed_once(module):
    stub = Path(str(FRONTS[module].__file__)).with_suffix(".pyi").read_text()
    listed = re.findall(r"^from fewshot_bench\.[\w.]+ import (\w+) as (\w+)$", stub, flags=re.MULTILINE)
    assert all(name == public for name, public in listed)
    assert sorted(name for name, _ in listed) == FRONTS[module].__all__ == dir(FRONTS[module])


def test_help_shows_every_name_and_where_to_begin():
    text = pydoc.plain(pydoc.render_doc(api))
    first, _, rest = text.partition("CLASSES")
    assert "Begin with ``EmbeddingMethod``" in first and "Methods: subclass one" in first
    assert all(re.search(rf"\b{name}\b", first) for name in api.__all__)
    assert all(re.search(rf"\b{name}\b", rest) for name in api.__all__)


def test_dir_of_the_package_shows_the_functions_and_no_module():
    functions = "check compare dataset decide fit index_of_frame leaderboard load predict references run sample scores"
    assert dir(fb) == ["FsbenchError", "Record", "UsageError", *functions.split()]
    assert not any(inspect.ismodule(getattr(fb, name)) for name in dir(fb))


@pytest.mark.subprocess
def test_names_of_the_api_do_not_turn_up_in_the_package():
    code = "import fewshot_bench as f, fewshot_bench.api as a; a.Tasks; print(hasattr(f, 'Tasks'), hasattr(a, 'Tasks'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_mistyped_name_is_corrected():
    with pytest.raises(
        AttributeError, match=r"^fewshot_bench.api has no 'Prototpye'; did you mean Prototype\?$"
    ):
        api.Prototpye  # noqa: B018
    with pytest.raises(AttributeError, match=r"^fewshot_bench has no 'zzz'; it has FsbenchError, Record"):
        fb.zzz  # noqa: B018
    with pytest.raises(ImportError, match="Prototpye"):
        from fewshot_bench.api import Prototpye  # noqa: F401


def test_an_outline_has_the_comments_and_the_names_below_them_with_a_line_each():
    text = (
        "# ruff: noqa\n\n# One.\nfrom json import dumps as dumps\nfrom nowhere import c as c\n\n"
        "# Two.\nfrom fewshot_bench.errors import UsageError as UsageError\n"
    )
    one, two = outline(text).split("\n\n")
    assert one == f"One.\n    {'dumps':<22} Serialize ``obj`` to a JSON formatted ``str``.\n    c"
    assert two == f"Two.\n    {'UsageError':<22} {first_line('fewshot_bench.errors', 'UsageError')}\n"


def test_help_has_a_line_for_every_name_and_imports_nothing_for_it():
    lines = dict(re.findall(r"^    (\w+) {2,}(\S.*)$", str(api.__doc__), flags=re.MULTILINE))
    assert set(api.__all__) <= set(lines)
    assert lines["UsageError"].startswith("The request itself is wrong")
    assert lines["QUERY"] == lines["BOTH"] != ""


def test_a_front_reads_the_stub_beside_it(tmp_path, monkeypatch):
    (tmp_path / "some.pyi").write_text("# Numbers.\nfrom math import pi as pi\n")
    load, listed, names = front(__name__, str(tmp_path / "some.py"))
    assert load("pi") == pytest.approx(3.14159, abs=1e-5)
    assert listed() == names == ["pi"]
    module = types.ModuleType("some", "Words.\n\n")
    monkeypatch.setitem(sys.modules, "some", module)
    document("some", str(tmp_path / "some.py"))
    assert module.__doc__ == "Words.\n\nNumbers.\n    pi\n"


def test_the_method_of_the_docstring_runs(tmp_path):
    code = re.search(r"(    from .*?)\n\nThat is a whole method", str(api.__doc__), re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(textwrap.dedent(code[1]), names)
    method = names["Pixels"]
    assert isinstance(method, type) and issubclass(method, api.EmbeddingMethod)
    ready = method()
    ready.setup(api.Context(device="cpu", seed=0, cache=tmp_path))
    assert isinstance(ready.head, api.Head) and isinstance(ready.encoder, api.Encoder)
