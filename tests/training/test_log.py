"""The log: a line an epoch, replaced when an epoch is trained again; what of it goes into a record."""

from __future__ import annotations

import json

import pytest

from fewshot_bench.errors import FsbenchError
from fewshot_bench.training.log import LOG, append_log, read_log, training_facts


def line(epoch: int, loss: float, seconds: float = 1.5) -> dict[str, float]:
    return {"epoch": epoch, "loss": loss, "validation": 0.5, "images/s": 60.0, "seconds": seconds}


def test_an_epoch_that_is_trained_again_replaces_its_line_and_later_ones(tmp_path):
    for epoch, loss in ((1, 3.0), (2, 2.0), (3, 1.0), (2, 2.5)):
        append_log(tmp_path / LOG, line(epoch, loss))
    assert [(row["epoch"], row["loss"]) for row in read_log(tmp_path / LOG)] == [("1", "3"), ("2", "2.5")]
    assert [path.name for path in tmp_path.iterdir()] == [LOG]


def test_a_record_has_the_numbers_by_epoch_and_timings_apart(tmp_path):
    append_log(tmp_path / "teacher" / LOG, line(1, 3.0))
    append_log(tmp_path / "teacher" / LOG, line(2, 2.0, 2.25))
    facts = training_facts({"teacher": tmp_path / "teacher", "student": tmp_path / "nowhere"})
    assert facts["log"] == {"teacher": {"epoch": [1, 2], "loss": [3, 2], "validation": [0.5, 0.5]}}
    assert facts["timings"] == {"teacher": {"seconds": 3.75, "images/s": [60, 60]}}
    assert training_facts({"student": tmp_path / "nowhere"}) == {}


def test_what_an_older_log_lacks_is_none(tmp_path):
    (tmp_path / LOG).write_text("epoch,loss,images/s\n1,nan,60\n2,0.5,\n")
    facts = training_facts({"old": tmp_path})
    assert facts["log"]["old"] == {"epoch": [1, 2], "loss": [None, 0.5]}
    assert facts["timings"]["old"] == {"seconds": None, "images/s": [60, None]}
    append_log(tmp_path / LOG, line(3, 0.25))  # an older training that goes on: seconds of it are not known
    assert training_facts({"old": tmp_path})["timings"]["old"]["seconds"] is None
    json.dumps(facts, allow_nan=False)


@pytest.mark.parametrize("text", ["epoch,loss\n1,many\n", "epoch,loss\n1\n", "epoch,loss\n1,2,3\n"])
def test_a_damaged_log_is_one_sentence(tmp_path, text):
    (tmp_path / LOG).write_text(text)
    with pytest.raises(FsbenchError, match="log.csv cannot be read .* train again"):
        training_facts({"one": tmp_path})
