"""The guard: what a plugin raises is a sentence, what it prints is no record, what it changes is put back."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.state import Filters, umask
from fewshot_bench.errors import FsbenchError, PluginError, UsageError


class Odd(BaseException):
    """Neither an exception nor an exit."""


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (SystemExit(0), r"The method toy failed in fit: it called exit with 0"),
        (SystemExit("bye"), "exit with 'bye'"),
        (GeneratorExit(), "failed in fit: GeneratorExit."),
        (Odd("what"), "Odd: what"),
        (StopIteration(3), "StopIteration: 3"),
        (EOFError(), "EOFError"),
        (BrokenPipeError(), "BrokenPipeError"),
        (ZeroDivisionError("two\nlines"), "ZeroDivisionError: two lines."),
    ],
)
def test_whatever_is_raised_is_one_sentence_that_names_the_plugin(raised, words):
    with pytest.raises(PluginError, match=words) as caught, Guard("The method toy")("fit"):
        raise raised
    assert "\n" not in str(caught.value) and caught.value.__cause__ is raised


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), UsageError("a sentence"), FsbenchError("another")])
def test_ctrl_c_and_sentences_pass(raised):
    with pytest.raises(type(raised)) as caught, Guard("The method toy")("fit"):
        raise raised
    assert caught.value is raised


def test_what_is_printed_goes_to_stderr_whoever_writes_it(capfd):
    print("before")
    with Guard("The method toy")("fit"):
        print("by Python")
        sys.stdout.write("by its stream\n")
        os.write(1, b"by a library\n")
        os.system("echo by a process")
    print("behind")
    out, err = capfd.readouterr()
    assert out.split() == ["before", "behind"]
    assert {"by Python", "by its stream", "by a library", "by a process"} <= set(err.splitlines())


CHANGES = {
    "the working folder": lambda: os.chdir("/"),
    "the umask": lambda: os.umask(0o177),
    "the handlers of signals": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    "the filters of warnings": lambda: warnings.simplefilter("ignore"),
    "numpy's treatment of floating-point errors": lambda: np.seterr(all="raise"),
    "the global generator of Python": random.random,
    "the global generator of numpy": lambda: getattr(np.random, "rand")(),  # noqa: B009
    "the global generator of torch": lambda: torch.rand(1),
    "torch's default number type": lambda: torch.set_default_dtype(torch.float64),
    "torch's number of threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch's computing of gradients": lambda: torch.set_grad_enabled(False),
    "torch's precision of products": lambda: torch.set_float32_matmul_precision("medium"),
    "torch's deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "torch's default device": lambda: torch.set_default_device("meta"),
}


def everything() -> list[str]:
    return [
        *map(
            str,
            (
                Path.cwd(),
                umask(),
                signal.getsignal(signal.SIGINT),
                Filters(warnings.filters).general(),
                np.geterr(),
            ),
        ),
        *map(str, (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())),  # noqa: NPY002
        *map(str, (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled())),
        *map(str, (torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled())),
        str(torch.get_default_device()),
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_put_back_and_noted_once(name):
    guard, before = Guard("The method toy"), everything()
    for _ in range(2):
        with guard("scores"):
            CHANGES[name]()
    assert everything() == before
    assert guard.notes == [f"The method toy changed {name} in scores; it was put back."]


def test_it_is_put_back_after_an_error_too():
    before = everything()

    def work():
        with Guard("The method toy")("fit"):
            for change in CHANGES.values():
                change()
            raise ValueError

    with pytest.raises(PluginError):
        work()
    assert everything() == before


def test_nothing_is_noted_of_a_plugin_that_changes_nothing():
    guard = Guard("The method toy")
    with guard("fit"):
        warnings.filterwarnings("ignore", message="a library's own")
    assert guard.notes == []


def test_the_generators_can_be_left_as_they_are_for_a_check():
    before = random.getstate()
    with Guard("The method toy", generators=False)("fit"):
        random.random()
    assert random.getstate() != before


def test_guards_of_several_threads_put_back_what_was_before_the_first():
    before, stdout = everything(), sys.stdout
    inside, done = threading.Event(), threading.Event()

    def first():
        with Guard("first")("fit"):
            torch.set_default_dtype(torch.float64)
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    with Guard("second")("fit"):
        done.set()
        thread.join()
    assert everything() == before and sys.stdout is stdout


@pytest.mark.parametrize("work", [lambda: time.sleep(30), lambda: [None for _ in iter(int, 1)]])
def test_a_call_that_takes_too_long_is_ended_and_the_sentence_says_how_to_give_it_more(work):
    handler = signal.getsignal(signal.SIGALRM)
    sentence = r"The method toy took longer than 0\.05 s in solve.*--time-limit"
    with pytest.raises(FsbenchError, match=sentence), Guard("The method toy", limit=0.05)("solve"):
        work()
    assert signal.getsignal(signal.SIGALRM) is handler and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_limit_that_the_plugin_swallows_is_found_behind_the_call():
    def swallow():
        try:
            time.sleep(5)
        except BaseException:
            time.sleep(0.01)

    with pytest.raises(FsbenchError, match="took longer"), Guard("The method toy", limit=0.05)("solve"):
        swallow()


def test_the_limit_is_that_of_one_unit():
    guard = Guard("The method toy", limit=0.3)
    tell = guard.watched(lambda done, total: None)
    with guard("encode"):
        for done in range(5):
            time.sleep(0.1)
            tell(done, 5)


def test_a_limit_in_another_thread_is_found_behind_the_call():
    caught = []

    def work():
        try:
            with Guard("The method toy", limit=0.01)("solve"):
                time.sleep(0.05)
        except FsbenchError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "took longer than 0.01 s" in caught[0]
