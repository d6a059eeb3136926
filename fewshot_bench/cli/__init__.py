"""The command line: parse, call, print. Each command is a module here, imported when it is used."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import click

from fewshot_bench.cli.output import CLOSED, OutputError, advice_as_notes, say, unwritten
from fewshot_bench.errors import FsbenchError, PluginError, printable

COMMANDS = {
    "run": "Run a method on episodes of a data set and write a record.",
    "suite": "Make the many runs that a file describes, or list what is there of them.",
    "sweep": "Search parameters on validation classes, then run the best once.",
    "predict": "Classify new pictures against a folder of reference pictures, or by a fitted recogniser.",
    "fit": "Fit a recogniser to a folder of products and keep it as one file.",
    "products": "Change a fitted recogniser: add, remove or rename products.",
    "export": "Export a fitted recogniser as ONNX, with an example that needs no torch.",
    "decide": "Say which method, how many references and which threshold a folder of products needs.",
    "references": "Say which references are doubtful, which products need more, and which look alike.",
    "methods": "List the installed methods, or show one with its parameters.",
    "metrics": "List the installed metrics that a run can have besides accuracy and mAP.",
    "protocols": "List the protocols: what a run can be asked, and what its table is ranked by.",
    "samplers": "List the installed samplers, which draw episodes in ways of their own.",
    "datasets": "List the data sets, show the card of one, or check an evaluation on it.",
    "check": "Check that a method keeps its contract, on a few small episodes.",
    "episodes": "Draw episodes into a file that others can replay, or one as a picture.",
    "rerun": "Run what a record was made by again, and say what differs.",
    "verify": "Hold records against their arrays, their episodes and a few runs.",
    "submit": "Pack verified records into one file for a pull request.",
    "leaderboard": "Make tables of records: one table per set of episodes.",
    "compare": "Compare two records of the same episodes, paired.",
    "new-plugin": "Write a distribution to begin a method, a data set or a metric of your own with.",
    "cache": "Show or remove what is kept: embeddings, trained networks.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns all commands, in the order in which a person needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command of a name, imported now, or None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fewshot_bench.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the table above, so that ``--help`` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fewshot-bench", prog_name="fsbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def group(debug: bool) -> None:
    """Few-shot image recognition, measured: N-way K-shot episodes, methods as plugins, one leaderboard.

    A first run, with no download:

    \b
        fsbench run --method pretrained-lr --dataset packshots --ways 20 --shots 1

    `fsbench methods` and `fsbench datasets` list what can be named, and `fsbench COMMAND --help` shows the options
    of a command.
    """


def fail(message: str, code: int) -> int:
    """Prints one sentence on stderr and returns the exit status."""
    say(f"Error: {printable(message)}")
    return code


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what Ctrl-C does is done."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0 success, 1 the run failed, 2 usage, 130 interrupted, 143 terminated."""
    keep_streams()
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)
    sys.exit(guarded([word for word in words if word != "--debug"], debug))


def keep_streams() -> None:
    """Opens /dev/null in the place of a standard stream that is closed, so that no file of data takes its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def terminate(*_: Any) -> None:
    """Ends the command in order, as Ctrl-C does; a second SIGTERM ends it at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated


def guarded(words: list[str], debug: bool) -> int:
    """Returns the exit status of a command line; an error is a sentence unless ``debug`` asks for the traceback."""
    if sys.stdout is None:
        return fail(CLOSED, 1)
    if odd := next((word for word in words if "\0" in word), None):
        return fail(f"The word {odd} has a null character, which no name and no number has.", 2)
    try:
        with advice_as_notes():
            outcome: Any = group.main(words, prog_name="fsbench", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except BrokenPipeError:  # the reader went away: `fsbench … | head`
        drop_stdout()
        return 0
    except OutputError as error:
        drop_stdout()
        return fail(str(error), error.exit_code)
    except OSError as error:  # click's own printing: --help, --version
        drop_stdout()
        if debug:
            raise
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG):
            return fail(unwritten(error), 1)
        if error.errno == errno.ENAMETOOLONG:
            return fail(f"{str(error.filename)[:60]}… is too long for the name of a file; name another.", 2)
        return unforeseen(error, words)
    except (KeyboardInterrupt, click.Abort) as error:
        if debug:
            raise
        ended = error.__cause__ or error
        if isinstance(ended, EOFError):  # click takes it for Ctrl-D at a question
            return fail(f"EOFError: {ended or 'no message'} ({kept_traceback(words)}).", 1)
        word, code = ("Terminated", 143) if isinstance(ended, Terminated) else ("Interrupted", 130)
        return fail(f"{word}; run the same command again to go on from what is finished.", code)
    except click.ClickException as error:
        if debug:
            raise
        if isinstance(error, click.UsageError) and error.ctx is not None:
            say(f"{error.ctx.get_usage()}\n{hint(error.ctx)}")
        return fail(error.format_message(), error.exit_code)
    except PluginError as error:
        if debug:
            raise
        return fail(f"{str(error).removesuffix('.')} ({kept_traceback(words)}).", error.exit_code)
    except FsbenchError as error:
        if debug:
            raise
        return fail(str(error), error.exit_code)
    except BaseException as error:  # an exit or worse, of code that stands behind no guard
        if type(sys.stdout).__name__.endswith(
            "PacifyFlushWrapper"
        ):  # click takes a reader that went away for a failure
            drop_stdout()
            return 0
        if debug and isinstance(error, Exception):
            raise
        return unforeseen(error, words)


def hint(ctx: click.Context) -> str:
    """Returns the line that says where the options of a command are shown."""
    return f"Try '{ctx.command_path} --help' for help.\n"


def unforeseen(error: BaseException, words: list[str]) -> int:
    """Prints an exception that is no sentence on one line and returns the exit status."""
    text = " ".join(str(error).split()) or "no message"
    return fail(f"{type(error).__name__}: {text} ({kept_traceback(words)}).", 1)


def drop_stdout() -> None:
    """Sends what is left of stdout nowhere, so that Python does not complain of it at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def kept_traceback(words: list[str]) -> str:
    """Writes the traceback of the exception in flight to a log beside the cache; returns where it is, in words."""
    import shlex
    import time
    import traceback

    from fewshot_bench.files import write_atomic
    from fewshot_bench.paths import cache_dir

    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = cache_dir() / "logs" / f"{moment}-{os.getpid()}.txt"
    text = f"fsbench {shlex.join(words)}\n\n{traceback.format_exc()}"
    try:
        write_atomic(path, lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))
    except FsbenchError:
        return "run again with --debug for the traceback"
    return f"the traceback is in {path}"
