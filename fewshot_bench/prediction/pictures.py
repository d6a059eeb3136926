"""Picture files as a person names them: files, and folders with whatever is in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from fewshot_bench.data.build import FilesBelow, Readable, Row, build_index, natural
from fewshot_bench.data.decode import FORMATS
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan, contents
from fewshot_bench.data.sound import CONTROL
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import why


def find_pictures(places: Sequence[Path]) -> list[Path]:
    """Returns the pictures of all places, each once: files as they are named, then a folder's in natural order.

    A folder gives the files of its whole depth with a name ending in one of ``FORMATS``, without hidden ones.
    Raises UsageError for a place that is not there or gives no picture, and FsbenchError for a folder that
    cannot be read.
    """
    found: dict[str, Path] = {}
    for place in places:
        if place.is_dir():
            inside = list(_below(place))
            if not inside:
                endings = ", ".join(ending[1:] for ending in FORMATS)
                raise UsageError(f"The folder {place} holds no picture ({endings}): name another.")
        elif place.is_file():
            inside = [place]
        else:
            raise UsageError(f"There is no file or folder {place}: check the path.")
        for path in inside:
            found.setdefault(os.path.abspath(path), path)  # noqa: PTH100 (links stay as they are)
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    """Yields the files in ``folder`` and then in each of its folders; one that is linked twice is entered once."""
    entered: set[str] = set()

    def fail(error: OSError) -> None:
        raise FsbenchError(f"The folder {error.filename} cannot be read ({why(error)}): check it.") from error

    for place, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
        for name in sorted(files, key=natural):
            if not name.startswith(".") and name.lower().endswith(FORMATS):
                yield Path(place, name)


def index_pictures(paths: Sequence[Path], scan: Scan) -> tuple[ImageIndex | None, list[str]]:
    """Returns an index of the pictures that decode, in order and as one class, and ``defects``.

    The index is None when no picture decodes. There is one defect for each path: why the file cannot be read, and
    "" for a picture of the index.
    """
    places, defects = [], []
    for path in paths:
        if CONTROL.search(str(path)):
            defects.append("its name has a control character")
            continue
        try:
            places.append(os.path.realpath(path, strict=True))
            defects.append("")
        except OSError as error:
            defects.append(f"cannot be opened: {why(error)}")
    if not places:
        return None, defects
    root = os.path.commonpath([os.path.dirname(place) for place in places])  # noqa: PTH120
    below = [place[len(root.rstrip(os.sep)) + 1 :] for place in places]
    found = contents(Path(root), below, scan)
    reasons = iter(found.defects)
    defects = [defect or next(reasons) for defect in defects]
    kept = [i for i, defect in enumerate(found.defects) if not defect]
    if not kept:
        return None, defects
    rows = tuple(Row(path, "picture") for path in _apart([below[i] for i in kept]))
    sound = Readable(FilesBelow(Path(root)), rows, found.digests[kept], (), (), found.stamps[kept])
    return build_index("pictures", "default", sound), defects


def _apart(paths: list[str]) -> list[str]:
    """Returns the paths with another spelling for a file that is named again (by a link)."""
    seen: Counter[str] = Counter()
    apart = []
    for path in paths:
        apart.append("./" * seen[path] + path)
        seen[path] += 1
    return apart
