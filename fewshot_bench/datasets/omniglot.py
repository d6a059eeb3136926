"""Omniglot: 1,623 handwritten characters of 50 alphabets, each drawn once by each of 20 people."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import class_rows, is_folder
from fewshot_bench.datasets.complete import incomplete
from fewshot_bench.datasets.held_out import held_out
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.rotations import with_rotations
from fewshot_bench.datasets.splits import read_split

BACKGROUND, EVALUATION = "images_background", "images_evaluation"
SMALL = ("images_background_small1", "images_background_small2")
PLACES = ("", "python", "omniglot-py")
"""Folders below the root that may hold the sets: as unzipped, as in the repository, as torchvision has it."""

PICTURES = 1_623 * 20
ROTATIONS = "-rotations"
SPLITS = {
    "alphabets": "train on the 964 characters of the background alphabets, evaluate on the 659 of the evaluation ones",
    "vinyals": "the 1,200 (1,028 and 172 to select on) and 423 characters of Vinyals et al. 2016",
    "held-out": "a fifth of the characters held out, and a fifth for validation: for copies without images_evaluation",
}
HELD_OUT = (
    "Held out by a fixed draw: characters in order of the sha256 of their names, the first fifth novel, the "
    "second validation. Figures on it cannot be compared with published ones."
)
TURNED = (
    "Pictures turned by 90, 180 and 270 degrees are classes of their own, in the split of their character."
)


class Omniglot(DatasetSource):
    """Handwritten characters; a class is ``<alphabet>/<character>``, taken from the first of the sets that have it."""

    api_version = 1
    name = "omniglot"
    folders = ("omniglot", "omniglot-py", "Omniglot")
    variants = {  # noqa: RUF012
        **SPLITS,
        **{f"{split}{ROTATIONS}": f"{split}, with rotations as classes of their own" for split in SPLITS},
    }
    card = Card(
        summary="1,623 handwritten characters of 50 alphabets, 20 drawings each",
        licence="MIT",
        may_show=True,
        published="https://github.com/brendenlake/omniglot (python/*.zip)",
        layout="images_background and images_evaluation, or images_background_small1 and _small2, below the "
        "folder itself, python or omniglot-py, each with <alphabet>/<character>/<id>_<drawer>.png",
        reference="Lake, Salakhutdinov, Tenenbaum: Human-level concept learning through probabilistic program "
        "induction, Science 2015",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when no set is there, or not what the variant needs."""
        assert root is not None
        below = {name: class_rows(root, name) for name in self.sets(root)}
        found = {name: rows for name, (rows, _) in below.items()}
        if not any(found.values()):
            raise layout_error(self, root, "there is no folder of pictures images_background")
        complete = {BACKGROUND, EVALUATION} <= {Path(name).name for name, rows in found.items() if rows}
        variant = variant or ("alphabets" if complete else "held-out")
        split = variant.removesuffix(ROTATIONS)
        if split != "held-out" and not complete:
            finding = f"it has {' and '.join(found)} alone, so only {self.name}:held-out can be had"
            raise layout_error(self, root, finding)
        rows = first_of_each(found)
        notes = [note for _, own in below.values() for note in own]
        notes += [HELD_OUT] if split == "held-out" else incomplete(len(rows), PICTURES)
        if split == "alphabets":
            rows = [row._replace(split="novel" if EVALUATION in row.path else "base") for row in rows]
        elif split == "held-out":
            drawn = held_out({row.label for row in rows})
            rows = [row._replace(split=drawn[row.label]) for row in rows]
        else:
            rows = self.as_published(root, rows)
        families = {row.label: row.label.partition("/")[0] for row in rows}
        index = build_index(self.name, variant, read_rows(root, rows, scan), families=families, notes=notes)
        if not variant.endswith(ROTATIONS):
            return index
        return with_rotations(index, notes=(*index.notes, TURNED))

    def sets(self, root: Path) -> list[str]:
        """Returns the sets below ``root``; the small ones are taken only when the background set is not there."""
        for place in PLACES:
            large = [f"{place}/{name}".lstrip("/") for name in (BACKGROUND, EVALUATION)]
            small = [f"{place}/{name}".lstrip("/") for name in SMALL]
            here = [name for name in large if is_folder(root / name)]
            if large[0] not in here:
                here += [name for name in small if is_folder(root / name)]
            if here:
                return here
        return []

    def as_published(self, root: Path, rows: list[Row]) -> list[Row]:
        """Returns rows with the split of ``splits/omniglot_vinyals.csv``; each of its characters must be there."""
        split = vinyals()
        missing = sorted(split.keys() - {row.label for row in rows})
        if missing:
            finding = f"{len(missing)} of the {len(split)} characters of the published lists are missing ({missing[0]})"
            raise layout_error(self, root, finding)
        return [row._replace(split=split[row.label]) for row in rows if row.label in split]


def first_of_each(found: dict[str, list[Row]]) -> list[Row]:
    """Returns all rows of the sets, with a character that several have from the first: both small sets hold Greek."""
    home: dict[str, str] = {}
    return [row for name, rows in found.items() for row in rows if home.setdefault(row.label, name) == name]


def vinyals() -> dict[str, str]:
    """Returns the split (base, validation or novel) of the 1,623 characters by name, such as "Greek/character01"."""
    return {
        f"{row['alphabet']}/character{number:02d}": row["split"]
        for row in read_split("omniglot_vinyals")
        for number in range(int(row["first"]), int(row["last"]) + 1)
    }
