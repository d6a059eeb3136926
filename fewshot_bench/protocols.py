"""Protocols: a table. Everything that is known of a protocol stands in its row; plugins add rows of their own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Count = int | Literal["all"]
"""A number of classes or pictures, or all that there are."""


@dataclass(frozen=True)
class Protocol:
    """One way to evaluate a method.

    Parameters
    ----------
    name : what ``--protocol`` takes and records hold.
    summary : what is asked, for ``--help``.
    ways, shots, queries : the counts; defaults, or ``fixed``: the only ones. None for queries: 15 a class, or all
        where a class has fewer.
    fixed : whether the counts are part of the protocol.
    episodes : the number of episodes where the protocol has one, else None.
    split : ``classes``: the novel classes are evaluated; ``pictures``: train pictures are the support and test
        pictures the queries, of all classes.
    ranking : whether the support is ranked for each query (AP, mAP).
    curve : whether the mean precision-recall curve is kept.
    headline : what a table is ranked by.
    title : stands before the counts in a table's title.
    sampler : the name of what draws the episodes; empty is the suite's own sampler. Then the counts are limits.
    metrics : metrics that every record of the protocol has besides accuracy and mAP.
    """

    name: str
    summary: str
    ways: Count = 5
    shots: Count = 1
    queries: Count | None = None
    fixed: bool = False
    episodes: int | None = None
    split: Literal["classes", "pictures"] = "classes"
    ranking: bool = True
    curve: bool = False
    headline: Literal["accuracy", "map"] = "accuracy"
    title: str = ""
    sampler: str = ""
    metrics: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the row as a record keeps it, so that a table can be made where its plugin is not installed."""
        return {**asdict(self), "metrics": list(self.metrics)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Protocol:
        """Returns the row that a record keeps: its title, what ranks its table, and what is split."""
        known = {"headline": ("accuracy", "map"), "split": ("classes", "pictures")}
        fitting = {name: row[name] for name, values in known.items() if row.get(name) in values}
        title = row.get("title")
        return cls(str(row.get("name")), "", title=title if isinstance(title, str) else "", **fitting)


TABLE = (
    Protocol("fewshot", "N-way K-shot episodes, measured by accuracy"),
    Protocol(
        "classification",
        "train pictures as support, test pictures as queries, measured by accuracy",
        ways="all", shots="all", queries="all", fixed=True, episodes=1, split="pictures", ranking=False,
        title="classification",
    ),
    Protocol(
        "retrieval",
        "the support is a gallery that is ranked for each query, measured by mAP",
        curve=True, headline="map", title="retrieval",
    ),
    Protocol(
        "oneshot-all",
        "all classes at once, one reference picture each, measured by accuracy",
        ways="all", shots=1, queries="all", fixed=True, title="one-shot",
    ),
    Protocol(
        "open-set",
        "few-shot episodes with queries of as many classes without support, measured by AUROC as well",
        ranking=False, sampler="open-set", metrics=("auroc", "ccr90", "fpr90"), title="open-set",
    ),
)  # fmt: skip

PROTOCOLS = {protocol.name: protocol for protocol in TABLE}
