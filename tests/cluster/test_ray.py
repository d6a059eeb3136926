"""A Ray cluster of several processes gives what one process gives, byte for byte, whichever of them dies."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.cli import guarded
from fewshot_bench.cli.terminal import Watcher
from fewshot_bench.cluster.executor import Executor, UnitFailure, using
from fewshot_bench.cluster.ray_executor import ray_cluster
from fewshot_bench.engine import Request, run
from fewshot_bench.errors import FsbenchError
from fewshot_bench.records import Record, read_all
from fewshot_bench.store import sharding
from fewshot_bench.suites import load, perform, plan

pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.subprocess]

SOURCE = """
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype, arrays_once

COUNTS = Path(os.environ["TOY_COUNTS"])

def count(what):
    with open(COUNTS / what, "a") as stream:
        stream.write("x")

@dataclass(frozen=True)
class Chunked(Prototype):
    max_batch = 4

    def scores(self, table, tasks):
        if (COUNTS / "die").exists():
            (COUNTS / "die").unlink()
            os.kill(os.getpid(), 9)
        if (COUNTS / "always").exists():
            os.kill(os.getpid(), 9)
        if (COUNTS / "raise").exists():
            raise ValueError("no luck")
        return super().scores(table, tasks)

@dataclass(frozen=True)
class Config:
    size: int = 8

class Toy(EmbeddingMethod[Config]):
    api_version = 1
    name = "toy"
    summary = "pixels of a size, less a mean that is learnt"
    trains = True
    Config = Config

    def fit(self, base, context):
        def make():
            count("trained")
            return {"mean": context.embed(PixelEncoder(self.config.size), base.train).mean(0)}, {"loss": 0.5}

        self.arrays, facts = arrays_once(
            "toy-mean", self, context, make, parameters={"size": self.config.size}, base=base.fingerprint
        )
        return facts

    def setup(self, context):
        assert self.arrays["mean"].shape == (3 * self.config.size**2,)
        self.encoder, self.head = PixelEncoder(self.config.size), Chunked("euclidean")
"""


@pytest.fixture
def counts(tmp_path, make_plugin, monkeypatch) -> Path:
    """The toy, for this process and for workers, and the folder in which it counts."""
    place = tmp_path / "counts"
    place.mkdir()
    monkeypatch.setenv("TOY_COUNTS", str(place))
    make_plugin("toy-plugin", SOURCE, toy="Toy")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if str(tmp_path) in path))
    return place


@pytest.fixture
def base(tmp_path) -> str:
    """A folder of ten classes of six pictures of noise, to train on."""
    rng = np.random.default_rng(0)
    for number in range(60):
        path = tmp_path / "base" / f"class-{number % 10}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(path)
    return str(tmp_path / "base")


@pytest.fixture
def cluster(counts, tmp_path) -> Iterator[Executor]:
    """A cluster of two workers, whose cache is another one than that of this process."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as workers:
            workers.setenv("FSBENCH_CACHE", str(tmp_path / "workers"))
            found = stack.enter_context(ray_cluster(num_cpus=2, tries=2))
        yield found


def plain(record: Record) -> dict[str, object]:
    """What a record says but for dates, times and the machine."""
    data = {k: v for k, v in record.data.items() if k not in ("created", "timings", "environment")}
    return data | {"training": {k: v for k, v in data["training"].items() if k != "timings"}}


def same(one: Record, other: Record) -> None:
    assert plain(one) == plain(other)
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype and array.tobytes() == other.arrays[name].tobytes(), (
            name
        )


def toy(base: str) -> Request:
    return Request(method="toy", dataset="digits", episodes=20, train_dataset=base)


