"""``fsbench predict``: which class of a folder of reference pictures a new picture belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_bench.cli.output import echo, say
from fewshot_bench.cli.shelf import require_page, thumbnails, write_page

if TYPE_CHECKING:
    from fewshot_bench.prediction.predictions import Predictions
    from fewshot_bench.recogniser.fitted import Recogniser
    from fewshot_bench.recogniser.references import References

RATE = 0.05

ANEW = "`fsbench fit FOLDER -o FILE {}`"
SETTLED = {
    "settings": ANEW.format("--set KEY=VALUE"),
    "reject": ANEW.format("--accept SHARE"),
    "reject_rate": ANEW.format("--accept SHARE"),
    "train_dataset": ANEW.format("--train-dataset NAME"),
    "unlabelled": ANEW.format("--unlabelled DATASET"),
    "train_seed": ANEW.format("--train-seed NUMBER"),
    "verify": ANEW.format("--verify"),
}
"""Options that say nothing to a fitted recogniser, and the command that takes each."""


@click.command("predict")
@click.option(
    "--model", type=click.Path(path_type=Path), metavar="FILE",
    help="A recogniser that `fsbench fit` wrote, in place of --method and --support.",
)  # fmt: skip
@click.option("--method", help="Name of a method; `fsbench methods` lists them.")
@click.option("--support", metavar="DIR", help="Folder of class folders: the references.")
@click.option(
    "--images", multiple=True, type=click.Path(path_type=Path), metavar="DIR_OR_FILE…",
    help="Pictures to classify, and folders of them.",
)  # fmt: skip
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.option(
    "--top", type=int, default=5, show_default=True, help="Number of classes that are shown for a picture."
)
@click.option("--reject", is_flag=True, help="Mark pictures that are likely in none of the classes.")
@click.option(
    "--reject-rate", type=float,
    help="With --reject: share of the classes' own pictures that may be marked. Where no class has two pictures, "
    f"share of other pictures that may stay unmarked. [default: {RATE}]",
)  # fmt: skip
@click.option(
    "--train-dataset", default="packshots", show_default=True, help="Base data of methods that train."
)
@click.option(
    "--unlabelled", multiple=True, metavar="DATASET", help="More pictures to train on, labels unused."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@click.option(
    "--train-seed", type=int, default=0, show_default=True, help="What a training and --reject draw."
)
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where it runs; auto takes a GPU where there is one.",
)  # fmt: skip
@click.option(
    "--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True,
    help="How the predictions are written.",
)  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE",
    help="Write a page as well: each picture beside its nearest references, doubtful ones first.",
)  # fmt: skip
@click.option("--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates.")
def command(
    model: Path | None,
    support: str | None,
    images: tuple[Path, ...],
    more: tuple[Path, ...],
    settings: tuple[str, ...],
    reject: bool,
    reject_rate: float | None,
    style: str,
    output: Path | None,
    report: Path | None,
    **options: Any,
) -> None:
    """Classify pictures by METHOD against the class folders of DIR, or by a fitted recogniser.

    \b
    Example:
      fsbench predict --method pretrained-lr --support ~/products --images ~/new/*.jpg
      fsbench predict --model shop.fsb ~/new/*.jpg
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request
    from fewshot_bench.errors import UsageError
    from fewshot_bench.files import write_atomic
    from fewshot_bench.prediction.run import predict

    ask(model, {"--method": options["method"], "--support": support}, [*images, *more])
    if model is not None:
        refuse_settled(click.get_current_context())
    if reject_rate is not None and not reject:
        raise UsageError(f"--reject-rate {reject_rate} goes with --reject; add that, or leave it out.")
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise UsageError(f"--output {output} must be a file in a folder that is there.")
    require_page(report)
    if model is not None:
        recogniser, found = by_model(model, [*images, *more], options)
    else:
        words = {key: options.pop(key) for key in ("method", "train_dataset", "unlabelled", "train_seed")}
        request = Request(dataset=str(support), parameters=parse_settings(settings), **words)
        rate = (RATE if reject_rate is None else reject_rate) if reject else None
        with Watcher() as watcher:
            found = predict(request, [*images, *more], reject_rate=rate, progress=watcher, **options)
    pieces = STYLES[style](found)
    if output is None:
        for piece in pieces:
            echo(plain(piece), end="")
    else:
        write_atomic(output, lambda stream: stream.writelines(plain(piece).encode() for piece in pieces))
        say(f"Predictions: {output}")
    if report is not None:
        write_page(report, page_of(found, None if model is None else recogniser.references, support))
    for sentence in sentences(found):
        say(plain(sentence))


def page_of(found: Predictions, references: References | None, support: str | None) -> str:
    """Returns the page of predictions by a recogniser's references, or by those of a folder."""
    from fewshot_bench.shelf.predicted import predictions_page

    if references is not None:
        return predictions_page(found, thumbnails(references, None))
    return predictions_page(found, thumbnails(None, Path(support or ".").expanduser()))


def ask(model: Path | None, named: dict[str, str | None], images: list[Path]) -> None:
    """Raises UsageError with a command that works where an option is missing, or two say the same."""
    import shlex

    from fewshot_bench.errors import UsageError

    usual = {"--method": "pretrained-lr", "--support": "FOLDER"}
    line = " ".join(f"{option} {shlex.quote(named[option] or usual[option])}" for option in usual)
    missing = [option for option in usual if not named[option]]
    if model is not None:
        line = f"--model {shlex.quote(str(model))}"
        if given := next((option for option in usual if named[option]), None):
            raise UsageError(
                f"--model has its method and references; leave {given} out: `fsbench predict {line} FOLDER`."
            )
        missing = []
    missing += [] if images else ["--images"]
    if missing:
        pictures = shlex.join(map(str, images)) or "FOLDER"
        raise UsageError(f"Missing option '{missing[0]}': `fsbench predict {line} --images {pictures}`.")


def refuse_settled(context: click.Context) -> None:
    """Raises UsageError, naming the first, for options that were given and are settled when a recogniser is fitted."""
    from click.core import ParameterSource

    from fewshot_bench.errors import UsageError

    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and parameter.name in SETTLED:
            raise UsageError(
                f"{parameter.opts[0]} is settled when a recogniser is fitted; leave it out of `fsbench predict "
                f"--model`, or fit it anew with {SETTLED[parameter.name]}."
            )


def by_model(model: Path, images: list[Path], options: dict[str, Any]) -> tuple[Recogniser, Predictions]:
    """Returns a fitted recogniser, and its predictions for files and folders."""
    from fewshot_bench.errors import FsbenchError
    from fewshot_bench.prediction.pictures import find_pictures
    from fewshot_bench.recogniser.making import load_recogniser

    recogniser = load_recogniser(model.expanduser(), data_root=options["data_root"], device=options["device"])
    found = recogniser.predict(find_pictures(images), top=options["top"])
    if all(found.defects):
        raise FsbenchError(
            f"None of the {len(found)} pictures can be read (the first, {found.paths[0]}: {found.defects[0]}): name "
            "others."
        )
    return recogniser, found


def as_table(found: Predictions) -> Iterator[str]:
    """Yields a table for a person: the best class and its score, the next ones, why, and remarks."""
    from fewshot_bench.cli.terminal import table

    rows = []
    for i in range(len(found)):
        picture = found.picture(i)
        if "unreadable" in picture:
            rows.append([picture["path"], "", "", "", "", f"unreadable: {picture['unreadable']}"])
            continue
        ranked = [[best["class"], shown(best[found.score_name])] for best in picture["top"]]
        first = ["(none of these)", ""] if picture.get("rejected") else ranked.pop(0)
        others = ", ".join(map(" ".join, ranked))
        near = f"{found.nearest[i]} {found.cosines[i]:.2f}" if found.nearest[i] else ""
        remark = f"same as reference {picture['reference']}" if "reference" in picture else ""
        rows.append([picture["path"], *first, others, near, remark])
    columns = ["picture", "class", found.score_name, "next", "nearest reference", "remarks"]
    yield table(columns, rows, right=(found.score_name,)) + "\n"


def shown(score: float | str) -> str:
    """Returns a score in four digits."""
    return score if isinstance(score, str) else f"{score:.4g}"


def as_csv(found: Predictions) -> Iterator[str]:
    """Yields the columns of ``Predictions.frame`` as CSV."""
    frame = found.frame()
    for start in range(0, len(frame), 10_000):
        yield frame.iloc[start : start + 10_000].to_csv(index=False, header=start == 0, lineterminator="\n")


STYLES: dict[str, Callable[[Predictions], Iterator[str]]] = {
    "table": as_table,
    "csv": as_csv,
    "json": lambda found: found.json_lines(),
}


def sentences(found: Predictions) -> list[str]:
    """Returns what a person reads beside the table: notes, what could not be read, how the threshold came about."""
    said = list(found.notes)
    broken = [f"{path} ({why})" for path, why in zip(found.paths, found.defects, strict=True) if why]
    if broken:
        more = f" and {len(broken) - 10} more" if len(broken) > 10 else ""
        said.append(f"{len(broken)} of {len(found)} pictures cannot be read: {', '.join(broken[:10])}{more}.")
    if copies := sum(map(bool, found.copies)):
        said.append(f"Pictures that are among the references themselves: {copies} of {len(found)}.")
    if found.threshold is not None:
        said.append(
            f"Rejected: {int(found.rejected.sum())} of {len(found) - len(broken)}. {found.threshold}."
        )
        said.append("That was measured on references: pictures taken in another way are rejected more often.")
    return said


def plain(text: str) -> str:
    """Returns text that can be written as UTF-8, whatever bytes are in a file's name."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
