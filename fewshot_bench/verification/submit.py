"""submit: records with their verification in one file, for a pull request."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import read_regular, write_atomic
from fewshot_bench.records import Record, record_path
from fewshot_bench.verification.verify import Verdict


def submission(found: Sequence[tuple[Path, Record, Sequence[Verdict]]], version: str) -> bytes:
    """Returns the bytes of a zip file: each record's two files at their place in ``results``, ``verification.json``.

    Raises FsbenchError for a record that fails a part of its verification, and for two records of one name.
    """
    rows: list[dict[str, Any]] = []
    stream = io.BytesIO()
    names: set[str] = set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, record, verdicts in found:
            failed = [verdict for verdict in verdicts if verdict.outcome == "fails"]
            if failed:
                raise FsbenchError(f"{path} is not submitted: {failed[0].sentence}")
            place = (Path("results") / record_path(record.data)).as_posix()
            if place in names:
                raise FsbenchError(f"{path} is given twice, as {place}; name each record once.")
            names.add(place)
            for source, target in (
                (path, place),
                (path.with_suffix(".npz"), place.removesuffix(".json") + ".npz"),
            ):
                archive.writestr(zipfile.ZipInfo(target, (1980, 1, 1, 0, 0, 0)), read_regular(source))
            rows.append(
                {"record": place, "identity": record.identity, "verdicts": [v.to_json() for v in verdicts]}
            )
        made = {
            "fewshot-bench": version,
            "verified": datetime.now(UTC).isoformat(timespec="seconds"),
            "records": rows,
        }
        archive.writestr(
            zipfile.ZipInfo("verification.json", (1980, 1, 1, 0, 0, 0)), json.dumps(made, indent=2) + "\n"
        )
    return stream.getvalue()


def write_submission(target: Path, content: bytes) -> None:
    """Writes a submission; FsbenchError where it cannot be written."""
    write_atomic(target, lambda stream: stream.write(content))
