"""Leaderboard: a table for each set of episodes, ranked with ties where methods cannot be told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fewshot_bench.metrics import deletion_interval
from fewshot_bench.protocols import PROTOCOLS, Protocol
from fewshot_bench.records import Record, Score, printable
from fewshot_bench.report.measure import ends, mean_deletion, recorded
from fewshot_bench.report.ranking import ranges
from fewshot_bench.report.scores import low_to_high, percent, with_interval


@dataclass(frozen=True, eq=False)
class Standing:
    """One configuration of a method in its table: a record for each training, by training seed.

    ``ranks`` are its lowest and highest rank within its ``kind``. ``older`` holds records of a training that was
    recorded again later.
    """

    ranks: tuple[int, int]
    trainings: tuple[Record, ...]
    older: tuple[Record, ...] = ()

    @property
    def record(self) -> Record:
        """The first training: what all of them share is told from it."""
        return self.trainings[0]

    @cached_property
    def accuracy(self) -> Score:
        """The accuracy; the mean over trainings where there are several."""
        found = self._score("accuracy")
        assert found is not None
        return found

    @cached_property
    def map(self) -> Score | None:
        """The mAP; the mean over trainings where there are several; None: not ranked."""
        return self._score("map")

    @property
    def headline(self) -> tuple[str, Score]:
        """The name and the score that the table is ranked by."""
        ranked = self.map if protocol_of(self.record).headline == "map" else None
        return ("accuracy", self.accuracy) if ranked is None else ("mAP", ranked)

    @property
    def name(self) -> str:
        """The method, marked where it was found by no registered name."""
        return printable(self.record.method) + ("" if self.record.registered else " (not registered)")

    @property
    def parameters(self) -> str:
        """The parameters that were typed."""
        return printable(", ".join(f"{key}={value}" for key, value in self.record.parameters_set.items()))

    @property
    def label(self) -> str:
        """Method and parameters in one text."""
        return f"{self.name} ({self.parameters})" if self.parameters else self.name

    def _score(self, measure: str) -> Score | None:
        found = [recorded(r, measure) for r in self.trainings]
        scores = [score for score in found if score is not None]
        if len(scores) < len(found):
            return None
        if len(scores) == 1:
            return scores[0]
        means = [score.mean for score in scores]
        over = deletion_interval(mean_deletion(self.trainings, measure))
        return Score(
            mean=sum(means) / len(means),
            interval=(min(means), max(means)),
            kind=f"lowest to highest of {len(means)} trainings",
            class_interval=ends(over),
            class_kind=over.reason or over.kind,
        )


@dataclass(frozen=True, eq=False)
class Table:
    """All records of one set of episodes in one protocol, best first."""

    standings: tuple[Standing, ...]

    @property
    def first(self) -> Record:
        """Any of the records: what they share is told from it."""
        return self.standings[0].record

    @property
    def title(self) -> str:
        """Data set, protocol, ways, shots and episodes."""
        return title_of(self.first)

    @property
    def older(self) -> tuple[Record, ...]:
        """The records that are not shown, for the same training was recorded again later."""
        return tuple(record for standing in self.standings for record in standing.older)


def protocol_of(record: Record) -> Protocol:
    """Returns the row of a record's protocol: the package's, the one that the record keeps, or a row of defaults."""
    if record.protocol in PROTOCOLS:
        return PROTOCOLS[record.protocol]
    kept = record.data.get("protocol_row")
    return Protocol.from_json(kept) if kept else Protocol(record.protocol, "", title=record.protocol)


def title_of(record: Record) -> str:
    """Returns data set, protocol, ways, shots, queries and episodes as a table's title."""
    r, protocol = record, protocol_of(record)
    synthetic = ", synthetic pictures" if r.synthetic else ""
    words = [protocol.title] if protocol.title else []
    if protocol.split == "pictures":
        words.append(f"{r.classes} classes")
    else:
        ways = f"all {r.classes}" if r.ways == "all" else r.ways
        words += [
            f"{ways}-way {r.shots}-shot",
            "all queries"
            if r.queries == "all"
            else f"{r.queries} {'query' if r.queries == 1 else 'queries'} a class",
            f"{r.episodes} {'episode' if r.episodes == 1 else 'episodes'}",
        ]
    words += [f"drawn by {r.sampler}"] if r.data.get("sampler") else []
    return printable(f"{r.dataset} ({r.variant}{synthetic}): {', '.join(words)}")


def kind(record: Record) -> tuple[bool, str]:
    """Methods of one kind are ranked among each other: transductive or not; by what they rank, where mAP decides.

    A method that scores classes alone has the pictures of a class tied, which lifts its mAP, so that it is no peer
    of one that scores each picture. With one shot both are the same.
    """
    by_map = protocol_of(record).headline == "map" and record.shots != 1
    return record.transductive, str(record.data.get("ranked_by", "")) if by_map else ""


def configuration(record: Record) -> str:
    """Returns what all trainings of one configuration share: method, resolved parameters and training data."""
    training = record.data.get("training") or {}
    distribution = str(record.data.get("method_distribution", "")).rpartition(" ")[0]
    data = [training.get(name) for name in ("dataset", "fingerprint", "unlabelled")]
    facts = [record.method, distribution, record.registered, record.parameters, data]
    return json.dumps(facts, sort_keys=True, default=str)


