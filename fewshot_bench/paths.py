"""Where the suite looks for data sets and keeps what it has worked out."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Returns the cache folder: ``$FSBENCH_CACHE``, else the user's by platform convention; not created here."""
    if chosen := os.environ.get("FSBENCH_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("fsbench", appauthor=False)


def data_roots(option: Path | None = None) -> list[Path]:
    """Folders searched for data sets: ``option`` (--data-root), else ``$FSBENCH_DATA``, else the user's.

    ``$FSBENCH_DATA`` may name several, separated as in ``$PATH``; the first that holds a set is taken.
    """
    if option is not None:
        return [Path(option).expanduser()]
    if chosen := os.environ.get("FSBENCH_DATA"):
        return [Path(part).expanduser() for part in chosen.split(os.pathsep) if part]
    from platformdirs import user_data_path

    return [user_data_path("fsbench", appauthor=False)]
