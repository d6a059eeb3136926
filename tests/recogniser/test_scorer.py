"""What is carried over when references come and go is what is found anew."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from fewshot_bench.recogniser import scorer
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.scorer import Scorer


def drawn(rng: np.random.Generator, many: int = 60, classes: int = 12) -> References:
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, many - classes)]).astype(np.int32)
    digests = rng.integers(0, 256, (many, 32), dtype=np.uint8)
    digests[5] = digests[3]
    vectors = rng.standard_normal((many, 4)).astype(np.float32)
    names = tuple(map(str, range(classes)))
    return References(vectors, labels, digests, tuple(map(str, range(many))), names)


@pytest.mark.parametrize("asked", [25, 1000])
def test_neighbours_are_carried_over(asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "ASKED", asked)
    rng = np.random.default_rng(0)
    now = Scorer(cast(Any, None), drawn(rng), "cpu")
    for step in range(20):
        for other in ("content", "product"):
            now.near(other)
        old = now.references
        if step % 3 < 2:
            name = old.class_names[step % 5] if step % 2 else f"new {step}"
            digests = rng.integers(0, 256, (3, 32), dtype=np.uint8)
            changed = old.added(name, rng.standard_normal((3, 4)), digests, ("a", "b", "c"))
            place = np.arange(len(old))
        else:
            name = old.class_names[step % len(old.class_names)]
            changed, stay = old.removed(name), old.labels != old.number(name)
            place = np.where(stay, stay.cumsum() - 1, -1)
        after = Scorer(cast(Any, None), changed, "cpu")
        after.carry(now, place)
        fresh = Scorer(cast(Any, None), changed, "cpu")
        assert set(after.known_near) == {"content", "product"}
        for other in ("content", "product"):
            kept, wanted = after.near(other), fresh.near(other)
            assert np.array_equal(kept.rows, wanted.rows) and np.array_equal(kept.nearest, wanted.nearest)
            np.testing.assert_allclose(kept.cosines, wanted.cosines, atol=1e-6)
        np.testing.assert_array_equal(after.units, fresh.units)
        now = after


def test_of_many_references_as_few_parts_leave_as_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "ONE_BY_ONE", 20)
    left: list[int] = []

    def solved(self: Scorer, table: Any, tasks: Any) -> Any:
        left.append(60 - int((tasks.support >= 0).sum()))
        return np.zeros((1, tasks.query.shape[1], 12))

    monkeypatch.setattr(Scorer, "_solved", solved)
    references = drawn(np.random.default_rng(0))
    all_asked = int(references.held.sum())
    for asked, parts in ((5, 1), (12, 2), (1000, 10)):
        monkeypatch.setattr(scorer, "ASKED", asked)
        left.clear()
        rows, scores = Scorer(cast(Any, None), references, "cpu").held
        assert len(left) <= parts and len(rows) == len(scores) == min(asked, all_asked)
    assert sum(left) == all_asked  # every reference that can be asked has left once