def standings(records: Sequence[Record]) -> list[Standing]:
    """Groups the records of one table by configuration; unranked.

    Of several records of one training seed (other versions, source or device) the newest counts.
    """
    groups: dict[str, dict[int, list[Record]]] = {}
    for record in records:
        groups.setdefault(configuration(record), {}).setdefault(record.train_seed, []).append(record)
    made = []
    for seeds in groups.values():
        newest, older = [], []
        for seed in sorted(seeds):
            *rest, last = sorted(
                seeds[seed], key=lambda r: (r.data.get("created") or "", r.data.get("identity", ""))
            )
            newest.append(last)
            older += rest
        made.append(Standing((1, 1), tuple(newest), tuple(older)))
    return made


def ranks(made: Sequence[Standing]) -> list[tuple[int, int]]:
    """Returns the range of ranks of each standing among those of its kind (``ranking.py``).

    The difference is that of the headline; of several trainings, of the mean over them.
    """
    groups: dict[tuple[bool, str, str], list[int]] = {}
    for place, one in enumerate(made):
        groups.setdefault((*kind(one.record), one.headline[0]), []).append(place)
    found = [(1, 1)] * len(made)
    for (*_, headline), places in groups.items():
        measure = "map" if headline == "mAP" else "accuracy"
        each = ranges([made[place].trainings for place in places], measure)
        for place, ranked in zip(places, each, strict=True):
            found[place] = ranked
    return found


def tables(records: Sequence[Record]) -> list[Table]:
    """Groups records by protocol and the hash of their episodes.

    Real data come first, then the order is by data set, protocol, ways and shots.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.protocol, record.episodes_sha256), []).append(record)
    made = []
    for group in groups.values():
        ordered = sorted(
            standings(group), key=lambda e: (-e.headline[1].mean, e.record.method, str(e.record.parameters))
        )
        ranked = zip(ranks(ordered), ordered, strict=True)
        made.append(Table(tuple(Standing(rank, e.trainings, e.older) for rank, e in ranked)))

    def place(table: Table) -> tuple[Any, ...]:
        r = table.first
        ways, shots = (10**9 if v == "all" else v for v in (r.ways, r.shots))
        return (r.synthetic, r.dataset, r.variant, r.protocol, ways, shots, r.episodes_sha256)

    return sorted(made, key=place)


def cells(standing: Standing) -> dict[str, str]:
    """Returns a row as a person reads it, in percent; a missing number stays blank."""
    r = standing.record
    found: dict[str, str] = {
        "rank": rank_text(standing.ranks),
        "method": standing.name,
        "parameters": standing.parameters,
        "trainings": f"{len(standing.trainings)}" if len(standing.trainings) > 1 else "",
    }
    for name, score in (("accuracy", standing.accuracy), ("mAP", standing.map)):
        text = "" if score is None else with_interval(score)
        if score is not None and len(standing.trainings) > 1:  # a spread is no 95 % interval: never after ±
            text = f"{percent(score.mean)} ({low_to_high(score.interval)})"
        found[f"{name} %"] = text
        found[f"{name}: classes"] = low_to_high(score.class_interval) if score else ""
    for name in sorted({name for training in standing.trainings for name in training.metrics}):
        each = [training.metrics[name].mean for training in standing.trainings if name in training.metrics]
        found[printable(name)] = (
            f"{sum(each) / len(each):.4f}" if len(each) == len(standing.trainings) else ""
        )
    found["ranked by"] = kind(r)[1]
    found["pretraining"] = printable(r.pretraining_marked)
    found["setting"] = ("transductive" if r.transductive else "inductive") + (
        ", reads class names" if r.data.get("reads_names") else ""
    )
    seconds = [s for t in standing.trainings if (s := t.training_seconds) is not None]
    found["training"] = duration(sum(seconds) / len(seconds)) if seconds else ""
    found["an episode"] = duration(
        sum(t.timings["score"] / t.episodes for t in standing.trainings) / len(standing.trainings)
    )
    return found


def columns_of(body: Sequence[dict[str, str]]) -> list[str]:
    """Returns the columns of rows of ``cells`` that say something, in order; a metric need not be in all rows."""
    names = dict.fromkeys(name for row in body for name in row)
    return [name for name in names if any(row.get(name) for row in body)]


def rank_text(ranks: tuple[int, int]) -> str:
    """Returns a range of ranks as text: ``2`` or ``2–4``."""
    low, high = ranks
    return f"{low}" if low == high else f"{low}–{high}"


def each_training(standing: Standing) -> list[str]:
    """Returns a line for each training of a standing of several: its seed and its scores."""
    lines = []
    for r in standing.trainings if len(standing.trainings) > 1 else ():
        scores = [f"accuracy {with_interval(r.accuracy)}"] + (
            [f"mAP {with_interval(r.map)}"] if r.map else []
        )
        lines.append(f"training seed {r.train_seed}: {', '.join(scores)} %")
    return lines


def not_shown(table: Table) -> str:
    """Returns the line that names older records of trainings that were recorded again; "" where there is none."""
    if not table.older:
        return ""
    names = sorted(
        {printable(f"{r.method} {str(r.data.get('identity', ''))[:8]}".strip()) for r in table.older}
    )
    plural = "record is" if len(table.older) == 1 else "records are"
    return f"{len(table.older)} older {plural} not shown, for the same training was recorded again: {', '.join(names)}"


def duration(seconds: float) -> str:
    """Returns seconds as a person says them, to two digits below a minute and a half: 3.7 ms, 40 s, 17 min, 2.5 h."""
    if seconds < 90:
        value, unit = (1000 * seconds, "ms") if seconds < 0.9995 else (seconds, "s")
        value = float(f"{value:.2g}")
        return f"{value:g} {unit}"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
