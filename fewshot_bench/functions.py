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
    from fewshot_bench.recogniser.fitted import Recogniser
    from fewshot_bench.shelf.findings import Findings


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


def predict(
    method: str,
    support: str | Path,
    images: str | Path | Sequence[str | Path],
    *,
    top: int = 5,
    reject: bool = False,
    reject_rate: float = 0.05,
    parameters: dict[str, Any] | None = None,
    train_dataset: str = "packshots",
    unlabelled: tuple[str, ...] = (),
    train_seed: int = 0,
    data_root: str | Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Classifies the pictures at ``images`` (files and folders) among the classes of the folder ``support``.

    One row a picture: ``path``; ``class_1``, ``score_1`` and so on, the ``top`` classes, ``probability_1`` where
    the method is calibrated; ``reference``, the path of the same picture in ``support``; ``unreadable``, why a
    picture has no class. ``reject`` adds ``rejected``, the pictures that are likely of none of the classes, by a
    threshold that rejects at most ``reject_rate`` of held-out references. ``attrs`` says how all was found.
    """
    from fewshot_bench.prediction.run import predict as predict_request

    request = Request(
        method=method,
        dataset=str(support),
        parameters=parameters or {},
        train_dataset=train_dataset,
        unlabelled=tuple(unlabelled),
        train_seed=train_seed,
    )
    places = [images] if isinstance(images, str | Path) else images
    found = predict_request(
        request,
        [Path(place).expanduser() for place in places],
        top=top,
        reject_rate=reject_rate if reject else None,
        data_root=Path(data_root) if data_root else None,
        device=device,
        verify=verify,
        progress=progress,
    )
    return found.frame()


def fit(
    dataset: str | Path | ImageIndex,
    method: Methodical = "pretrained-lr",
    *,
    unknown: Any = None,
    accept: float = 0.9,
    train_dataset: str = "packshots",
    unlabelled: Sequence[str] = (),
    train_seed: int = 0,
    data_root: str | Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
    **parameters: Any,
) -> Recogniser:
    """Fits a recogniser that can be kept in a file, asked about pictures, and given more products.

        shop = fb.fit("products")
        shop.save("shop.fsb")
        fb.load("shop.fsb").predict("new.jpg").picture(0)

    ``dataset`` is a folder of class folders, the name of a data set, or an ImageIndex, whose support pictures are the
    references. ``method`` is a name, or a class or an instance that is registered nowhere; the file of such a
    recogniser is read where a distribution registers the class. ``parameters`` are those of the method. ``accept`` is
    the share of pictures of known products that the threshold accepts; ``unknown`` are pictures of no product (as
    ``Recogniser.predict`` takes them), by which the threshold is chosen as well. Raises UsageError or
    FsbenchError with one sentence.
    """
    from fewshot_bench.recogniser.making import fit_recogniser

    index = dataset if isinstance(dataset, ImageIndex) else None
    name, given, values = named_method(method, parameters)
    request = Request(
        method=name,
        dataset=str(dataset) if index is None else index.name,
        given=Given(given),
        parameters=values,
        train_dataset=train_dataset,
        unlabelled=tuple(unlabelled),
        train_seed=train_seed,
    )
    return fit_recogniser(
        request,
        index,
        unknown=unknown,
        accept=accept,
        data_root=Path(data_root) if data_root else None,
        device=device,
        verify=verify,
        progress=progress,
    )


def load(
    path: str | Path,
    *,
    data_root: str | Path | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Recogniser:
    """Loads a recogniser from a file that ``Recogniser.save`` or ``fsbench fit`` wrote; nothing in it is run as code.

    Raises UsageError or FsbenchError with one sentence for a damaged, foreign or newer file, for a method that is not
    installed, and for an encoder that is not the one that made the file.
    """
    from fewshot_bench.recogniser.making import load_recogniser

    root = Path(data_root) if data_root else None
    return load_recogniser(Path(path).expanduser(), data_root=root, device=device, progress=progress)


def decide(
    dataset: str | Path | ImageIndex,
    methods: Sequence[str] = ("pretrained-lr", "pretrained-proto", "pretrained-knn"),
    *,
    backbones: Sequence[str] | None = None,
    on: Any = None,
    accuracy: float = 0.95,
    seed: int = 0,
    data_root: str | Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> Findings:
    """Says which method, how many references and which threshold products need, from their references alone.

        told = fb.decide("products", on="new")
        told.facts["method"], told.facts["on"]["accuracy"]
        told.save("decision.html")

    ``dataset`` is what ``fit`` takes. ``methods`` are names, and ``backbones`` encoders (NAME, or NAME=FILE with the
    weights of a file) that each is tried with; None stands for that of each method and those whose weights are in
    ``$FSBENCH_WEIGHTS``. ``on`` are pictures of the kind that will be asked, without labels, as ``Recogniser.predict``
    takes them. ``accuracy`` is the share of accepted pictures that is to be right. Raises UsageError or FsbenchError
    with one sentence.
    """
    from fewshot_bench.shelf.findings import decide_findings

    index = dataset if isinstance(dataset, ImageIndex) else None
    return decide_findings(
        str(dataset) if index is None else index.name,
        methods,
        backbones,
        index=index,
        on=on,
        accuracy=accuracy,
        seed=seed,
        data_root=Path(data_root) if data_root else None,
        device=device,
        verify=verify,
        progress=progress,
    )


def references(
    dataset: str | Path | ImageIndex,
    method: str = "pretrained-lr",
    *,
    pictures: bool = False,
    data_root: str | Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
    **parameters: Any,
) -> Findings:
    """Says which references are doubtful, which products need another picture, and which look alike.

        fb.references("products").facts["doubtful"]

    ``dataset`` is what ``fit`` takes, or a file that ``Recogniser.save`` wrote, of which the method is not asked.
    ``method`` and ``parameters`` choose the encoder. ``pictures`` keeps small ones for the page. Raises UsageError or
    FsbenchError with one sentence.
    """
    from fewshot_bench.shelf.findings import reference_findings

    index = dataset if isinstance(dataset, ImageIndex) else None
    return reference_findings(
        Request(method, str(dataset) if index is None else index.name, parameters=parameters),
        index,
        pictures=pictures,
        data_root=Path(data_root) if data_root else None,
        device=device,
        verify=verify,
        progress=progress,
    )


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
