"""The view of trained methods: padded, cropped, stretched or both, decided by validation classes.

    FSBENCH_DATA=… python -m benchmarks.views_trained      # the tables, then the same in results/views/trained.md
    FSBENCH_DATA=… python -m benchmarks.views_trained --only 0 1 2 --views pad both      # what two cores can afford

Each method is trained on base classes with its pictures padded, cropped and stretched, and solves episodes of the
validation classes in the same view, with its own head; ``both`` is the training on padded pictures, evaluated on the
padded and the cropped view. No picture of a published test set is used. Episodes of 5 and of as many ways as there are
validation classes (20 at most), 1 and 5 shots, 6 queries a class; the same 300 episodes for all views.
The best epoch of each training was selected on the same classes, in the same way for all views.

The rule, which was written down before anything was measured, is that of ``benchmarks.views``: the single view with
the highest mean over the photographed sets is the default, unless ``both`` is half a percentage point ahead of it.
Drawn packages are reported and do not decide. Differences from ``pad`` are paired; 95 % intervals are over classes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.views import EPISODES, QUERIES, Table, chosen, mean_scores, section, verdict
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.embed.transforms import VIEWS
from fewshot_bench.engine.base import base_data
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.files import write_atomic
from fewshot_bench.metrics import predictions
from fewshot_bench.paths import cache_dir

SIAMESE = {"train_size": 128, "freeze": 0.5, "samples": 640, "epochs": 5}
"""What the suite ``siamese`` trains with."""


@dataclass(frozen=True)
class Training:
    """A method, the data set that it is trained and validated on, and its parameters."""

    method: str
    dataset: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The heading of its table."""
        preset = f" ({self.parameters['preset']})" if "preset" in self.parameters else ""
        return f"{self.method}{preset} on {self.dataset}"


REAL = (
    Training("siamese-contrastive", "grocery-store:natural-held-out", SIAMESE),
    Training("siamese-triplet", "grocery-store:natural-held-out", SIAMESE),
    Training("teacher-lr", "grocery-store:natural-held-out", {"preset": "quick"}),
    Training("teacher-lr", "grocery-store:natural-held-out"),
    Training("student-lr", "grocery-store:natural-held-out"),
    Training("siamese-contrastive", "kaggle-fashion:article-held-out", SIAMESE),
    Training("siamese-triplet", "kaggle-fashion:article-held-out", SIAMESE),
)
DRAWN = (
    Training("teacher-lr", "packshots", {"preset": "quick"}),
    Training("student-lr", "packshots", {"preset": "quick"}),
)


def measured(
    training: Training, view: str, index: ImageIndex, context: Context
) -> dict[tuple[int, int], Any]:
    """Trains in one view; returns right or wrong answers of validation episodes by ways and shots."""
    request = Request(training.method, training.dataset, parameters={**training.parameters, "view": view})
    method: Any = method_of(request)[0]
    method.fit(base_data(request, data_root=None, verify=False, progress=context.progress), context)
    method.setup(context)
    vectors = torch.from_numpy(context.embed(method.encoder, index)).to(context.device)
    found = {}
    most = min(20, len(index.class_names))
    for ways, shots in ((5, 1), (5, 5), (most, 1), (most, 5)):
        drawn = sample(index, EpisodeSpec(ways, shots, QUERIES, EPISODES, seed=0, drop_small=True))
        tasks, labels = drawn.tasks(np.arange(len(index)))
        scores: NDArray[Any] = method.head.scores(vectors, tasks)[0].cpu().numpy()
        found[ways, shots] = (
            (predictions(scores, labels >= 0) == labels).astype(float), labels, drawn.classes,
        )  # fmt: skip
    return found


def conclusion(tables: dict[str, Table]) -> list[str]:
    """The lines of the decision, or of what it would be so far where a training is lacking or a view not measured."""
    measured_here = [training.title for training in REAL if training.title in tables]
    if not measured_here or any(set(tables[title]) != set(VIEWS) for title in measured_here):
        return ["## Decision", "", "Nothing is decided here: not every view was measured.", ""]
    lines = verdict(mean_scores([tables[title] for title in measured_here]), "trained methods")
    lacking = [training.title for training in REAL if training.title not in tables]
    if not lacking:
        return lines
    so_far = lines[-2].replace("By the rule", "On these trainings, by the rule,")
    still = "The rule decides when all are, and until then the default stays as it is."
    return [*lines[:-2], f"{so_far} Not measured: {'; '.join(lacking)}. {still}", ""]


def main(words: list[str]) -> int:
    """Trains, measures, prints, writes; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of trainings; all without it")
    parser.add_argument("--views", nargs="*", choices=VIEWS, default=list(VIEWS), help="all without it")
    options = parser.parse_args(words)
    context = Context(device=choose_device(options.device), seed=0, cache=cache_dir())
    tables: dict[str, Table] = {}
    about = {}
    for number, training in enumerate((*REAL, *DRAWN)):
        if options.only is not None and number not in options.only:
            continue
        index = chosen(open_dataset(training.dataset), ("validation",))
        tables[training.title] = {}
        for view in options.views:
            print(f"{training.title}, {view}", file=sys.stderr, flush=True)
            tables[training.title][view] = measured(training, view, index, context)
        parameters = ", ".join(f"{key}={value}" for key, value in training.parameters.items()) or "defaults"
        about[training.title] = (
            f"{len(index):,} pictures of {len(index.class_names)} validation classes; parameters: {parameters}; "
            f"device: {context.device}."
        )
        print("\n".join(section(training.title, about[training.title], tables[training.title])), flush=True)
    lines = ["# The view of trained methods", "", *(__doc__ or "").strip().splitlines()[2:], ""]
    for title, table in tables.items():
        lines += section(title, about[title], table)
    text = "\n".join(lines + conclusion(tables))
    print(text)
    if set(options.views) == set(VIEWS):
        write_atomic(Path("results/views/trained.md"), lambda stream: stream.write(text.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
