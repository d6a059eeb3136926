"""Hostile values of every option and argument of every command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from hypothesis import strategies as st

from benchmarks.reliability.trying import (
    Family,
    command,
    words,
)
from fewshot_bench.cli import group

BY_MODEL = ("predict --model",)
"""Another line of ``predict``: by a fitted recogniser."""


def options_of(
    tree: click.Command, line: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Parameter]]:
    """Yields each command's words with each of its options and arguments, as click knows them."""
    if isinstance(tree, click.Group):
        with click.Context(tree) as context:
            for name in tree.list_commands(context):
                inner = tree.get_command(context, name)
                assert inner is not None
                yield from options_of(inner, (*line, name))
        return
    for parameter in tree.params:
        yield line, parameter


def options_family(place: Path) -> Family:
    """Every option and argument of every command, with any value, beside those that make it work."""
    pictures, manifest = place / "shop", place / "sound.npz"
    (record,) = (place / "results").rglob("*.json")
    suite = place / "suite.toml"
    block = '[[runs]]\nmethod = "pixels"\nways = 2\nqueries = 1\nepisodes = 2\n'
    suite.write_text(f"table = 'Shop'\n{block}dataset = '{pictures}'\n")
    fitted = place / "shop.fsb"
    if not fitted.exists():
        command(place, "fit", str(pictures), "--method", "pixels", "-o", str(fitted))
    few = {"--dataset": pictures, "--ways": 2, "--queries": 1, "--episodes": 2}
    sound: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "run": ([], {"--method": "pixels", **few, "--results": "r"}),
        "suite plan": ([suite], {}),
        "suite run": ([suite], {"--results": "r"}),
        "suite table": ([suite], {"--results": place / "results"}),
        "sweep": (
            [],
            {
                "--method": "pixels",
                **few,
                "--trials": 1,
                "--choices": "size=1,2",
                "--folder": "s",
                "--results": "r",
            },
        ),
        "predict": ([], {"--method": "pixels", "--support": pictures, "--images": pictures / "class 0"}),
        BY_MODEL[0]: ([pictures / "class 0"], {"--model": fitted}),
        "fit": ([pictures], {"--method": "pixels", "-o": "s.fsb"}),
        "products add": ([fitted, "more", pictures / "class 0"], {}),
        "products remove": ([fitted, "class 0"], {}),
        "products rename": ([fitted, "class 0", "class 0 again"], {}),
        "export": ([fitted], {"--onnx": "onnx"}),
        "decide": ([pictures], {"--method": "pixels"}),
        "references": ([pictures], {"--method": "pixels"}),
        "methods": (["pixels"], {}),
        "metrics": ([], {}),
        "samplers": ([], {}),
        "protocols": ([], {}),
        "datasets": ([pictures], {}),
        "check": (["pixels"], {"--only": "query-alone", **few, "--shots": 2, "--queries": 2}),
        "episodes export": (["m.npz"], few),
        "episodes info": ([manifest], {}),
        "episodes show": ([], {"--dataset": pictures, "--ways": 2, "--queries": 1, "-o": "s.png"}),
        "leaderboard": ([record], {}),
        "rerun": ([record], {}),
        "verify": ([record], {}),
        "submit": ([record], {"-o": "s.zip"}),
        "compare": ([record, record], {}),
        "new-plugin": (["toy"], {"--folder": "plugin"}),
        "cache prune": ([], {"--all": None}),
    }
    every = [
        (line, parameter)
        for line, parameter in options_of(group)
        if " ".join(line) in sound and "--isolated" not in parameter.opts  # starts a process
    ]
    every += [(BY_MODEL, parameter) for line, parameter in every if line == ("predict",)]
    missing = {" ".join(line) for line, _ in options_of(group)} - sound.keys()
    assert not missing, f"write a line that works for {missing}"

    def attempt(folder: Path, made: tuple[tuple[tuple[str, ...], click.Parameter], str, bool]) -> str:
        (line, parameter), value, near = made
        arguments, options = sound[" ".join(line)]
        chosen, places = dict(options), list(arguments)
        if near:
            value = {"pipe": str(place / "pipe"), "null": "/dev/null"}.get(value, value)
        if isinstance(parameter, click.Argument):
            places = [*places[:-1], value] if near else [*places, value]
        elif getattr(parameter, "is_flag", False):
            chosen[parameter.opts[0]] = None
        else:
            name = next((opt for opt in parameter.opts if opt in chosen), parameter.opts[0])
            chosen[name] = value
        tail = [str(word) for k, v in chosen.items() for word in ((k,) if v is None else (k, v))]
        here = Path.cwd()
        os.chdir(folder)
        try:
            words_of = ("predict",) if line == BY_MODEL else line
            return command(folder, *words_of, *tail, *(["--"] if places else []), *map(str, places))
        finally:
            os.chdir(here)

    inputs = st.one_of(
        words.filter(lambda w: not w.startswith(("/", "~", ".."))), st.sampled_from(("pipe", "null"))
    )
    return Family("option", st.tuples(st.sampled_from(every), inputs, st.booleans()), attempt)
