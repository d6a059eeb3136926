"""rerun: the whole run of a record again, and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fewshot_bench.engine import Request
from fewshot_bench.engine import run as run_request
from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record
from fewshot_bench.verification.backend import same_backend
from fewshot_bench.verification.verify import compared


@dataclass(frozen=True)
class Repetition:
    """A record, the record of the run that was done again, and whether their scores are equal bytes."""

    first: Record
    second: Record

    @property
    def equal(self) -> bool:
        """Whether all scores are equal, byte for byte."""
        return bool(self.first.scores_sha256 == self.second.scores_sha256)

    def lines(self) -> list[str]:
        """Returns what is equal and where the two differ, in sentences."""
        first, second = self.first, self.second
        if self.equal:
            return [f"Equal: the scores of {first.method} are those of the record, byte for byte."]
        if first.episodes_sha256 != second.episodes_sha256:
            here, there = second.episodes_sha256[:16], first.episodes_sha256[:16]
            sentence = f"Different episodes: the command draws {here} here, and the record is of {there}"
            return [f"{sentence}; the data set has other files or another variant."]
        found = compared(second.per_query, first.per_query, len(first.arrays["classes"]))
        means = f"Accuracy {100 * first.accuracy.mean:.2f} % in the record, {100 * second.accuracy.mean:.2f} % here."
        return [f"Different scores. {found.sentence}", means, *changed(first, second)]


def rerun(
    record: Record,
    request: Request,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    results: Path | None = None,
    progress: Progress = silent,
) -> Repetition:
    """Runs what a record was made by again; the new record is kept where ``results`` is given."""
    with same_backend(record):
        made, _ = run_request(request, data_root=data_root, device=device, results=results, progress=progress)
    return Repetition(record, made)


def changed(first: Record, second: Record) -> list[str]:
    """Returns a line for each fact of the two runs that is not the same, such as device, versions and source."""
    lines = []
    a, b = first.data.get("identity_facts") or {}, second.data.get("identity_facts") or {}
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) == b.get(name):
            continue
        if name == "versions":
            old, new = a.get(name) or {}, b.get(name) or {}
            both = [(k, old.get(k, "none"), new.get(k, "none")) for k in sorted(old.keys() | new.keys())]
            lines += [f"{k}: {was} in the record, {now} here." for k, was, now in both if was != now]
        else:
            lines.append(f"Another {name}: {shown(a.get(name))} in the record, {shown(b.get(name))} here.")
    return lines or [
        "All facts of the two runs are equal: the same machine would have to give the same scores."
    ]


def shown(value: object) -> str:
    """Returns a fact in a few characters."""
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
