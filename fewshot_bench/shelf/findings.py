"""Findings: what ``decide`` and ``references`` say, for a program, a terminal, a notebook and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import UsageError
from fewshot_bench.files import write_atomic
from fewshot_bench.notebook import grid, safe
from fewshot_bench.progress import Progress, silent
from fewshot_bench.recogniser.making import fit_references, stored_references
from fewshot_bench.shelf import audited, decided
from fewshot_bench.shelf.audit import audit
from fewshot_bench.shelf.candidates import METHODS, candidates, rates
from fewshot_bench.shelf.decide import decide
from fewshot_bench.shelf.page import Part, shelf_page


@dataclass(frozen=True)
class Findings:
    """Holds ``facts`` as JSON knows them, sentences (``lead``, ``notes``) and sections (``parts``).

    ``pictured`` are the sections of the page, where they differ.
    """

    title: str
    facts: dict[str, Any]
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    pictured: tuple[Part, ...] = ()

    def page(self) -> str:
        """Returns a page of HTML with everything inside."""
        return shelf_page(self.title, [*self.lead, *self.notes], self.pictured or self.parts)

    def save(self, path: str | Path) -> None:
        """Writes the page to a file, atomically."""
        data = self.page().encode("utf-8", "backslashreplace")
        write_atomic(Path(path).expanduser(), lambda out: out.write(data))

    def __str__(self) -> str:
        """Returns the sentences, and the tables with columns apart."""
        lines = list(self.lead)
        for part in self.parts:
            lines += ["", part.title, *(f"  {line}" for line in part.lines)]
            rows = [part.columns, *part.rows] if part.rows else []
            wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  " + "  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{safe(line)}</p>" for line in self.lead)
        for part in self.parts:
            said += f"<h4>{safe(part.title)}</h4>" + "".join(f"<p>{safe(line)}</p>" for line in part.lines)
            said += grid("", part.columns, part.rows) if part.rows else ""
        return said + "".join(f"<p>{safe(note)}</p>" for note in self.notes)


def decide_findings(
    dataset: str,
    methods: Sequence[str] = METHODS,
    backbones: Sequence[str] | None = None,
    *,
    index: ImageIndex | None = None,
    on: Any = None,
    accuracy: float = 0.95,
    seed: int = 0,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> Findings:
    """Returns which method, how many references and which threshold the products of a folder or data set need."""
    if not 0 < accuracy <= 1:
        raise UsageError(f"--accuracy must be above 0 and at most 1, not {accuracy}; 0.95 is 95 %.")
    tried, notes = candidates(
        dataset, methods, backbones,
        index=index, on=on, data_root=data_root, device=device, verify=verify, progress=progress,
    )  # fmt: skip
    found = decide(tried, target=accuracy, seed=seed)
    rate = rates(tried, Path(dataset).expanduser())
    encoders = len({one.method.encoder.fingerprint() for one in tried})
    many = f"{len(tried)} methods" + (f" with {encoders} encoders" if encoders > 1 else "")
    return Findings(
        title="Which method for these products",
        facts=decided.as_json(found, rate, notes),
        lead=(f"{found.products} products, {found.references} references, {many} tried.",),
        parts=tuple(decided.parts_of(found, rate, dataset)),
        notes=tuple(notes),
    )


def reference_findings(
    request: Request,
    index: ImageIndex | None = None,
    *,
    pictures: bool = False,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> Findings:
    """Returns which references of a folder, a data set or a recogniser's file are doubtful, and what products need.

    ``pictures`` keeps small ones of a folder for the page.
    """
    path = Path(request.dataset).expanduser()
    if index is None and (path.suffix == ".fsb" or path.is_file()):
        references = stored_references(path)
    else:
        _, references = fit_references(
            request, index, data_root=data_root, device=device, verify=verify,
            thumbnails=pictures, progress=progress,
        )  # fmt: skip
    found = audit(references)
    kept = audited.thumbnails_of(references)
    return Findings(
        title="References of these products",
        facts=audited.json_of(found, references),
        lead=tuple(audited.lead_of(found, references)),
        parts=tuple(audited.sections(found, references)),
        pictured=tuple(audited.sections(found, references, lambda path: kept.get(path, b""))),
    )
