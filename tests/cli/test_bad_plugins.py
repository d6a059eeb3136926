"""A bad plugin costs nobody else anything: it is listed with its reason, a run of it fails, and all else works."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fewshot_bench.cli import guarded

RUN = ["run", "--dataset", "digits", "--episodes", "5"]

METHOD = """
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype
class Toy(EmbeddingMethod):
    api_version, name, summary = 1, "bad", "a toy"
    def setup(self, context):
        self.encoder, self.head = PixelEncoder(8), Prototype("euclidean")
"""

BAD_AT_LOAD = {
    "no summary": (METHOD.replace('summary = 1, "bad", "a toy"', 'x = 1, "bad", 0'), "has no summary"),
    "summary is a property": (
        METHOD.replace(', summary = 1, "bad", "a toy"', ' = 1, "bad"')
        + "    @property\n    def summary(self):\n        raise RuntimeError('no')\n",
        "a summary of type property; Toy.summary must be a str",
    ),
    "a raising property of the class": (
        METHOD.replace("class Toy(EmbeddingMethod):", "class Meta(type(EmbeddingMethod)):\n"
        "    @property\n    def summary(cls):\n        raise RuntimeError('no summary today')\n"
        "class Toy(EmbeddingMethod, metaclass=Meta):").replace(', summary = 1, "bad", "a toy"', ' = 1, "bad"'),
        "RuntimeError: no summary today",
    ),
    "two lines": (METHOD.replace('"a toy"', '"a\\ntoy"'), "a summary that is not one line"),
    "a function": ("def Toy():\n    pass\n", "is a function and not a class"),
    "another class": ("class Toy:\n    api_version = 1\n    summary = 'x'\n", "no subclass of EmbeddingMethod"),
    "abstract": (METHOD.replace("def setup", "def prepare"), "does not define setup"),
    "import error": ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax error": ("def\n", "SyntaxError"),
    "exit at import": ("import sys\nsys.exit(0)\n", "it called exit with 0"),
    "config is no dataclass": (METHOD + "    Config = dict\n", "a Config that is no dataclass"),
    "config of unknown types": (
        METHOD + "    import dataclasses\n    @dataclasses.dataclass(frozen=True)\n    class Config:\n"
        "        x: 'Nowhere' = 1\n",
        "NameError",
    ),
    "nothing there": ("", "has no attribute 'Toy'"),
}  # fmt: skip


def call(capsys, *words):
    status = guarded(list(map(str, words)), debug=False)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("kind", BAD_AT_LOAD)
def test_a_bad_one_is_listed_with_its_reason_and_a_run_of_it_fails_in_a_sentence(capsys, make_plugin, kind):
    source, reason = BAD_AT_LOAD[kind]
    make_plugin("bad-plugin", source, bad="Toy")
    status, out, err = call(capsys, "methods")
    assert status == 0 and " pixels " in out and "Traceback" not in err
    assert "The method 'bad' of bad-plugin 1.0" in err and reason in err
    status, out, _ = call(capsys, "methods", "--json")
    rows = {row["method"]: row for row in json.loads(out)}
    assert reason in rows["bad"]["broken"] and not rows["pixels"]["broken"]
    status, out, err = call(capsys, *RUN, "--method", "bad")
    assert (status, out) == (1, "") and reason in err and len(err.strip().splitlines()) == 1
    assert call(capsys, "methods", "pixels")[0] == 0


def test_a_bad_data_set_is_listed_with_its_reason(capsys, make_plugin):
    from fewshot_bench.contract import registry

    make_plugin("bad-set", "Toy = 3", group=registry.DATASETS, bad="Toy")
    make_plugin("worse-set", "raise SystemExit", group=registry.DATASETS, worse="Toy")
    status, out, err = call(capsys, "datasets")
    assert status == 0 and " digits " in out
    assert "is a int and not a class" in err and "it called exit with None" in err


def test_metadata_without_a_name_breaks_no_list(capsys, make_plugin):
    site = make_plugin("bad-plugin", METHOD, bad="Toy")
    (info,) = site.glob("*.dist-info")
    (info / "METADATA").write_text("")
    status, out, _ = call(capsys, "methods")
    assert status == 0 and " pixels " in out


IN_A_METHOD = {
    "construction": "def __init__(self, config=None):\n        raise SystemExit(0)",
    "setup": "def setup(self, context):\n        raise SystemExit(0)",
    "the facts": "@property\n    def pretraining(self):\n        raise SystemExit(0)",
    "generator exit": "def setup(self, context):\n        raise GeneratorExit",
    "broken pipe": "def setup(self, context):\n        raise BrokenPipeError",
    "end of file": "def setup(self, context):\n        input_ = iter(()); raise EOFError",
}
IN_THE_REST = {
    "prepare": "class E(PixelEncoder):\n    def prepare(self, image):\n        raise SystemExit(0)",
    "encode": "class E(PixelEncoder):\n    def encode(self, batch):\n        raise SystemExit(0)",
    "fingerprint": "class E(PixelEncoder):\n    def fingerprint(self):\n        raise SystemExit(0)",
    "scores": "class H(Prototype):\n    def scores(self, table, tasks):\n        raise SystemExit(0)",
    "item_scores": "class H(Prototype):\n    def item_scores(self, table, tasks):\n        raise SystemExit(0)",
}


@pytest.mark.parametrize("kind", [*IN_A_METHOD, *IN_THE_REST])
def test_a_method_that_exits_is_a_failed_run(capsys, make_plugin, tmp_path, kind):
    if kind in IN_A_METHOD:
        source = METHOD + "    " + IN_A_METHOD[kind] + "\n"
    else:
        parts = METHOD.split("class Toy")
        source = parts[0] + "E, H = PixelEncoder, Prototype\n" + IN_THE_REST[kind] + "\nclass Toy" + parts[1]
        source = source.replace('PixelEncoder(8), Prototype("e', 'E(8), H("e')
    make_plugin("bad-plugin", source, bad="Toy")
    status, out, err = call(capsys, *RUN, "--method", "bad", "--results", tmp_path / "results", "--json")
    assert (status, out) == (1, "")
    assert "Error: The method bad failed in " in err and "Interrupted" not in err
    assert not list((tmp_path / "results").rglob("*.json"))


NOISY = METHOD.replace(
    "def setup(self, context):",
    """def setup(self, context):
        import os, warnings, torch
        print("hello from setup")
        os.system("echo hello from a process")
        os.chdir("/")
        torch.set_default_dtype(torch.float64)""",
)


@pytest.mark.subprocess
def test_what_a_plugin_prints_and_changes_leaves_the_json_and_the_next_run_alone(make_plugin, tmp_path):
    site = make_plugin("noisy-plugin", "print('hello from the import')\n" + NOISY, bad="Toy")
    words = [*RUN, "--method", "bad", "--json", "--results", "here"]
    command = [sys.executable, "-c", "from fewshot_bench.cli import main; main()", *words]
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, check=True
    )  # fmt: skip
    record = json.loads(done.stdout)
    assert "hello from the import" in done.stderr and "hello from a process" in done.stderr
    notes = record["environment"]["notes"]
    assert notes == [
        "The method bad changed the working folder in setup; it was put back.",
        "The method bad changed torch's default number type in setup; it was put back.",
    ]
    assert all(f"Note: {note}" in done.stderr for note in notes)
    assert list((tmp_path / "here").rglob("*.json")), "the results folder is that of the command"


SLOW = METHOD.replace('Prototype("', 'Slow("').replace(
    "class Toy", "import time\nclass Slow(Prototype):\n    def scores(self, table, tasks):\n"
    "        time.sleep(30)\nclass Toy",
)  # fmt: skip


@pytest.mark.slow
def test_a_time_limit_is_a_sentence(capsys, make_plugin, tmp_path):
    make_plugin("slow-plugin", SLOW, bad="Toy")
    limited = [*RUN, "--method", "bad", "--results", tmp_path, "--time-limit"]
    status, _, err = call(capsys, *limited, "1.5")
    assert (
        status == 1 and "The method bad took longer than 1.5 s in scores; give it more by --time-limit" in err
    )
    assert call(capsys, *limited, "0")[0] == 2


def test_a_record_says_how_much_memory_the_process_held(capsys, tmp_path):
    _, out, _ = call(capsys, *RUN, "--method", "pixels", "--json", "--results", tmp_path)
    environment = json.loads(out)["environment"]
    assert 50 < environment["peak_memory_mb"] < 100_000 and "notes" not in environment
