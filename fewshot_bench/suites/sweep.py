"""A sweep: trials of a method's parameters on validation classes, and one run of the best on the test classes.

Optuna proposes (the tree-structured Parzen estimator, Bergstra et al. 2011) and its journal keeps the trials. Each
trial is an ordinary run whose record stays beside the journal. A trial that was killed is run again with the same
parameters, and each proposal is drawn from the sweep's seed and the trial's number, so that a sweep of one process that
was killed ends as an undisturbed one does. Several processes with the same command share the trials out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from filelock import FileLock, Timeout

from fewshot_bench import identity
from fewshot_bench.contract.config import build
from fewshot_bench.engine import Request
from fewshot_bench.engine import run as run_request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.progress import Progress
from fewshot_bench.records import Record

if TYPE_CHECKING:
    import optuna

SPLIT = "validation"
"""The classes that trials are measured on."""


@dataclass(frozen=True)
class Sweep:
    """A search names what is searched, and how.

    Parameters
    ----------
    request : the run on test classes; its parameters are fixed in all trials.
    trials : the number of trials.
    folder : where the journal and the records of trials are kept.
    tune : parameters that are searched over their declared ranges; empty: all that declare one and are not fixed.
    choices : further parameters with the values that are tried.
    measure : what is maximised on the validation classes.
    seed : draws the proposals.
    """

    request: Request
    trials: int
    folder: Path = Path("sweeps")
    tune: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measure: Literal["accuracy", "map"] = "accuracy"
    seed: int = 0

    @property
    def name(self) -> str:
        """The method and the identity of what is searched; the number of trials is no part of it."""
        asked = {
            "command": self.request.command(),
            "tune": list(self.space()),
            "measure": self.measure,
            "seed": self.seed,
        }
        chosen = {name: list(values) for name, values in self.choices.items()}
        return f"{self.request.method}-{identity.key('sweep', {**asked, 'choices': chosen})[:12]}"

    @property
    def journal(self) -> Path:
        """The file in which Optuna keeps the trials."""
        return self.folder / f"{self.name}.journal"

    @property
    def records(self) -> Path:
        """The folder of the records of trials."""
        return self.folder / self.name

    def space(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """Returns the distribution of each parameter that is searched; UsageError where there is none to search."""
        found = {
            name: spread
            for name, spread in declared(self.request).items()
            if name not in self.request.parameters
        }
        if unknown := set(self.tune) - set(found):
            ranges = ", ".join(found) or "none"
            raise UsageError(
                f"--tune {min(unknown)}: the method {self.request.method} declares no range for it, but for {ranges}; "
                f"name values to try with --choices {min(unknown)}=A,B."
            )
        from optuna.distributions import CategoricalDistribution

        wanted = self.tune or tuple(name for name in found if not self.choices)
        space: dict[str, optuna.distributions.BaseDistribution] = {
            name: found[name] for name in wanted if name in found
        }
        space |= {name: CategoricalDistribution(values) for name, values in self.choices.items()}
        for name, values in self.choices.items():
            for value in values:
                config_of(self.request, {name: value})
        if not space:
            raise UsageError(
                f"The method {self.request.method} declares no range to search; name values to try: --choices NAME=A,B."
            )
        return space


@dataclass(frozen=True)
class SweepTrial:
    """A trial that ended: its number, its parameters, and its measure (0…1), None where it failed for ``reason``."""

    number: int
    parameters: Mapping[str, Any]
    value: float | None
    reason: str = ""


def config_of(request: Request, parameters: Mapping[str, Any]) -> Any:
    """Returns the configuration of the request's method with further parameters; UsageError as ``build``."""
    method = request.given.load(request.method)
    return build(method.Config, f"method {request.method}", {**request.parameters, **parameters})


def declared(request: Request) -> dict[str, optuna.distributions.BaseDistribution]:
    """Returns the distribution of each parameter of a method that declares a range."""
    require_optuna()
    from optuna.distributions import FloatDistribution, IntDistribution

    config = request.given.load(request.method).Config
    hints = get_type_hints(config)
    found: dict[str, optuna.distributions.BaseDistribution] = {}
    for one in fields(config):
        if "range" in one.metadata:
            low, high = one.metadata["range"]
            kind = IntDistribution if hints[one.name] is int else FloatDistribution
            found[one.name] = kind(low, high, log=bool(one.metadata.get("log")))
    return found


def require_optuna() -> None:
    """Raises UsageError, with the command that installs it, where Optuna is not there."""
    try:
        import optuna
    except ImportError as error:
        raise UsageError("A sweep needs Optuna: pip install 'fewshot-bench[sweep]'.") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def require_validation(sweep: Sweep, data_root: Path | None) -> None:
    """Raises UsageError where the data set has no validation classes: test classes would decide."""
    index = sweep.request.given.open(sweep.request.dataset, data_root=data_root)
    if SPLIT not in index.class_splits:
        raise UsageError(
            f"{sweep.request.dataset} has no validation classes, and a sweep on test classes would measure nothing; "
            "name a variant with splits (`fsbench datasets NAME` shows them), or sweep on another set and use --set."
        )


