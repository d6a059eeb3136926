"""Identity: equal content, equal key; every field of a request is in a key, or is known to change no number."""

from __future__ import annotations

import ast
import dataclasses
import sys
import types
from pathlib import Path

import pytest

import fewshot_bench as fb
from fewshot_bench import identity
from fewshot_bench.engine import Request
from fewshot_bench.engine.facts import IN_NO_KEY
from fewshot_bench.errors import FsbenchError
from fewshot_bench.identity import canonical, key, source_digest, text_digest


def test_equal_trees_have_equal_keys_and_kinds_are_kept_apart():
    tree = {"b": [1, 2.5, None], "a": {"y": True, "x": "text"}}
    other = {"a": {"x": "text", "y": True}, "b": (1, 2.5, None)}
    assert canonical(tree) == '{"a":{"x":"text","y":true},"b":[1,2.5,null]}' == canonical(other)
    assert key("run", tree) == key("run", other) != key("training", tree)
    assert key("run", {"lr": 1.0}) != key("run", {"lr": 1.0000000001})


@pytest.mark.parametrize(
    "value", [Path("weights.pth"), float("nan"), float("inf"), {1, 2}, object(), b"bytes"]
)
def test_what_is_no_content_is_refused(value):
    with pytest.raises(FsbenchError, match=r"identity\.a\[1\] is .* cannot be part of an identity"):
        key("run", {"a": [0, value]})


def test_a_program_s_digest_is_of_its_statements():
    plain = "def f(x):\n    return x + 1\n"
    dressed = (
        '"""A module."""\n\n# a remark\ndef f(x):\n    """Add one."""\n    return (x\n            + 1)\n'
    )
    assert text_digest(plain) == text_digest(dressed) != text_digest(plain.replace("1", "2"))
    empty = "class A:\n    pass\n"
    assert text_digest('class A:\n    """Nothing."""\n') != text_digest(empty)


def test_a_class_is_made_of_its_modules_and_what_they_import_from_their_own_package(tmp_path, monkeypatch):
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "maths.py").write_text("def twice(x):\n    return 2 * x\n")
    (package / "unused.py").write_text("VALUE = 1\n")
    (package / "method.py").write_text(
        "from own_package.maths import twice\n\nclass Method:\n    go = twice\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    made = __import__("own_package.method", fromlist=["Method"]).Method
    first = source_digest(made)
    (package / "unused.py").write_text("VALUE = 2\n")
    assert source_digest(made) == first
    (package / "maths.py").write_text("def twice(x):\n    return 2 * x  # a remark\n")
    assert source_digest(made) == first
    (package / "maths.py").write_text("def twice(x):\n    return 3 * x\n")
    assert source_digest(made) != first
    for name in [name for name in sys.modules if name.startswith("own_package")]:
        del sys.modules[name]


PROGRAM = "@d\nclass A(B, k=1):\n    x: int = -1.5\n    def f(self, *a, b=None, **c):\n        return [f'{a!r}', ...]\n"


def test_a_program_s_digest_is_the_same_on_every_version_of_python(monkeypatch):
    known = "8263c3713d3af9766d79b7f7d6a4801866ca789a1359d6d4b6456c18800b3df3"
    assert text_digest(PROGRAM) == known
    for kind in (ast.ClassDef, ast.FunctionDef):  # as 3.12 has them
        if "type_params" not in kind._fields:
            monkeypatch.setattr(kind, "_fields", (*kind._fields, "type_params"))
            monkeypatch.setattr(kind, "type_params", [], raising=False)
    tree = ast.parse(PROGRAM)
    assert text_digest(PROGRAM) == known
    if sys.version_info < (3, 13):
        assert "type_params=[]" in ast.dump(tree)
        assert identity.tree_text(tree, as_3_12=True) == ast.dump(tree)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the text is that of Python 3.11")
def test_a_tree_is_written_as_python_3_11_writes_it():
    for path in sorted(Path(fb.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_bytes())
        assert identity.tree_text(tree) == ast.dump(tree), path


def test_a_class_without_a_file_has_the_digest_of_its_name_at_least():
    def made(name: str) -> type:
        return types.new_class(name, (), exec_body=lambda body: body.update(__module__="a_notebook"))

    assert source_digest(made("Some")) == source_digest(made("Some")) != source_digest(made("Other"))


@dataclasses.dataclass
class Vectors:
    device: str = "cpu"
    libraries: tuple[str, ...] = ("numpy",)

    def fingerprint(self) -> str:
        return "0" * 64


def test_vectors_of_two_devices_or_versions_have_two_keys(monkeypatch):
    first = identity.embedding_key(Vectors())
    assert identity.embedding_key(Vectors(device="cuda")) != first
    assert identity.embedding_key(Vectors(device="cuda:0")) == identity.embedding_key(
        Vectors(device="cuda:1")
    )
    monkeypatch.setattr(identity, "_version", lambda name: "0.0.1" if name == "numpy" else "")
    other = identity.embedding_key(Vectors())
    assert other != first
    monkeypatch.setattr(identity, "_version", lambda name: "0.0.1")
    assert identity.embedding_key(Vectors()) == other  # no library of this encoder has another version


def test_every_field_of_a_request_is_in_a_key_or_has_a_reason_not_to_be():
    in_key = {"method", "parameters", "protocol", "train_seed", "metrics"}
    assert {field.name for field in dataclasses.fields(Request)} == in_key | IN_NO_KEY.keys()
    assert not in_key & IN_NO_KEY.keys() and all(IN_NO_KEY.values())


BASE = {"method": "pixels", "dataset": "digits", "ways": 3, "shots": 2, "queries": 4, "episodes": 5}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"method": "hog-knn"},
        {"parameters": {"k": 2}},
        {"protocol": "retrieval"},
        {"train_seed": 1},
        {"metrics": ["top5"]},
        {"seed": 1},
        {"ways": 4},
        {"shots": 1},
        {"queries": 3},
        {"episodes": 6},
        {"variable": True},
        {"dataset": "packshots", "queries": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_request_is_another_result(change):
    if change.get("method") == "hog-knn":
        pytest.importorskip("fsbench_hog")
    if change.get("dataset") == "packshots":
        pytest.importorskip("fsbench_packshots")
    first, second = fb.run(**BASE), fb.run(**{**BASE, **change})
    assert first.identity == fb.run(**BASE).identity != second.identity
    assert first.identity == key("run", first.identity_facts)


def test_base_data_of_a_method_that_does_not_train_changes_nothing():
    assert fb.run(**BASE).identity == fb.run(**BASE, train_dataset="digits").identity


def test_another_version_of_what_the_plugin_requires_is_another_result(monkeypatch):
    first = fb.run(**BASE)
    real = identity._version
    monkeypatch.setattr(identity, "_version", lambda name: "99" if name == "pillow" else real(name))
    assert fb.run(**BASE).identity != first.identity
