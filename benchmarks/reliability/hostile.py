"""Hostile input, tried by hypothesis: whatever a file or an option says, the outcome is a result or a sentence.

    python -m benchmarks.reliability.hostile [--tries 2000] [--only NAME] [--seed 0]

``--tries`` is the number of inputs of each family. The exit status is 1 where an input gave an exception that is no
sentence, an exit status other than 0, 1 and 2, a file half written, or a raw control character on a stream.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import hypothesis
import numpy as np
from hypothesis import strategies as st

from benchmarks.reliability.world import Row, shop
from fewshot_bench.cli import group, guarded
from fewshot_bench.contract import registry
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine.fitting import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import UNSEEN, FsbenchError
from fewshot_bench.records.store import archive_of, digest

ODD = (
    "", " ", "0", "-1", "1", "2", "5", "1e9", "1e400", "nan", "inf", "-inf", "NaN", "9" * 30, "9" * 5000, "0x10", "1_0",
    "٣", "all", "none", "true", "x", "../x", "a/b", "x=y", "=", "==", "\x1b[31mred", "a\nb", "\x00", "\udcff",
    "\u202eb",    "ä" * 300, "--help", "%s", "{0}", "digits", "no-such:thing", ":", "digits:", "1.5", "None", "[]", '"',
)  # fmt: skip
"""Texts that have broken programs before."""

words = st.one_of(st.sampled_from(ODD), st.text(max_size=12))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)


@dataclass(frozen=True)
class Family:
    """A kind of input: ``strategy`` makes inputs, ``attempt`` uses one in a folder and says how it ended.

    ``attempt`` returns ``equal`` for a result, ``sentence: …``, or anything else for what should not be.
    """

    name: str
    strategy: st.SearchStrategy[Any]
    attempt: Callable[[Path, Any], str]


def command(place: Path, *line: str, named: str = "") -> str:
    """Runs a command line in this process and says how it ended; a sentence has to name ``named``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            status = guarded([str(word) for word in line], debug=False)
        except BaseException as error:
            return f"raw {type(error).__name__}: {error}"
    shown, said = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))
    if status not in (0, 1, 2) or "traceback" in said.lower() or "Errno" in said or "KeyError" in said:
        return f"raw status {status}: {said[-300:]}"
    if UNSEEN.search((shown + said).replace("\n", "").replace("\t", "")):
        return f"raw control character in {shown + said!r:.200}"
    if left := [path for path in place.rglob("*") if path.name.endswith(".part")]:
        return f"a part of a file was left: {left[0]}"
    if status == 0:
        return "equal"
    return f"sentence: {said}" if named in said + shown else f"raw: {named} is not named in {said[-300:]}"


def loaded(place: Path, name: str, *more: Any, named: str = "") -> str:
    """Loads a data set, shows its card and says how that ended."""
    shown = command(place, "datasets", name, *more, "--json")
    if shown != "equal":
        return shown
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            open_dataset(name, data_root=Path(more[1]) if more else None)
    except FsbenchError as error:
        said = named in str(error) or str(place) in str(error)
        return f"sentence: {error}" if said else f"raw: {named} is not named in {error}"
    except BaseException as error:
        return f"raw {type(error).__name__}: {error}"
    return "equal"


def changed(value: Any, seed: int, other: Any) -> Any:
    """Returns JSON with the value at a random place replaced, removed, or with one more key."""
    rng, made = random.Random(seed), copy.deepcopy(value)
    node, steps = made, rng.randrange(1, 4)
    for step in range(steps):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = rng.choice(keys)
        if step < steps - 1 and isinstance(node[key], dict | list) and node[key]:
            node = node[key]
        elif rng.random() < 0.3 and isinstance(node, dict):
            del node[key]
            break
        else:
            node[key] = other
            break
    return made


