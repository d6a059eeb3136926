"""run: one method on one set of episodes, from a request to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.cluster.executor import executor, using
from fewshot_bench.contract import registry
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.split import train_test
from fewshot_bench.data.split_names import known_split
from fewshot_bench.engine.class_names import names_of_rows
from fewshot_bench.engine.clock import Clock, Counter
from fewshot_bench.engine.facts import run_facts
from fewshot_bench.engine.fitting import make_ready
from fewshot_bench.engine.kept_scores import KeptScores
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.measuring import Measure, measures_of, require_calibrated, with_support
from fewshot_bench.engine.outcome import make_record
from fewshot_bench.engine.parts import Parts
from fewshot_bench.engine.request import USUAL_QUERIES, Request
from fewshot_bench.engine.scoring import score_all
from fewshot_bench.engine.solvers import solver_on, table_of
from fewshot_bench.engine.spreading import scoring_of, spread_over
from fewshot_bench.engine.suggestion import distinct_or_suggested
from fewshot_bench.episodes import (
    EpisodeSet,
    EpisodeSpec,
    all_suffice,
    load_manifest,
    sample,
    validate,
)
from fewshot_bench.episodes.own import drawn_by
from fewshot_bench.errors import UsageError
from fewshot_bench.files import require_writable
from fewshot_bench.identity import core_digest, key
from fewshot_bench.isolation.remote import Remote, isolated
from fewshot_bench.paths import cache_dir
from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record, save

DEFAULT_EPISODES, MAX_ALL_WAYS = 600, 100
"""Episodes of a run that asks for no number, and the largest such number with all ways."""


def evaluated(index: ImageIndex, split: str | None, *, whole_set: bool = False) -> tuple[ImageIndex, str]:
    """Returns the classes of ``split`` (None: ``novel`` where the data set has splits, else all) and its name.

    ``whole_set``: None means all classes. Other libraries' names of splits are understood (``test`` is ``novel``).
    """
    present = [s for s in ("base", "validation", "novel", "all") if s in index.class_splits]
    if split is None:
        split = "novel" if "novel" in present and not whole_set else "all"
    split = known_split(split) or split
    if split == "all":
        return index, split
    if split not in present:
        raise UsageError(f"{index.name} has no split {split!r}; it has {', '.join([*present, 'all'])}.")
    return index.only(split), split


def spec_of(request: Request, index: ImageIndex) -> EpisodeSpec:
    """Returns the episode specification of a request, its numbers of queries and of episodes settled.

    Raises UsageError when more episodes are asked for than there are distinct support sets: beyond that,
    episodes repeat each other and an interval over them would mean nothing.
    """
    ways, shots = request.counts
    spec = EpisodeSpec(
        sampler=request.sampler,
        ways=ways,
        shots=shots,
        queries=USUAL_QUERIES if request.queries is None else request.queries,
        episodes=1,
        seed=request.seed,
        variable=request.variable,
        drop_small=request.drop_small or request.rules.split == "pictures",
    )
    if request.sampler:
        return replace(spec, episodes=request.episodes or request.rules.episodes or DEFAULT_EPISODES)
    if request.queries is None and not request.drop_small and not all_suffice(index, spec):
        spec = replace(spec, queries="all")
    if request.rules.episodes is not None:
        return replace(spec, episodes=request.rules.episodes)
    most = distinct_or_suggested(request, index, spec)
    if request.episodes is None:
        return replace(spec, episodes=min(MAX_ALL_WAYS if ways == "all" else DEFAULT_EPISODES, most))
    if request.episodes > most:
        raise UsageError(
            f"--episodes {request.episodes} is more than the {most} distinct support sets that {index.name} "
            f"({index.variant}) has at --ways {ways} --shots {shots}; ask for at most {most}."
        )
    return replace(spec, episodes=request.episodes)


def episodes_of(request: Request, index: ImageIndex) -> EpisodeSet:
    """Returns the episodes of a request: replayed from its manifest, or drawn from its seed; both are validated.

    Raises UsageError for a manifest whose counts are not those of a protocol with counts of its own.
    """
    if request.episodes_from is None:
        spec = spec_of(request, index)
        drawn = sample(index, spec) if not spec.sampler else by_sampler(request, index, spec)
        validate(drawn, index, f"What was drawn from {index.name}")
        return drawn
    replayed, rules = load_manifest(request.episodes_from, index), request.rules
    spec = replayed.spec
    if rules.fixed and (spec.ways, spec.shots, spec.queries) != (rules.ways, rules.shots, rules.queries):
        raise UsageError(
            f"The protocol {rules.name} has {rules.ways} ways, {rules.shots} shots and {rules.queries} queries, and "
            f"the manifest {request.episodes_from} has {spec.ways}, {spec.shots} and {spec.queries}; replay it "
            "without --protocol."
        )
    if rules.episodes is not None and len(replayed) != rules.episodes:
        raise UsageError(
            f"The protocol {rules.name} has {rules.episodes} episodes, and the manifest {request.episodes_from} "
            f"has {len(replayed)}; replay it without --protocol."
        )
    return replayed


def by_sampler(request: Request, index: ImageIndex, spec: EpisodeSpec) -> EpisodeSet:
    """Returns the episodes that the sampler of a request draws, behind a guard; FsbenchError where it fails."""
    guard = Guard(f"The sampler {request.sampler}")
    kind = request.given.load_sampler(request.sampler)
    with guard("drawing"):
        return drawn_by(kind(), index, spec)


def run(
    request: Request,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    results: Path | None = None,
    cache: Path | None = None,
    verify: bool = False,
    time_limit: float | None = None,
    isolate: bool = False,
    keep: Callable[[KeptScores, Record], object] | None = None,
    sweep: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> tuple[Record, Path | None]:
    """Runs one request; returns its record and, where ``results`` is given, the path it was saved at.

    ``time_limit`` is the number of seconds that one call of the method may take: its training, its setup, a batch of
    pictures, a chunk of episodes. With ``isolate`` the method runs in a process of its own, which has neither the
    labels of queries nor the name of the data set (see ``isolation/``). ``keep`` is given the scores and the record
    before that is saved. ``sweep`` is what the record says of the search that its parameters come from. Raises
    UsageError for a request that cannot be met and FsbenchError for a run that fails, each with one sentence. An
    interrupted run goes on from its finished chunks when it is asked for again.
    """
    limit = time_limit_of(time_limit)
    guard = Guard(f"The method {request.method}", limit=None if isolate else limit)
    if results is not None:
        require_writable(results)
    if isolate and request.given.method is not None:
        raise UsageError(
            f"The method {request.method} is registered nowhere, and a process of its own could not import it; run it "
            "without isolation, or make it a distribution: fsbench new-plugin."
        )
    entry = request.given.entry(request.method)
    measures = measures_of(request, limit, guard.notes)
    here = None if isolate else method_of(request)[0]
    context = Context(
        device=choose_device(device), seed=request.train_seed, cache=cache or cache_dir(), progress=progress
    )
    with ExitStack() as stack:
        if isolate:  # what the method computes is in its process, here
            stack.enter_context(using(None))
        method: Method = here or stack.enter_context(
            isolated(request.method, request.parameters, context, limit, guard.notes)
        )
        done = run_method(
            method,
            entry,
            request,
            context,
            guard,
            measures,
            data_root=data_root,
            verify=verify,
            keep=keep is not None,
        )
    record, parts, scores = done
    if sweep is not None:
        record.data["sweep"] = dict(sweep)
    if keep is not None and scores is not None:
        keep(scores, record)
    path = save(record, results) if results is not None else None
    parts.clear()
    return record, path


def run_method(
    method: Method,
    entry: registry.Entry,
    request: Request,
    context: Context,
    guard: Guard,
    measures: Sequence[Measure] = (),
    *,
    data_root: Path | None,
    verify: bool,
    keep: bool = False,
) -> tuple[Record, Parts, KeptScores | None]:
    """Returns the record of a method on the episodes of ``request``, and the parts that are cleared once it is kept.

    With ``keep`` there are the scores as well.
    """
    require_calibrated(measures, method)
    if isinstance(method, Remote) and method.reads_names:
        raise UsageError(
            f"The method {request.method} reads the names of classes, which a process of its own is not given; run it "
            "without --isolated."
        )
    clock = Clock()
    with clock.stage("index"):
        whole = request.given.open(
            request.dataset, data_root=data_root, verify=verify, progress=context.progress
        )
        pictures = request.rules.split == "pictures"
        if pictures:
            whole = train_test(whole, request.seed)
        index, split = evaluated(whole, request.split, whole_set=pictures)
        episodes = episodes_of(request, index)
        if request.episodes_from is None:
            request = replace(request, queries=episodes.spec.queries)
    rows = table_rows(index, episodes)
    index.require_current(rows)
    with clock.stage("fit"):
        training = make_ready(
            method, request, context, index, data_root=data_root, verify=verify, guard=guard
        )
    counter = Counter(context.progress)
    with clock.stage("embed"):
        counted = replace(context, progress=counter)
        names = names_of_rows(method, index, rows)
        table = table_of(method, index, rows, counted, guard=guard)
        solve, max_batch = solver_on(
            method, table, context.device, ranking=request.rules.ranking, guard=guard, names=names
        )
    tasks, labels = episodes.tasks(rows)
    with guard("the facts that it states"):
        facts = run_facts(request, method, entry, episodes.sha256, training, context, measures)
    parts = Parts(context.cache / "runs" / key("parts", {"run": facts, "core": core_digest()})[:32])
    where, spread = f"The method {request.method}", None
    if (chosen := executor()) is not None:
        scoring = scoring_of(
            method, table, context.device, guard, where, request.rules, measures, keep=keep, names=names
        )
        spread = spread_over(chosen, scoring, guard.notes)
    with clock.stage("score"):
        outcome = score_all(
            solve,
            tasks,
            labels,
            where=where,
            parts=parts,
            max_batch=max_batch,
            protocol=request.rules,
            transductive=method.transductive,
            progress=context.progress,
            measures=measures,
            keep=keep,
            spread=spread,
        )
    known = with_support(tasks.support, labels)
    queries = np.where(known >= 0, rows[tasks.query], -1)
    with guard("the facts that it states"):
        record = make_record(
            request,
            method,
            entry,
            index,
            split,
            episodes,
            known,
            queries,
            outcome,
            clock,
            context,
            training,
            facts,
        )
    record.data["timings"] = clock.timings(counter.encoded)
    if isinstance(method, Remote):
        record.data["environment"]["isolated"] = True
    if guard.notes:
        record.data["environment"]["notes"] = list(guard.notes)
    return record, parts, None if outcome.scores is None else KeptScores(outcome.scores, labels)


def time_limit_of(seconds: float | None) -> float | None:
    """Returns a time limit; raises UsageError for one that is no positive number of seconds."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise UsageError(f"--time-limit must be a positive number of seconds, not {seconds}.")
    return seconds


def table_rows(index: ImageIndex, episodes: EpisodeSet) -> NDArray[np.int64]:
    """Returns the images that the episodes touch, ordered by content digest: a row number says nothing of a class."""
    rows = episodes.images()
    keys = np.ascontiguousarray(index.digests[rows, :8]).view(">u8")[:, 0]
    return rows[np.argsort(keys, kind="stable")]
