"""The Python front door for products: the functions behind ``fsbench predict``, ``fit`` and ``decide``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine import Request
from fewshot_bench.engine.given import Given, Methodical, named_method
from fewshot_bench.progress import Progress, silent

if TYPE_CHECKING:
    import pandas as pd

    from fewshot_bench.recogniser.fitted import Recogniser
    from fewshot_bench.shelf.findings import Findings


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