def damaged(content: bytes, seed: int) -> bytes:
    """Returns bytes with some of them changed, cut short or repeated."""
    rng, made = random.Random(seed), bytearray(content)
    for _ in range(rng.randrange(1, 8)):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)
    if rng.random() < 0.3:
        made = made[: rng.randrange(len(made) + 1)]
    return bytes(made)


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of an archive."""
    with np.load(path) as stored:
        return dict(stored)


def other_array(array: np.ndarray, seed: int) -> np.ndarray:
    """Returns an array of another type, shape or content."""
    rng = np.random.default_rng(seed)
    kinds = ("i1", "u1", "<i8", ">i4", "f4", "f8", "c16", "?", "U3", "S2", "M8[s]")
    how = rng.integers(5)
    if how == 0:
        return rng.integers(0, 5, tuple(rng.integers(0, 4, rng.integers(0, 4)))).astype(
            kinds[seed % len(kinds)]
        )
    if how == 1 and array.size:
        made = array.copy().reshape(-1)
        made[rng.integers(len(made))] = rng.integers(0, 100) if array.dtype.kind in "iufc" else made[0]
        return made.reshape(array.shape)
    if how == 2:
        return array[..., None]
    if how == 3:
        return array[:0] if array.ndim else array
    return array.astype("U9") if array.dtype.kind != "U" else np.zeros(2)


def record_family(place: Path) -> Family:
    """Records: the JSON and the arrays, changed with digests that fit, and damaged."""
    (sound,) = (place / "results").rglob("*.json")
    data, arrays = json.loads(sound.read_bytes()), arrays_of(sound.with_suffix(".npz"))

    def attempt(folder: Path, made: tuple[str, int, Any, str]) -> str:
        how, seed, value, style = made
        new, packed = data, dict(arrays)
        if how in ("field", "schema 1"):
            new = changed(data, seed, value)
            new = new | {"schema_version": 1} if how == "schema 1" else new
        if how == "arrays":
            name = sorted(packed)[seed % len(packed)]
            packed[name] = other_array(packed[name], seed)
        archive = archive_of(packed)
        if how == "archive":
            archive = damaged(archive, seed)
        new = new | {"arrays_sha256": hashlib.sha256(archive).hexdigest()}
        text = json.dumps(new | {"record_sha256": digest(new)}).encode("utf-8", "surrogatepass")
        (folder / "odd.json").write_bytes(damaged(text, seed) if how == "text" else text)
        (folder / "odd.npz").write_bytes(archive)
        first = command(folder, "leaderboard", folder, "--format", style, named="odd.")
        second = command(folder, "compare", folder / "odd.json", folder / "odd.json")
        return second if second.startswith("raw") else first

    hows = st.sampled_from(("field", "field", "arrays", "archive", "text", "schema 1"))
    styles = st.sampled_from(("md", "csv", "json", "html"))
    return Family("record", st.tuples(hows, st.integers(0, 2**32), values, styles), attempt)


def manifest_family(place: Path) -> Family:
    """Manifests: arrays of other types, shapes and contents, another spec, damaged bytes."""
    sound = place / "sound.npz"
    arrays, content = arrays_of(sound), sound.read_bytes()

    def attempt(folder: Path, made: tuple[str, int, Any]) -> str:
        how, seed, value = made
        path, new = folder / "odd.npz", dict(arrays)
        if how == "bytes":
            path.write_bytes(damaged(content, seed))
        else:
            if how == "spec":
                new["spec"] = np.array(json.dumps(changed(json.loads(str(arrays["spec"])), seed, value)))
            else:
                name = sorted(new)[seed % len(new)]
                new[name] = other_array(new[name], seed)
                if seed % 7 == 0:
                    del new[name]
            with path.open("wb") as stream:
                np.savez(stream, **new)
        shown = command(folder, "episodes", "info", path, named="odd.npz")
        used = command(
            folder,
            "episodes",
            "show",
            "--dataset",
            place / "shop",
            "--episodes-from",
            path,
            "-o",
            folder / "s.png",
        )
        return used if used.startswith("raw") else shown

    hows = st.sampled_from(("arrays", "arrays", "spec", "bytes"))
    return Family("manifest", st.tuples(hows, st.integers(0, 2**32), values), attempt)


cells = st.one_of(
    st.sampled_from(
        (
            "class 0/0.png",
            "class 1/1.png",
            "a",
            "novel",
            "base",
            "support",
            "query",
            "1",
            "path",
            "label",
            "id",
        )
    ),
    words,
)


def csv_family(place: Path) -> Family:
    """A CSV data set of any cells, or of any bytes."""

    def attempt(folder: Path, made: tuple[tuple[list[str], list[list[str]]], bytes]) -> str:
        (header, rows), tail = made
        (folder / "class 0").mkdir()
        for number in (0, 1):
            picture = place / "shop" / "class 0" / f"{number}.png"
            (folder / "class 0" / picture.name).write_bytes(picture.read_bytes())
        lines = [",".join(header), *(",".join(row) for row in rows)]
        (folder / "odd.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + tail)
        return loaded(folder, str(folder / "odd.csv"), named="odd.csv")

    picture = st.sampled_from(("class 0/0.png", "class 0/1.png"))
    number = st.sampled_from(("", "0", "1", "-3", "9" * 30, "1.5"))
    sound = st.tuples(picture, st.sampled_from("ab"), st.sampled_from(("", "novel")), st.sampled_from(("", "g")),
                      st.sampled_from(("", "query", "both")), number, number).map(list)  # fmt: skip
    near = st.tuples(sound, st.integers(0, 13), cells).map(
        lambda made: [cell if place != made[1] else made[2] for place, cell in enumerate(made[0])]
    )
    header = ["path", "label", "split", "group", "pool", "position", "guard"]
    full = st.tuples(st.just(header), st.lists(near, max_size=2, unique_by=lambda row: row[0]))
    short = full.map(lambda made: (made[0][:2], [row[:2] for row in made[1]]))
    wild = st.tuples(st.lists(cells, max_size=7), st.lists(st.lists(cells, max_size=7), max_size=3))
    tails = st.one_of(st.just(b""), st.just(b""), st.binary(max_size=8))
    return Family("CSV data set", st.tuples(st.one_of(full, short, wild), tails), attempt)


def styles_family(place: Path) -> Family:
    """``styles.csv`` of Kaggle's fashion set, of any cells."""
    header = (
        "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
    )

    def attempt(folder: Path, made: tuple[str, list[list[str]], bytes]) -> str:
        first, rows, tail = made
        root = folder / "kaggle-fashion"
        (root / "images").mkdir(parents=True)
        for number in (1, 2):
            (root / "images" / f"{number}.jpg").write_bytes(
                (place / "shop" / "class 0" / f"{number}.png").read_bytes()
            )
        lines = [first, *(",".join(row) for row in rows)]
        (root / "styles.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + tail)
        return loaded(folder, "kaggle-fashion", "--data-root", folder, named="kaggle-fashion")

    sound = st.sampled_from(["1", "2", "3"]).map(lambda n: [n, *"abcdefghi"])
    row = st.one_of(sound, st.lists(cells, min_size=8, max_size=11), sound.flatmap(
        lambda known: st.tuples(st.integers(0, 9), cells).map(
            lambda put: [*known[: put[0]], put[1], *known[put[0] + 1 :]]
        )
    ))  # fmt: skip
    tails = st.one_of(st.just(b""), st.binary(max_size=8))
    return Family(
        "styles.csv", st.tuples(st.one_of(st.just(header), words), st.lists(row, max_size=4), tails), attempt
    )


def settings_family(place: Path) -> Family:
    """``--set key=value`` of every method: its own parameters and any, with any value."""
    known = []
    for name in sorted(registry.entries(registry.METHODS)):
        with contextlib.suppress(FsbenchError):
            fields = getattr(registry.load(registry.METHODS, name).Config, "__dataclass_fields__", {})
            known += [(name, key) for key in fields]

    def attempt(folder: Path, made: tuple[tuple[str, str], str]) -> str:
        (method, key), value = made
        from fewshot_bench.contract.config import parse_settings

        try:
            method_of(Request(method=method, dataset="", parameters=parse_settings((f"{key}={value}",))))
        except FsbenchError as error:
            return f"sentence: {error}"
        except BaseException as error:
            return f"raw {type(error).__name__}: {error}"
        return "equal"

    pairs = st.one_of(st.sampled_from(known), st.tuples(st.sampled_from([m for m, _ in known]), words))
    return Family("--set", st.tuples(pairs, words), attempt)


def picture_family(place: Path) -> Family:
    """Picture files of six formats, damaged, beside sound ones."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 12), dtype=np.uint16)
    kinds: dict[str, bytes] = {}
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(stream, kind)
        kinds[kind] = stream.getvalue()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    kinds["PNG 16"] = stream.getvalue()

    def attempt(folder: Path, made: tuple[str, int, str]) -> str:
        kind, seed, name = made
        (folder / "set" / "a").mkdir(parents=True)
        (folder / "set" / "a" / "1.png").write_bytes((place / "shop" / "class 0" / "1.png").read_bytes())
        name = name.replace("/", "").replace("\x00", "")[:60] or "x"
        (folder / "set" / "a" / f"{name}.jpg").write_bytes(damaged(kinds[kind], seed))
        return loaded(folder, str(folder / "set"))

    return Family("picture", st.tuples(st.sampled_from(sorted(kinds)), st.integers(0, 2**32), words), attempt)


def options_of(
    tree: click.Command, line: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Parameter]]:
    """Yields each command's words with each of its options and arguments, as click knows them."""
    if isinstance(tree, click.Group):
        with click.Context(tree) as context:
            for name in tree.list_commands(context):
                inner = tree.get_command(context, name)
                assert inner is not None
                yield from options_of(inner, (*line, name))
        return
    for parameter in tree.params:
        yield line, parameter


def options_family(place: Path) -> Family:
    """Every option and argument of every command, with any value, beside those that make it work."""
    pictures, manifest = place / "shop", place / "sound.npz"
    (record,) = (place / "results").rglob("*.json")
    few = {"--dataset": pictures, "--ways": 2, "--queries": 1, "--episodes": 2}
    sound: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "run": ([], {"--method": "pixels", **few, "--results": "r"}),
        "predict": ([], {"--method": "pixels", "--support": pictures, "--images": pictures / "class 0"}),
        "methods": (["pixels"], {}),
        "metrics": ([], {}),
        "datasets": ([pictures], {}),
        "check": (["pixels"], {"--only": "query-alone", **few, "--shots": 2, "--queries": 2}),
        "episodes export": (["m.npz"], few),
        "episodes info": ([manifest], {}),
        "episodes show": ([], {"--dataset": pictures, "--ways": 2, "--queries": 1, "-o": "s.png"}),
        "leaderboard": ([record], {}),
        "compare": ([record, record], {}),
        "new-plugin": (["toy"], {"--folder": "plugin"}),
        "cache prune": ([], {"--all": None}),
    }
    every = [
        (line, parameter)
        for line, parameter in options_of(group)
        if " ".join(line) in sound and "--isolated" not in parameter.opts  # starts a process
    ]
    missing = {" ".join(line) for line, _ in options_of(group)} - sound.keys()
    assert not missing, f"write a line that works for {missing}"

    def attempt(folder: Path, made: tuple[tuple[tuple[str, ...], click.Parameter], str, bool]) -> str:
        (line, parameter), value, near = made
        arguments, options = sound[" ".join(line)]
        chosen, places = dict(options), list(arguments)
        if near:
            value = {"pipe": str(place / "pipe"), "null": "/dev/null"}.get(value, value)
        if isinstance(parameter, click.Argument):
            places = [*places[:-1], value] if near else [*places, value]
        elif getattr(parameter, "is_flag", False):
            chosen[parameter.opts[0]] = None
        else:
            name = next((opt for opt in parameter.opts if opt in chosen), parameter.opts[0])
            chosen[name] = value
        tail = [str(word) for k, v in chosen.items() for word in ((k,) if v is None else (k, v))]
        here = Path.cwd()
        os.chdir(folder)
        try:
            return command(folder, *line, *tail, *(["--"] if places else []), *map(str, places))
        finally:
            os.chdir(here)

    inputs = st.one_of(
        words.filter(lambda w: not w.startswith(("/", "~", ".."))), st.sampled_from(("pipe", "null"))
    )
    return Family("option", st.tuples(st.sampled_from(every), inputs, st.booleans()), attempt)


