"""Failures that a page shows: a query, what stood for the answer, and what stood for the truth, as small pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A query that was answered wrongly. Pictures are ``data:`` addresses of small JPEG files.

    Parameters
    ----------
    query, answered, right : the query, the support picture of the answered class, and that of the true class.
    said, truth : the names of the two classes.
    share : how often this query was answered rightly, 0…1, of ``asked`` times.
    """

    query: str
    answered: str
    right: str
    said: str
    truth: str
    share: float
    asked: int
