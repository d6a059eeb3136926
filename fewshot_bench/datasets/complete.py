"""Whether a copy of a published set is the whole of it."""

from __future__ import annotations


def incomplete(found: int, published: int, what: str = "Pictures") -> list[str]:
    """Returns a note when a copy holds another number of pictures (or of ``what``) than was published, else nothing."""
    if found == published:
        return []
    return [
        f"{what} here: {found:,}, published: {published:,}; figures on it are not those of the whole set."
    ]