MAKERS = (
    record_family, manifest_family, csv_family, styles_family, settings_family, picture_family, options_family,
)  # fmt: skip
NAMES = ("record", "manifest", "CSV data set", "styles.csv", "--set", "picture", "option")


def world(place: Path) -> None:
    """Makes sound files: pictures, a record, a manifest, and a pipe that nobody writes to."""
    os.environ["FSBENCH_CACHE"] = str(place / "cache")
    shop(place / "shop")
    few = ("--dataset", place / "shop", "--ways", 2, "--queries", 1, "--episodes", 3)
    run = command(place, *map(str, ("run", "--method", "pixels", *few, "--results", place / "results")))
    drawn = command(place, *map(str, ("episodes", "export", place / "sound.npz", *few)))
    if (run, drawn) != ("equal", "equal"):
        raise SystemExit(f"The sound files could not be made: {run}; {drawn}")
    os.mkfifo(place / "pipe")


def tried(family: Family, tries: int, seed: int) -> Row:
    """Returns what came of ``tries`` inputs of a family."""
    row = Row(f"hostile {family.name}")

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=tries, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(family.strategy)
    def trial(made: Any) -> None:
        row.tries += 1
        with tempfile.TemporaryDirectory(prefix="fsbench-hostile-") as folder:
            outcome = family.attempt(Path(folder), made)
        row.count(outcome, repr(made)[:300])

    trial()
    return row


def hostile(place: Path, tries: int, seed: int = 0, only: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yields a row for each family of inputs; ``only`` names some of them."""
    world(place)
    for name, make in zip(NAMES, MAKERS, strict=True):
        if not only or name in only:
            yield tried(make(place), tries, seed)


def main(arguments: list[str] | None = None) -> int:
    """Tries all families and prints what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=NAMES, default=[])
    chosen = parser.parse_args(arguments)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="fsbench-hostile-world-") as place:
        for row in hostile(Path(place), chosen.tries, chosen.seed, tuple(chosen.only)):
            print(f"{row.fault}: {row.tries:,} tries, {row.equal:,} results, {row.refused:,} sentences, "
                  f"{len(row.lost):,} others", flush=True)  # fmt: skip
            for finding in row.lost[:20]:
                print(f"  {finding}", flush=True)
            bad += len(row.lost)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
