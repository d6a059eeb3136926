"""The Python front door: the functions behind the command ``fsbench``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine import Request, episodes_of, evaluated
from fewshot_bench.engine import run as run_request
from fewshot_bench.engine.given import (
    Data,
    Given,
    Methodical,
    named_data,
    named_method,
    named_metrics,
    named_sampler,
)
from fewshot_bench.engine.kept_scores import KeptScores, require_file
from fewshot_bench.episodes import EpisodeSet
from fewshot_bench.episodes.own import Sampler
from fewshot_bench.metrics.metric import Metric
from fewshot_bench.progress import Progress, silent
from fewshot_bench.protocols import Count
from fewshot_bench.records import Record
from fewshot_bench.report.comparison import Comparison, compare_records

if TYPE_CHECKING:
    import pandas as pd

    from fewshot_bench.conformance.run import Conformance


def run(
    method: Methodical,
    dataset: Data,
    *,
    ways: Count | None = None,
    shots: Count | None = None,
    queries: Count | None = None,
    episodes: int | None = None,
    seed: int = 0,
    train_seed: int = 0,
    split: str | None = None,
    drop_small: bool = False,
    variable: bool = False,
    parameters: dict[str, Any] | None = None,
    train_dataset: Data = "packshots",
    unlabelled: tuple[Data, ...] = (),
    episodes_from: str | Path | None = None,
    protocol: str = "fewshot",
    metrics: Sequence[str | type[Metric]] = (),
    sampler: str | type[Sampler] | None = None,
    data_root: str | Path | None = None,
    device: str = "auto",
    results: str | Path | None = None,
    verify: bool = False,
    time_limit: float | None = None,
    isolated: bool = False,
    keep_scores: str | Path | Callable[[KeptScores], object] | None = None,
    progress: Progress = silent,
) -> Record:
    """Runs ``method`` on N-way K-shot episodes of ``dataset`` and return the record.

    ``dataset`` is a registered name (``NAME`` or ``NAME:VARIANT``), the path of a folder of class
    folders, or of a CSV file. Both may be registered nowhere: a class or an instance of a method, an ImageIndex or a
    DatasetSource; the record then says so. ``ways`` (5), ``shots`` (1) and ``queries`` (15 a class, or all where one
    has fewer) are numbers or ``"all"``; ``protocol`` is ``fewshot``, ``retrieval``, ``oneshot-all``,
    ``classification`` or one of a plugin. ``metrics`` are names (``fsbench metrics`` lists them) or
    classes of metrics, whose values the record has besides accuracy and mAP, in ``record.metrics``. ``sampler`` is the
    name (``fsbench samplers`` lists them) or the class of what draws the episodes, instead of the suite's own. The
    record is written below ``results`` where that is given. ``time_limit`` is the number of seconds that one call
    of the method may take: its training, its setup, a batch of pictures, a chunk of episodes. ``isolated`` runs the
    method in a process of its own, which has neither the labels of queries nor the name of the data set.
    ``keep_scores`` is the path of an ``.npz`` file that the scores are written to, or a function that is given
    them. Raises UsageError or FsbenchError with one sentence.
    """
    root = Path(data_root) if data_root else None
    request = Request(
        **_asked(method, dataset, parameters, train_dataset, unlabelled, root, progress, metrics, sampler),
        ways=ways,
        shots=shots,
        queries=queries,
        episodes=episodes,
        seed=seed,
        train_seed=train_seed,
        split=split,
        drop_small=drop_small,
        variable=variable,
        episodes_from=Path(episodes_from) if episodes_from else None,
        protocol=protocol,
    )
    record, _ = run_request(
        request,
        data_root=Path(data_root) if data_root else None,
        device=device,
        results=Path(results) if results else None,
        verify=verify,
        time_limit=time_limit,
        isolate=isolated,
        keep=None if keep_scores is None else keeper(keep_scores),
        progress=progress,
    )
    return record


def keeper(
    target: str | Path | Callable[[KeptScores], object],
) -> Callable[[KeptScores, Record], object]:
    """Returns what keeps the scores of a run: a function that is given them, or the file at a path.

    Raises a sentence at once for a path that cannot be written.
    """
    if callable(target):
        return lambda scores, record: target(scores)
    path = require_file(Path(target))
    return lambda scores, record: scores.save(path, record)


def scores(method: Methodical, dataset: Data, **options: Any) -> KeptScores:
    """Returns the scores [E, Q, N] of ``method`` on episodes of ``dataset`` and the labels [E, Q] of their queries.

    ``options`` are those of ``run``, on the same episodes: ``scores, labels = fb.scores("pixels", "digits", ways=5)``.
    """
    kept: list[KeptScores] = []
    run(method, dataset, **options, keep_scores=kept.append)
    return kept[0]


def _asked(
    method: Methodical,
    dataset: Data,
    parameters: dict[str, Any] | None,
    train_dataset: Data,
    unlabelled: Sequence[Data],
    data_root: Path | None,
    progress: Progress,
    metrics: Sequence[str | type[Metric]] = (),
    sampler: str | type[Sampler] | None = None,
) -> dict[str, Any]:
    """Returns the fields of a request for a method and data sets, by their names or registered nowhere."""
    name, given, values = named_method(method, parameters or {})
    (evaluated, base, *others), indexes = named_data(
        [dataset, train_dataset, *unlabelled], data_root, progress
    )
    names, measured = named_metrics(metrics)
    drawing, drawer = named_sampler(sampler)
    return {
        "method": name,
        "dataset": evaluated,
        "parameters": values,
        "train_dataset": base,
        "unlabelled": tuple(others),
        "metrics": names,
        "sampler": drawing,
        "given": Given(given, indexes, measured, drawer),
    }


def check(
    method: Methodical,
    dataset: Data = "digits",
    *,
    ways: int = 5,
    shots: int = 2,
    queries: int = 4,
    episodes: int = 3,
    seed: int = 0,
    train_seed: int = 0,
    parameters: dict[str, Any] | None = None,
    train_dataset: Data = "packshots",
    only: Sequence[str] = (),
    data_root: str | Path | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Conformance:
    """Tries whether the scores of ``method`` depend on what they may not depend on; a plugin's own test asserts
    ``fb.check("my-method").sound``.

    ``only`` names the checks that are tried; ``fsbench check --list`` shows them, and none means all.

    Raises UsageError or FsbenchError with one sentence.
    """
    from fewshot_bench.conformance.run import check_method

    root = Path(data_root) if data_root else None
    request = Request(
        **_asked(method, dataset, parameters, train_dataset, (), root, progress),
        ways=ways,
        shots=shots,
        queries=queries,
        episodes=episodes,
        seed=seed,
        train_seed=train_seed,
    )
    return check_method(request, only=only, data_root=root, device=device, progress=progress)


def dataset(name: str, *, data_root: str | Path | None = None, verify: bool = False) -> ImageIndex:
    """Returns the index of a data set: classes, images, groups, pools, digests; pictures by ``index.reader(row)``."""
    return open_dataset(name, data_root=Path(data_root) if data_root else None, verify=verify)


_open = dataset  # ``sample`` has an argument of that name


def sample(
    dataset: str | ImageIndex,
    *,
    ways: Count | None = None,
    shots: Count | None = None,
    queries: Count | None = None,
    episodes: int | None = None,
    seed: int = 0,
    split: str | None = None,
    drop_small: bool = False,
    variable: bool = False,
    sampler: str | type[Sampler] | None = None,
    data_root: str | Path | None = None,
) -> EpisodeSet:
    """Draws the episodes that ``run`` would draw with the same arguments; no picture is opened."""
    index = dataset if isinstance(dataset, ImageIndex) else _open(dataset, data_root=data_root)
    drawing, drawer = named_sampler(sampler)
    request = Request(
        method="",
        dataset=index.name,
        ways=ways,
        shots=shots,
        queries=queries,
        episodes=episodes,
        seed=seed,
        drop_small=drop_small,
        variable=variable,
        sampler=drawing,
        given=Given(sampler=drawer),
    )
    return episodes_of(request, evaluated(index, split)[0])


def compare(first: Record, second: Record) -> Comparison:
    """Returns the paired difference first − second in accuracy and mAP, with intervals over episodes and classes.

    Raises UsageError when the two were not run on the same episodes.
    """
    return compare_records(first, second)


def leaderboard(*results: str | Path | Record) -> pd.DataFrame:
    """Returns one row a record, best first within its table; ``results`` are records, files or folders of them.

    A file that is no sound record is left out with a warning that says why.
    """
    from fewshot_bench.report.leaderboard import tables
    from fewshot_bench.report.plain import frame
    from fewshot_bench.report.sound import read_tables

    records: list[Record] = []
    for place in results:
        if isinstance(place, Record):
            records.append(place)
            continue
        found, refused = read_tables([Path(place)])
        records += found
        for sentence in refused:
            warnings.warn(sentence, stacklevel=2)
    return frame(tables(records))
