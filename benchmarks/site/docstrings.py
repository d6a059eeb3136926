"""Docstrings as reStructuredText: lists of parameters become lists, and signs of mathematics stay what they are."""

from __future__ import annotations

import re

HEAD = re.compile(r"^(Parameters|Returns|Yields|Attributes)$")
ENTRY = re.compile(r"^(\*{0,2}\w[\w, .*/]*?) : (.*)$")


def rewritten(lines: list[str]) -> list[str]:
    """The lines of a docstring in which a list ``name : meaning`` below "Parameters" is a list of bullets."""
    made: list[str] = []
    listing = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if HEAD.match(line) and set(following.strip()) == {"-"}:
            made += [f"**{line}**", ""]
            listing = True
            continue
        if listing and set(line.strip()) == {"-"}:
            continue
        found = ENTRY.match(line) if listing else None
        if found:
            made.append(f"- **{found[1]}**: {safe(found[2])}")
        elif listing and line.startswith("    "):
            made.append(f"  {safe(line.strip())}")
        else:
            listing = listing and not line.strip()
            made.append(line if line.startswith("    ") else safe(line))
    return made


def safe(line: str) -> str:
    """The line with bars and stars escaped outside of literals, where they would mark something up."""
    parts = line.split("``")
    parts[::2] = [re.sub(r"([|*])", r"\\\1", part) for part in parts[::2]]
    return "``".join(parts)
