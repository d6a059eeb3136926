import json

import pytest

from fewshot_bench.episodes import EpisodeSpec
from fewshot_bench.errors import UsageError


def test_survives_json():
    spec = EpisodeSpec("all", 3, "all", 7, 2**64 - 1, drop_small=True)
    assert EpisodeSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ways", 1), ("ways", "some"), ("ways", 2.0), ("ways", True), ("shots", 0), ("shots", None),
        ("queries", -1), ("episodes", 0), ("episodes", "all"), ("episodes", 10**10), ("seed", -1),
        ("seed", 2**64), ("seed", 0.5), ("variable", 1), ("drop_small", "yes"),
    ],
)  # fmt: skip
def test_refuses_a_value_by_name(field, value):
    values = {"ways": 5, "shots": 1, "queries": 15, "episodes": 10, "seed": 0, field: value}
    with pytest.raises(UsageError, match=f"^{field} must be .* not {value!r}\\.$"):
        EpisodeSpec(**values)


def test_variable_episodes_leave_the_numbers_open():
    assert EpisodeSpec("all", "all", "all", 10, 0, variable=True).variable
    with pytest.raises(UsageError, match="set all three to 'all'"):
        EpisodeSpec(5, "all", "all", 10, 0, variable=True)


def test_refuses_unknown_and_missing_fields():
    values = EpisodeSpec(5, 1, 15, 10, 0).to_json()
    values["way"] = values.pop("ways")
    with pytest.raises(UsageError, match="missing or unknown: way, ways"):
        EpisodeSpec.from_json(values)
