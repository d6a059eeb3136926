"""Templates become a distribution: words between two @ are replaced, and nothing else happens to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from fewshot_bench.contract import registry
from fewshot_bench.errors import UsageError
from fewshot_bench.files import write_atomic
from fewshot_bench.scaffold.kinds import KINDS, Kind

TEMPLATES = Path(__file__).parent / "templates"
EVERY = "every"
"""The folder of templates that all kinds share."""

CORE = "fewshot-bench"
LONGEST = 24
"""Letters of the longest name: lines of the templates stay within 110."""

TOOLS = ("mypy>=1.11", "pytest>=8", "ruff>=0.6")


def new_plugin(name: str, kind: str = "head", folder: Path = Path()) -> Path:
    """Writes the distribution ``fsbench-NAME`` below ``folder`` and returns its folder.

    Raises UsageError for a kind that there is none of, for a name that cannot be one or is taken, and where the
    folder is there already: nothing is overwritten.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no kind {kind!r} of plugins; choose one of {', '.join(KINDS)}.")
    check_name(name, KINDS[kind])
    place = folder / f"fsbench-{name}"
    if place.exists() or place.is_symlink():
        raise UsageError(
            f"{place} is there already, and nothing is overwritten; choose another name or folder."
        )
    for path, text in plugin_files(name, kind).items():
        content = text.encode()
        write_atomic(place / path, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
    return place


def check_name(name: str, kind: Kind) -> None:
    """Raises UsageError for a name that is no name of a method, data set or metric, or that an installed one has."""
    example = f"such as `fsbench new-plugin {suggestion(name)}`"
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"{name!r} cannot be the name of a {kind.noun}; take small letters, digits and hyphens, {example}."
        )
    if name.startswith("fsbench-") or name == "fsbench":
        raise UsageError(
            f"The distribution of {name!r} gets the prefix fsbench- by itself; leave it out, {example}."
        )
    if len(name) > LONGEST:
        raise UsageError(
            f"The name {name!r} has {len(name)} letters, and {LONGEST} at most are good; shorten it."
        )
    if name in registry.entries(kind.group):
        owner = registry.entries(kind.group)[name][0].distribution
        raise UsageError(f"There is a {kind.noun} {name!r} already, of {owner}; choose another name.")


def suggestion(name: str) -> str:
    """Returns a name near ``name`` that is a good one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    hyphens = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain).lower().removeprefix("fsbench")
    words = re.findall(r"[a-z0-9]+", hyphens)
    found = "-".join(words)[:LONGEST].strip("-")
    return found if found[:1].isalpha() else f"my-{found}".strip("-") if found else "my-method"


def plugin_files(name: str, kind: str) -> dict[Path, str]:
    """Returns the content of every file of the distribution by its path in there."""
    texts = {
        path.relative_to(TEMPLATES / part): path.read_text(encoding="utf-8")
        for part in (EVERY, kind)
        for path in sorted((TEMPLATES / part).rglob("*.txt"))
    }
    found = KINDS[kind]
    package = f"fsbench_{name.replace('-', '_')}"
    words = {
        "distribution": f"fsbench-{name}",
        "package": package,
        "module": kind,
        "noun": found.noun,
        "group": found.group,
        "requires": lines(requirement(each) for each in (CORE, *found.requires)),
        "test_requires": lines([*(requirement(each) for each in found.test_requires), *TOOLS]),
        "commands": "\n".join(found.commands),
        "Class": class_name(name, "\n".join(texts.values())),
        "name": name,
    }
    return {target(path, package, kind): filled(text, words) for path, text in texts.items()}


def target(path: Path, package: str, module: str) -> Path:
    """Returns where the file of a template goes: without .txt, with the names of package and module."""
    named = str(path).removesuffix(".txt").replace("PACKAGE", package).replace("MODULE", module)
    return Path(re.sub(r"^github/", ".github/", named))


def filled(text: str, words: dict[str, str]) -> str:
    """Returns a template with each ``@word@`` replaced."""
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def lines(requirements: Iterable[str]) -> str:
    """Returns requirements as the indented lines of a list in setup.cfg."""
    return "\n".join(f"    {each}" for each in requirements)


def class_name(name: str, text: str) -> str:
    """Returns the name of the class: that of the plugin in capitals, unless the templates' ``text`` has that word."""
    found = "".join(word.capitalize() for word in name.split("-"))
    return found if not re.search(rf"\b{found}\b", text) else f"{found}Plugin"


def requirement(name: str) -> str:
    """Returns a requirement with the bounds of the core: on itself the next minor version, on others its own.

    A plugin of this project has the core's version.
    """
    if name == CORE or name.startswith("fsbench-"):
        major, minor = (int(part) for part in metadata.version(CORE).split(".")[:2])
        return f"{name}>={major}.{minor},<{major}.{minor + 1}"
    for line in metadata.requires(CORE) or ():
        if (found := re.match(rf"{name}(?=[<>=!~])([^;]*)", line)) is not None:
            return f"{name}{','.join(sorted(found[1].strip().split(','), reverse=True))}"
    raise LookupError(f"fewshot-bench does not require {name}")
