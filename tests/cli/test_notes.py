"""Warnings on the command line: advice is a note of one line."""

from __future__ import annotations

import warnings

import pytest

from fewshot_bench.cli.output import advice_as_notes
from fewshot_bench.errors import Advice


def test_advice_is_a_note_and_other_warnings_stay_what_they_are(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        before = warnings.showwarning
        with advice_as_notes():
            warnings.warn("These look like codes.", Advice, stacklevel=1)
        assert capsys.readouterr().err == "Note: These look like codes.\n"
        assert warnings.showwarning is before
    with pytest.warns(UserWarning, match="another"), advice_as_notes():
        warnings.warn("another", UserWarning, stacklevel=1)
