"""What a newcomer reads: ``--help`` of every command, and what each option says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from fewshot_bench.cli import COMMANDS, group

LATER = {"run", "leaderboard", "compare"}
"""Commands whose options are not held to these rules yet."""


def commands(of: click.Group = group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(of)
    for name in of.list_commands(context):
        command = of.get_command(context, name)
        assert command is not None
        if f"{above}{name}" not in LATER:
            yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")


ALL = dict(commands())


@pytest.mark.parametrize("name", ALL)
def test_every_option_says_what_it_is(name):
    for option in ALL[name].params:
        if isinstance(option, click.Option):
            text = re.sub(r"\s*\[[^]]*\]$", "", option.help or "")
            assert re.match(r"[A-Z].*\.$", text), f"{option.opts}: {option.help!r}"
            assert not re.match(r"(Of|As|The same)\b", text), f"{option.opts}: {option.help!r}"


@pytest.mark.parametrize("name", ALL)
def test_help_fits_a_terminal_and_breaks_no_example(name):
    shown = CliRunner().invoke(group, [*name.split(), "--help"], prog_name="fsbench", terminal_width=80)
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 88
    for example in re.findall(
        r"^ *(?:Example: )?(fsbench [^\n`]*)$", ALL[name].help or "", flags=re.MULTILINE
    ):
        assert example in shown.output, "put \\b above the example"


def test_the_first_help_names_the_commands_and_a_first_run():
    shown = CliRunner().invoke(group, ["--help"], prog_name="fsbench", terminal_width=80).output
    assert "fsbench run --method pretrained-lr --dataset packshots --ways 20 --shots 1\n" in shown
    assert "`fsbench methods`" in shown
    for name, sentence in COMMANDS.items():
        assert re.search(rf"^  {name} ", shown, flags=re.MULTILINE)
        assert re.match(r"[A-Z][a-z]+ .*\.$", sentence)