def test_a_run_on_a_cluster_is_the_same_whichever_worker_dies(
    cluster, counts, base, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr(sharding, "BATCHES", 4)
    here, _ = run(toy(base), cache=tmp_path / "here", device="cpu")
    assert (counts / "trained").read_text() == "x"
    (counts / "die").touch()
    with using(cluster):
        there, _ = run(toy(base), cache=tmp_path / "there", device="cpu")
    assert not capsys.readouterr().out, "what Ray says of the dead worker is on stderr"
    assert not (counts / "die").exists(), "a worker died"
    assert (counts / "trained").read_text() == "xx"
    same(here, there)
    with using(cluster):
        again, _ = run(toy(base), cache=tmp_path / "third", device="cpu")
    same(here, again)
    assert (counts / "trained").read_text() == "xx", (
        "a training with this key was made before, and is sent again"
    )


def test_what_fails_on_a_worker_is_a_sentence_and_a_unit_that_kills_workers_ends(
    cluster, counts, base, tmp_path
):
    (counts / "raise").touch()
    with (
        using(cluster),
        pytest.raises(FsbenchError, match="method toy failed in scores: ValueError: no luck") as told,
    ):
        run(toy(base), cache=tmp_path / "there", device="cpu")
    assert "Traceback" in told.value.__notes__[0]
    (counts / "raise").unlink()
    (counts / "always").touch()
    with (
        using(cluster),
        pytest.raises(FsbenchError, match=r"could not do a unit \(chunk of episodes\), tried 3 times"),
    ):
        run(toy(base), cache=tmp_path / "there", device="cpu")


def test_a_suite_on_a_cluster_is_that_of_one_process(cluster, counts, base, monkeypatch, tmp_path):
    lines = f"episodes = 10\ntrain_dataset = '{base}'\ndataset = 'digits'\nmethod = 'toy'\n"
    matrix = "[runs.matrix]\nshots = [1, 2]\nsize = [{parameters = {size = 4}}, {parameters = {size = 6}}]\n"
    (tmp_path / "toys.toml").write_text(f"results = '{tmp_path}/here'\n[[runs]]\n{lines}{matrix}")
    bad = f"[[runs]]\nmethod = 'pixels'\ndataset = '{tmp_path}/nothing'\n"
    (tmp_path / "more.toml").write_text(f"results = '{tmp_path}/there'\n[[runs]]\n{lines}{matrix}{bad}")
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "driver"))
    assert guarded(["suite", "run", str(tmp_path / "toys.toml"), "--device", "cpu"], debug=False) == 0
    (counts / "trained").unlink()
    (counts / "die").touch()
    units = [one.unit for one in plan(load(tmp_path / "more.toml").units()).left]
    with using(cluster):
        done = perform(units, watch=Watcher, device="cpu")
    assert len(done.made) == 4 and [unit.request.method for unit, _ in done.failed] == ["pixels"]
    assert (counts / "trained").read_text() == "xx", "each of the two trainings once, for two runs each"
    here, there = (
        {r.data["command"].split(" --results")[0]: r for r in read_all([tmp_path / name])}
        for name in ("here", "there")
    )
    assert here.keys() == there.keys() and len(here) == 4
    for command, record in here.items():
        same(record, there[command])
    places = [tmp_path / "here", tmp_path / "there"]
    names = [sorted(path.relative_to(place).as_posix() for path in place.rglob("*.npz")) for place in places]
    assert names[0] == names[1]
    for name in names[0]:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_the_command_starts_a_cluster_of_its_own(counts, base, capsys, tmp_path):
    line = [
        "run",
        "--method",
        "toy",
        "--dataset",
        "digits",
        "--train-dataset",
        base,
        "--episodes",
        "8",
        "--json",
    ]
    line += ["--device", "cpu"]
    assert guarded([*line, "--results", str(tmp_path / "a")], debug=False) == 0
    here = json.loads(capsys.readouterr().out)
    assert guarded([*line, "--results", str(tmp_path / "b"), "--executor", "ray"], debug=False) == 0
    there = json.loads(capsys.readouterr().out)
    assert here["scores_sha256"] == there["scores_sha256"] and here["identity"] == there["identity"]
    assert guarded([*line, "--address", "x:1"], debug=False) == 2
    assert "add --executor ray" in capsys.readouterr().err
    for address in ("127.0.0.1:9", "ray://127.0.0.1:9", "127.0.0.1:999999"):
        assert guarded([*line, "--executor", "ray", "--address", address], debug=False) == 1
        assert f"Error: No Ray cluster answers at {address} (" in capsys.readouterr().err


def test_units_with_one_key_are_done_once_and_results_come_in_any_order(cluster, counts):
    def work(number: int, name: str) -> int:
        from pathlib import Path

        with Path(name).open("a") as stream:
            stream.write("x")
        return number**2

    place = counts / "units"
    units = [(number, str(place)) for number in (1, 2, 2, 3)]
    found = dict(cluster.outcomes(work, units, keys=["a", "b", "b", "c"]))
    assert found == {0: 1, 1: 4, 2: 4, 3: 9} and place.read_text() == "xxx"
    assert dict(cluster.outcomes(work, units)) == found and place.read_text() == "xxx" + "xxxx"

    def broken(array):
        if len(array) > 3:
            raise ArithmeticError("four are too many")
        return int(array.sum())

    (told,) = dict(cluster.outcomes(broken, [(cluster.share(np.arange(4)),)], keys=["d"])).values()
    assert isinstance(told, UnitFailure) and str(told.error) == (
        "A unit failed on a worker: ArithmeticError: four are too many."
    )
    assert dict(cluster.outcomes(broken, [(np.arange(3),)], keys=["d"])) == {0: 3}, (
        "a failed unit may be tried again"
    )
