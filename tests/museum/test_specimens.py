"""The museum: each published bug is caught, and explained in three sentences with its source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fewshot_bench.conformance.checks import CHECKS
from tests.museum.specimens import SPECIMENS

PAGE = Path(__file__).parents[2] / "docs" / "museum.md"


@pytest.mark.slow
@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.title)
def test_it_is_caught(specimen, museum, tmp_path):
    specimen.shows(tmp_path)


def sections() -> dict[str, str]:
    """Heading -> text of the part of the page that shows specimens."""
    part = PAGE.read_text(encoding="utf-8").partition("\n## Specimens\n")[2].partition("\n## ")[0]
    found = re.split(r"^### (.+)$", part, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_the_page_shows_every_specimen_in_its_order():
    assert list(sections()) == [specimen.title for specimen in SPECIMENS]


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.title)
def test_it_is_explained_in_three_sentences_with_its_source(specimen):
    text = sections()[specimen.title]
    told, _, rest = " ".join(text.split()).partition(" Caught by: ")
    assert len(re.findall(r"[.?!](?= |$)", told)) == 3, told
    caught, _, source = rest.partition(". Source: ")
    assert caught == specimen.caught_by
    assert re.search(r"https://\S+|\b(19|20)\d\d\b", source)


def test_checks_that_the_page_names_are_there():
    known = {check.id for check in CHECKS}
    named = [specimen.caught_by.partition("`fsbench check`, ")[2] for specimen in SPECIMENS]
    assert {name for name in named if name} <= known
