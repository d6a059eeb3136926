"""A method and a data set that are registered nowhere: run, trained, checked, shown and audited."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.api import DatasetSource, EmbeddingMethod, KNearest, PixelEncoder, Row, index_of_bytes
from fewshot_bench.audit.check import Asked, check
from fewshot_bench.contract.source import Card
from fewshot_bench.engine import Request
from fewshot_bench.engine.given import Given
from fewshot_bench.errors import UsageError
from fewshot_bench.identity import source_digest
from fewshot_bench.sheets.draw import sheet


def png(hue: int, seed: int) -> bytes:
    """A noisy picture of one colour."""
    rng = np.random.default_rng(1000 * hue + seed)
    colour = np.random.default_rng(hue).integers(0, 200, 3)
    stream = io.BytesIO()
    Image.fromarray((colour + rng.integers(0, 56, (12, 12, 3))).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


PICTURES = {f"{hue}/{seed}.png": png(hue, seed) for hue in range(12) for seed in range(8)}
SPLITS = ("train",) * 4 + ("val",) * 3 + ("test",) * 5


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Twelve classes in a zip, with splits under other libraries' names."""
    path = tmp_path_factory.mktemp("zip") / "shop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for key, data in PICTURES.items():
            archive.writestr(key, data)
    archive = zipfile.ZipFile(path)
    rows = [
        Row(key, f"colour-{key.split('/')[0]}", split=SPLITS[int(key.split("/")[0])])
        for key in archive.namelist()
    ]
    return index_of_bytes("shop", rows, archive.read)


@dataclass(frozen=True)
class Config:
    k: int = 1
    size: int = 8


class Mine(EmbeddingMethod):
    """Nearest neighbours on pixels."""

    api_version = 1
    name = "mine"
    summary = "nearest neighbours on pixels"
    Config = Config

    def setup(self, context):
        self.encoder = PixelEncoder(size=self.config.size)
        self.head = KNearest(k=self.config.k)


COUNTS: dict[str, Any] = {"ways": 5, "shots": 1, "queries": 4, "episodes": 20}


def test_a_class_and_an_index_run_and_the_record_says_unregistered(shop, tmp_path):
    record = fb.run(Mine, shop, **COUNTS, results=tmp_path)
    assert record.data["method_distribution"] == f"unregistered {source_digest(Mine)[:12]}"
    assert record.data["method_source"] == source_digest(Mine)
    assert record.dataset == "shop" and record.split == "novel" and record.classes == 5
    assert "Given as an index, registered nowhere." in record.data["dataset_notes"]
    assert record.command.startswith("# unregistered, run from Python: fsbench run --method mine")
    assert record.accuracy.mean > 0.5
    frame = fb.leaderboard(tmp_path)
    assert frame["distribution"].tolist() == [record.data["method_distribution"]]


def test_the_numbers_are_those_of_the_registered_method(shop):
    mine, known = (fb.run(m, shop, **COUNTS, parameters={"size": 8}) for m in (Mine, "pixels"))
    assert mine.scores_sha256 == known.scores_sha256 and mine.identity != known.identity
    assert known.data["method_distribution"].startswith("fsbench-baselines ")


def test_an_instance_gives_its_configuration(shop):
    instance = fb.run(Mine(Config(k=3)), shop, **COUNTS | {"shots": 3, "queries": 2})
    named = fb.run(Mine, shop, **COUNTS | {"shots": 3, "queries": 2}, parameters={"k": 3})
    assert instance.identity == named.identity
    assert instance.data["parameters_set"] == {"k": 3}


