"""Trainings on the workers of a cluster: their files come back, and are found here as if they had been made here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_bench.cluster.executor import executor, results
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.engine.base import base_data
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import FsbenchError
from fewshot_bench.paths import cache_dir
from fewshot_bench.training.base import BaseData
from fewshot_bench.training.kept import NotKeptError, only_kept, packed, unpack

Files = dict[str, dict[str, bytes]]
"""Name of a training's folder -> its files."""


@dataclass(frozen=True)
class Noting(Context):
    """A context that notes which folders of trainings were asked for."""

    noted: list[Path] = field(default_factory=list)

    def folder(self, kind: str, key: str) -> Path:
        """Returns the folder of a training, and notes it."""
        found = super().folder(kind, key)
        self.noted.append(found)
        return found


def fit_anywhere(
    method: Method,
    request: Request,
    base: BaseData,
    context: Context,
    guard: Guard,
    *,
    data_root: Path | None,
    verify: bool,
) -> dict[str, Any]:
    """Returns what ``method.fit`` returns; what it trains is trained on a cluster where there is one.

    A training that is kept is trained nowhere. One that a method keeps in no folder of the context is trained here.
    """
    chosen, files = executor(), Files()
    tried: set[str] = set()
    while chosen is not None:
        try:
            with only_kept(), guard("fit"):
                return method.fit(base, context)
        except NotKeptError as error:
            if error.key in tried:
                break
            tried.add(error.key)
            context.progress(f"wait for the cluster to train {method.name}", 0, 1)
            unit = (request, data_root, verify, context.device, chosen.share(files))
            for _, found in results(chosen, training_of, [unit], keys=[error.key]):
                files = files | found
            write(found, context, method.name)
    with guard("fit"):
        return method.fit(base, context)


def write(files: Files, context: Context, name: str) -> None:
    """Writes the files of trainings into the cache of a context."""
    for folder, content in files.items():
        if Path(folder).name != folder:
            raise FsbenchError(
                f"A worker of the cluster sent a training named {folder!r}, which is no folder's name."
            )
        unpack(context.cache / "checkpoints" / folder, content, name, context.progress)


def training_of(request: Request, data_root: Path | None, verify: bool, device: str, had: Files) -> Files:
    """Returns the files of the trainings of a request, those that are not in ``had``; this runs on a worker."""
    method, _ = method_of(request)
    context = Noting(device=device, seed=request.train_seed, cache=cache_dir())
    write(had, context, method.name)
    base = base_data(request, data_root=data_root, verify=verify, progress=context.progress)
    with Guard(f"The method {request.method}")("fit"):
        method.fit(base, context)
    found: Files = {}
    for folder in dict.fromkeys(context.noted):
        content = packed(folder)
        if content is not None and folder.name not in had:
            found[folder.name] = content
    return found
