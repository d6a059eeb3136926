"""Finding data sets: roots in order, the message where one is missing, variants, verify and progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fewshot_bench.contract.source import DatasetSource
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.datasets.grocery_store import GroceryStore
from fewshot_bench.datasets.grozi120 import Grozi120
from fewshot_bench.datasets.locate import load_dataset, locate
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.paths import cache_dir, data_roots

Draw = Callable[..., Path]


def test_the_option_comes_before_the_environment_before_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSBENCH_DATA", str(tmp_path / "env"))
    (tmp_path / "env" / "grozi120").mkdir(parents=True)
    (tmp_path / "option" / "GroZi-120").mkdir(parents=True)
    assert locate(Grozi120()) == tmp_path / "env" / "grozi120"
    assert locate(Grozi120(), tmp_path / "option") == tmp_path / "option" / "GroZi-120"
    monkeypatch.setenv("FSBENCH_DATA", f"{tmp_path / 'none'}:{tmp_path / 'env'}")
    assert locate(Grozi120()) == tmp_path / "env" / "grozi120"
    monkeypatch.delenv("FSBENCH_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert [root.name for root in data_roots()] == ["fsbench"]


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", "~/somewhere")
    assert cache_dir() == Path("~/somewhere").expanduser()
    monkeypatch.delenv("FSBENCH_CACHE")
    assert cache_dir().name == "fsbench"


def test_missing_data_gets_the_one_helpful_message(tmp_path: Path) -> None:
    with pytest.raises(FsbenchError) as caught:
        load_dataset(GroceryStore(), data_root=tmp_path)
    message = str(caught.value)
    assert caught.value.exit_code == 1
    for part in (
        str(tmp_path / "grocery-store"),
        str(tmp_path / "GroceryStoreDataset"),
        "dataset/{train,test}.txt",
        "https://github.com/marcusklasson/GroceryStoreDataset",
        "--data-root",
        "FSBENCH_DATA",
        "--dataset packshots",
    ):
        assert part in message
    assert "\n" not in message


def test_an_unknown_variant_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no variant 'wild'; it has iconic, natural"):
        load_dataset(GroceryStore(), data_root=tmp_path, variant="wild")


@pytest.mark.parametrize("source", [Grozi120(), GroceryStore()])
def test_an_empty_folder_is_told_the_layout(source: DatasetSource, tmp_path: Path) -> None:
    (tmp_path / source.folders[0]).mkdir()
    with pytest.raises(FsbenchError, match=f"is not laid out as {source.name}: .*; expected"):
        load_dataset(source, data_root=tmp_path)


def test_verify_and_progress_reach_the_files(tmp_path: Path, draw: Draw) -> None:
    for i in range(3):
        draw(tmp_path / "c" / f"{i}.png", i)
    calls: list[tuple[int, int]] = []

    def load(verify: bool) -> str:
        return load_dataset(
            Folder(), path=tmp_path, verify=verify, progress=lambda done, total: calls.append((done, total))
        ).fingerprint

    assert load(verify=False) == load(verify=False) == load(verify=True)
    assert calls == [(3, 3), (3, 3)]