def test_a_source_of_data_that_is_registered_nowhere(shop):
    class Shop(DatasetSource):
        api_version = 1
        name = "shop"
        card = Card(summary="a shop", licence="none", published="nowhere", layout="none")

        def load(self, root=None, variant=None, scan=None):
            return shop

    assert fb.run(Mine, Shop, **COUNTS).identity == fb.run(Mine, shop, **COUNTS).identity


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((dict, "digits"), "The class dict states no api_version"),
        ((3, "digits"), "A method is a name, a class or an instance of one, not 3"),
        ((Mine, 3), "A data set is a name, a path, an ImageIndex or a DatasetSource, not 3"),
        ((Mine, Mine), "A data set is a name, a path, an ImageIndex or a DatasetSource, not <class"),
    ],
)
def test_what_is_neither_is_a_sentence(arguments, message):
    with pytest.raises(UsageError, match=message):
        fb.run(*arguments)


def test_a_configuration_and_parameters_exclude_each_other(shop):
    with pytest.raises(UsageError, match="was given with a configuration and with parameters"):
        fb.run(Mine(Config(k=3)), shop, parameters={"k": 1})


def test_two_data_sets_of_one_name_are_refused(shop):
    other = shop.take_classes(np.arange(3))
    with pytest.raises(UsageError, match="Two data sets are named 'shop'; give one another name"):
        fb.run(Mine, shop, train_dataset=other)
    with pytest.raises(UsageError, match="given as an index and another by the name 'digits'"):
        fb.run(Mine, replace(shop, name="digits"), train_dataset="digits")


@pytest.mark.training
def test_a_class_trains_on_an_index(shop, tmp_path, monkeypatch):
    import torch

    from fewshot_bench.api import (
        PictureBatches,
        Prototype,
        ScheduledConfig,
        TrainedMethod,
        Validation,
        setting,
    )

    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))

    @dataclass(frozen=True, kw_only=True)
    class Small(ScheduledConfig):
        backbone: str = setting("conv4-4", "network")
        size: int = setting(16, "side")
        epochs: int = setting(1, "epochs")

    class Trained(TrainedMethod):
        api_version, name, summary, Config = 1, "trained", "a toy", Small

        def data(self, base):
            return PictureBatches(base.train, 16)

        def learnt_head(self, width):
            return torch.nn.Linear(width, 4)

        def loss(self, network, batch):
            logits = network.head(network(batch.images))
            return torch.nn.functional.cross_entropy(logits, torch.from_numpy(batch.labels)), {}

        def schedule(self):
            return self.config.schedule(2)

        def validation(self, base):
            return Validation(2, 1, 2, episodes=2)

        def make_head(self, context):
            return Prototype()

    record = fb.run(Trained, shop, **COUNTS, train_dataset=shop)
    assert record.data["training"]["dataset"] == "shop" and record.data["training"]["classes"] == 4
    assert record.data["method_distribution"].startswith("unregistered ")


def test_a_sheet_and_an_audit_of_pictures_in_an_archive(shop):
    given = Given(None, {"shop": shop})
    drawn = sheet(Request(method="", dataset="shop", ways=5, shots=1, queries=2, given=given), 0, cell=24)
    assert drawn.width > 100
    found = check(Asked(dataset="shop", given=given))
    assert len(found.index) == 40 and found.split == "novel" and found.verdict == "sound", found.findings


def test_a_table_of_pictures_in_parquet(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"key": list(PICTURES), "image": list(PICTURES.values())})
    table["label"] = table["key"].str.split("/").str[0]
    table.to_parquet(tmp_path / "shop.parquet")
    stored = pd.read_parquet(tmp_path / "shop.parquet").set_index("key")
    rows = [Row(key, label) for key, label in stored["label"].items()]
    index = index_of_bytes("shop", rows, lambda key: stored.at[key, "image"])
    assert fb.run(Mine, index, **COUNTS).accuracy.mean > 0.5


def test_a_database_of_pictures(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "shop.db", check_same_thread=False) as db:
        db.execute("CREATE TABLE pictures (key TEXT PRIMARY KEY, image BLOB)")
        db.executemany("INSERT INTO pictures VALUES (?, ?)", PICTURES.items())

    def read(key):
        return db.execute("SELECT image FROM pictures WHERE key = ?", (key,)).fetchone()[0]

    index = index_of_bytes("shop", [(key, key.split("/")[0]) for key in PICTURES], read)
    assert fb.run(Mine, index, **COUNTS).accuracy.mean > 0.5


