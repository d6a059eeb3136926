"""From what a person calls a data set (NAME, NAME:VARIANT, a folder, a CSV file) to its ImageIndex."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.contract import registry
from fewshot_bench.contract.source import DatasetSource
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.csv_file import CsvFile
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.progress import Progress, silent

DISTRIBUTIONS = {"fashion-mnist": "fsbench-fashion-mnist", "packshots": "fsbench-packshots"}
"""The data sets that a distribution of this project ships beside the core, and the distribution's name."""


def find_source(name: str) -> tuple[DatasetSource, Path | None, str | None]:
    """Returns the adapter, the path if it was asked for by path, and the variant, of a data set's name.

    Registered names come first; a folder of the same name is reached as ``./name``. Raises UsageError
    when it is neither a name nor an existing path; a data set that this project ships and that is not
    installed is told with the command that installs it.
    """
    base, _, variant = name.partition(":")
    if base in registry.entries(registry.DATASETS):
        return registry.load(registry.DATASETS, base)(), None, variant or None
    path = Path(name).expanduser()
    if path.is_dir():
        return Folder(), path, None
    if path.is_file() and path.suffix.lower() == ".csv":
        return CsvFile(), path, None
    if path.is_file():
        raise UsageError(
            f"{name} is a file and not a CSV; name a folder of class folders, a CSV, or a data set that "
            "`fsbench datasets` lists."
        )
    if "/" in name or "\\" in name:
        raise UsageError(
            f"{name}: there is no such folder or CSV file; name one that is there, or a data set that `fsbench "
            "datasets` lists."
        )
    if base in DISTRIBUTIONS:
        raise UsageError(not_installed(base))
    registry.entry(registry.DATASETS, base)  # raises, with the closest names
    raise AssertionError(name)


def not_installed(name: str) -> str:
    """Returns the sentence that says how to get a data set whose distribution is not installed."""
    distribution = DISTRIBUTIONS[name]
    return (
        f"The data set {name} is in the distribution {distribution}, which is not installed: run `pip install "
        f"{distribution}` (from a clone: `pip install ./plugins/{distribution}`), or name another data set by "
        "--dataset and, as base data of a method that trains, by --train-dataset."
    )


def open_dataset(
    name: str, *, data_root: Path | None = None, verify: bool = False, progress: Progress = silent
) -> ImageIndex:
    """Indexes a data set; ``verify`` reads every file again instead of trusting sizes and dates.

    Raises UsageError for an unknown name or variant, FsbenchError when its files are missing or not in
    the expected layout, each with one sentence.
    """
    source, path, variant = find_source(name)
    return load_dataset(
        source,
        path=path,
        data_root=data_root,
        variant=variant,
        verify=verify,
        progress=lambda done, total: progress("scan", done, total),
    )