def study_of(sweep: Sweep) -> optuna.Study:
    """Returns the study of a sweep's journal, made where there is none."""
    require_optuna()
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    sweep.folder.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    return optuna.create_study(
        storage=storage, study_name=sweep.name, load_if_exists=True, direction="maximize"
    )


def ended(study: optuna.Study) -> list[SweepTrial]:
    """Returns the trials that ended, in order."""
    from optuna.trial import TrialState

    return [
        SweepTrial(
            t.number,
            t.params,
            t.value if t.state is TrialState.COMPLETE else None,
            t.user_attrs.get("reason", ""),
        )
        for t in study.get_trials(deepcopy=False)
        if t.state in (TrialState.COMPLETE, TrialState.FAIL)
    ]


def search(
    sweep: Sweep,
    *,
    watch: Callable[[], AbstractContextManager[Progress]],
    told: Callable[[SweepTrial], object] = lambda _: None,
    **places: Any,
) -> list[SweepTrial]:
    """Runs the trials that are left, and returns all; ``places`` are further arguments of ``engine.run``.

    A trial that fails is kept with its reason, and the others go on. Raises FsbenchError where all have failed.
    """
    require_validation(sweep, places.get("data_root"))
    study, space = study_of(sweep), sweep.space()
    while (taken := take(sweep, study, space)) is not None:
        number, parameters, lock = taken
        try:
            told(one(sweep, study, number, parameters, watch, places))
        finally:
            lock.release()
    found = ended(study)
    if found and all(trial.value is None for trial in found):
        raise FsbenchError(f"All {len(found)} trials failed, the first since: {found[0].reason}")
    return found


def take(
    sweep: Sweep, study: optuna.Study, space: Mapping[str, Any]
) -> tuple[int, dict[str, Any], FileLock] | None:
    """Returns the number, parameters and lock of a trial to run: one whose process was killed, or a new one.

    None where as many as asked for have ended or are run by other processes.
    """
    import optuna
    from optuna.trial import TrialState

    def locked(number: int) -> FileLock | None:
        lock = FileLock(f"{sweep.journal}.{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    with FileLock(f"{sweep.journal}.take"):  # Optuna's own lock of the journal ends in .lock
        trials = study.get_trials(deepcopy=False)
        for trial in trials:
            if trial.state is not TrialState.RUNNING or (lock := locked(trial.number)) is None:
                continue
            if study.get_trials(deepcopy=False)[trial.number].state is TrialState.RUNNING:
                return trial.number, dict(trial.params), lock
            lock.release()  # it ended between the two looks
        if len(trials) >= sweep.trials:
            return None
        study.sampler = optuna.samplers.TPESampler(
            seed=sweep.seed * 1_000_003 + len(trials), n_startup_trials=8
        )
        asked = study.ask(dict(space))
        lock = locked(asked.number)
        assert lock is not None
        return asked.number, dict(asked.params), lock


def one(
    sweep: Sweep,
    study: optuna.Study,
    number: int,
    parameters: Mapping[str, Any],
    watch: Callable[[], AbstractContextManager[Progress]],
    places: Mapping[str, Any],
) -> SweepTrial:
    """Runs one trial on the validation classes, and tells the study what came of it."""
    from optuna.trial import TrialState

    request = replace(sweep.request, split=SPLIT, parameters={**sweep.request.parameters, **parameters})
    try:
        with watch() as progress:
            record, _ = run_request(request, results=sweep.records, progress=progress, **places)
        value = measured(record, sweep.measure)
    except Exception as error:  # a plugin may raise anything, and the other trials go on
        reason = str(error) if isinstance(error, FsbenchError) else f"{type(error).__name__}: {error}"
        study._storage.set_trial_user_attr(
            study.get_trials(deepcopy=False)[number]._trial_id, "reason", reason
        )
        study.tell(number, state=TrialState.FAIL)
        return SweepTrial(number, parameters, None, reason)
    study.tell(number, value)
    return SweepTrial(number, parameters, value)


def measured(record: Record, measure: str) -> float:
    """Returns what a sweep maximises; FsbenchError where the protocol ranks nothing and mAP is asked for."""
    score = record.accuracy if measure == "accuracy" else record.map
    if score is None:
        raise FsbenchError(
            f"The protocol {record.protocol} ranks nothing, so that there is no mAP; take --measure accuracy."
        )
    return float(score.mean)


def best(trials: list[SweepTrial]) -> SweepTrial:
    """Returns the trial of the highest measure, the first of several."""
    return max((t for t in trials if t.value is not None), key=lambda t: (t.value, -t.number))


def final(
    sweep: Sweep,
    trials: list[SweepTrial],
    *,
    results: Path,
    watch: Callable[[], AbstractContextManager[Progress]],
    **places: Any,
) -> tuple[Record, Path | None]:
    """Runs the best trial's parameters once on the test classes; the record says how many trials there were."""
    winner = best(trials)
    request = replace(sweep.request, parameters={**sweep.request.parameters, **winner.parameters})
    facts = {
        "trials": len(trials),
        "failed": sum(trial.value is None for trial in trials),
        "searched": sorted(sweep.space()),
        "measure": sweep.measure,
        "on": f"{SPLIT} classes of {sweep.request.dataset}",
        "value": winner.value,
        "seed": sweep.seed,
    }
    with watch() as progress:
        return run_request(request, results=results, progress=progress, sweep=facts, **places)
