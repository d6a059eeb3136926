"""Finding a data set's folder, and the one message a person gets when it is not there."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.contract.source import DatasetSource
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Progress, Scan
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.paths import data_roots


def locate(source: DatasetSource, data_root: Path | None = None) -> Path:
    """Returns the folder that holds a data set: the first of its ``folders`` under the data roots.

    Raises FsbenchError, which says where it looked, which layout it expected, where the set is published, and
    what works without a download.
    """
    places = [root / folder for root in data_roots(data_root) for folder in source.folders]
    for place in places:
        if place.is_dir():
            return place
    raise FsbenchError(
        f"The data set {source.name} is not here: looked for {', '.join(map(str, places))}; get it from "
        f"{source.card.published}, lay it out as {source.card.layout}, and name the folder above it with "
        "--data-root or FSBENCH_DATA, or try --dataset packshots, which needs no download."
    )


def layout_error(source: DatasetSource, root: Path, finding: str) -> FsbenchError:
    """Returns the error for a folder that is there and does not hold what the data set's card says."""
    return FsbenchError(f"{root} is not laid out as {source.name}: {finding}; expected {source.card.layout}.")


def load_dataset(
    source: DatasetSource,
    *,
    path: Path | None = None,
    data_root: Path | None = None,
    variant: str | None = None,
    verify: bool = False,
    progress: Progress | None = None,
) -> ImageIndex:
    """Returns the index of a data set, from ``path`` or from where ``locate`` finds its files.

    ``verify`` digests every file again, whatever its size and date. Raises UsageError for an unknown variant, and
    FsbenchError when files are missing or not as expected, each with one sentence.
    """
    if variant is not None and not source.knows(variant):
        known = ", ".join(source.variants)
        raise UsageError(f"{source.name} has no variant {variant!r}; it has {known}.")
    root = path
    try:
        root = path if path is not None or not source.folders else locate(source, data_root)
        return source.load(root, variant, Scan(verify=verify, progress=progress))
    except OSError as error:
        where = error.filename or root
        raise FsbenchError(
            f"{where} of the data set {source.name} cannot be read ({error.strerror or error}): check its "
            "permissions and links."
        ) from error