CELL = """
from fewshot_bench.api import EmbeddingMethod, KNearest, PixelEncoder
SIZE = 8
def neighbours():
    return KNearest(k=1)
class Cell(EmbeddingMethod):
    api_version, name, summary = 1, "cell", "of a notebook"
    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=SIZE), neighbours()
"""


def made(text: str) -> type:
    """The class of a text that was run as a notebook's cell is: in a module without a file."""
    names = {"__name__": "a_notebook"}
    exec(compile(text, "<cell>", "exec"), names)
    return names["Cell"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SIZE = 8", "SIZE = 9"),
        ("k=1", "k=2"),
        ("PixelEncoder(size=SIZE)", "PixelEncoder(size=SIZE + 1)"),
        ('"cell"', '"other"'),
        ("KNearest(k=1)", "KNearest(1)"),
    ],
)
def test_a_fresh_source_means_a_fresh_key(old, new):
    assert (
        source_digest(made(CELL))
        == source_digest(made(CELL))
        == source_digest(made("\n\n# a remark\n" + CELL))
    )
    assert old in CELL
    assert source_digest(made(CELL)) != source_digest(made(CELL.replace(old, new)))


def test_a_class_of_a_notebook_runs(shop):
    first, again = (fb.run(made(CELL), shop, **COUNTS) for _ in range(2))
    other = fb.run(made(CELL.replace("SIZE = 8", "SIZE = 12")), shop, **COUNTS)
    assert first.identity == again.identity != other.identity
    assert first.data["method_distribution"].startswith("unregistered ")


def test_a_base_class_with_a_file_does_not_hide_the_class_of_a_notebook():
    text = (
        "from fewshot_bench.api import KNearest\nclass Cell(Mine):\n    def twice(self):\n        return 2\n"
    )

    def child(text: str) -> type:
        names = {"__name__": "a_notebook", "Mine": Mine}
        exec(compile(text, "<cell>", "exec"), names)
        return names["Cell"]

    assert source_digest(child(text)) != source_digest(child(text.replace("return 2", "return 3")))


@pytest.mark.subprocess
def test_a_program_that_is_started_runs_its_own_class(tmp_path):
    program = textwrap.dedent(CELL) + "\nimport helper\nimport fewshot_bench as fb\n"
    program += (
        "r = fb.run(Cell, 'digits', ways=3, episodes=3)\nprint(r.identity, r.data['method_distribution'])\n"
    )
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "helper.py").write_text("VALUE = 1\n")

    def run(*command: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        return done.stdout.split()

    first = run("program.py")
    assert first[1] == "unregistered"
    assert run("program.py") == first
    (tmp_path / "helper.py").write_text("VALUE = 2\n")
    assert run("program.py") != first
    assert run("-c", program)[1] == "unregistered"


def test_a_class_that_is_registered_nowhere_is_checked(shop):
    found = fb.check(Mine, shop)
    assert found.sound and (found.method, found.dataset) == ("mine", "shop")
    verdicts = {trial.check: trial.verdict for trial in found.trials}
    assert verdicts["setup-process"] == "skipped" and verdicts["setup-repeat"] == "holds"

    class Leaky(Mine):
        """The first query is always of the first class."""

        def setup(self, context):
            super().setup(context)
            self.head = FirstQuery()

    class FirstQuery:
        def scores(self, table, tasks):
            found, notes = KNearest(k=1).scores(table, tasks)
            found[:, 0, 0] += 100
            return found, notes

    assert not fb.check(Leaky, shop).sound


def test_a_class_that_is_registered_nowhere_has_no_process_of_its_own(shop):
    with pytest.raises(UsageError, match="could not import it; run it without isolation"):
        fb.run(Mine, shop, **COUNTS, isolated=True)
