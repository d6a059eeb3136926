"""A recogniser that was changed is one that is made of the same references; older references stay as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.engine.request import Request
from fewshot_bench.heads import fitted
from fewshot_bench.heads.prototype import Prototype
from fewshot_bench.prediction.nearest import contents_of, nearest, unit
from fewshot_bench.recogniser import blocks, references, scorer
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References, distinct


def drawn(rng: np.random.Generator, many: int) -> dict[str, Any]:
    digests = rng.integers(0, 2, (many, 32), dtype=np.uint8)
    digests[:, rng.integers(0, 10) :] = 0  # few contents, of which some have equal first bytes
    return {
        "vectors": rng.standard_normal((many, 3)).astype(np.float32),
        "digests": digests,
        "paths": tuple(f"{number % 3}.png" for number in range(many)),
    }


def shop(rng: np.random.Generator, classes: int, metric: str, unknown: Any = None) -> Recogniser:
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 12)]).astype(np.int32)
    names = tuple(f"product {number}" for number in range(classes))
    method = embedding_method(Request("pretrained-proto", ""))
    method.head = Prototype(metric=metric)
    found = References(labels=labels, class_names=names, **drawn(rng, len(labels)))
    recipe = {"method": "pretrained-proto", "parameters": {}}
    return Recogniser(method, recipe, found, device="cpu", accept=0.9, unknown=unknown)


def state(of: References) -> list[Any]:
    arrays = (of.vectors, of.labels, of.digests, of.groups, of.contents, of.support)
    return [*(array.copy() for array in arrays), of.paths, of.class_names, of.counts]


def assert_equal(one: list[Any], other: list[Any]) -> None:
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["cosine", "euclidean"]),
    st.sampled_from([1, 3, 1024]),
    st.lists(st.sampled_from(["new", "more", "remove", "rename", "ask"]), max_size=8),
)
def test_a_changed_recogniser_is_one_made_anew(seed: int, metric: str, block: int, steps: list[str]) -> None:
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        patch.setattr(references, "BLOCK", block)
        patch.setattr(fitted, "CLASSES", block)
        patch.setattr(scorer, "ASKED", 10)
        patch.setattr("fewshot_bench.recogniser.fitted.ONE_BY_ONE", 0)
        patch.setattr("fewshot_bench.recogniser.changes.ONE_BY_ONE", 0)
        unknown = rng.standard_normal((5, 3)).astype(np.float32) if seed % 2 else None
        made = shop(rng, int(rng.integers(2, 6)), metric, unknown)
        older, solved = [], []
        for number, step in enumerate(steps):
            before = made.references
            older.append((before, state(before)))
            if "fitted" in made.scorer.__dict__:
                solved.append((made.scorer.fitted, made.scorer.fitted.means.clone()))
            name = before.class_names[rng.integers(0, len(before.class_names))]
            if step in ("new", "more"):
                added = before.added(
                    f"new {number}" if step == "new" else name, **drawn(rng, int(rng.integers(1, 5)))
                )
                made._changed(added, np.arange(len(before)))
            elif step == "remove" and len(before.class_names) > 2:
                made.remove(name)
            elif step == "rename":
                made.rename(name, f"renamed {number}")
            elif step == "ask":
                made.scores(before.vectors[:1])
        now = made.references
        fresh = Recogniser(
            made.method,
            made.recipe,
            References(now.vectors.copy(), now.labels, now.digests, now.paths, now.class_names),
            device="cpu",
            accept=0.9,
            unknown=unknown,
        )
        if unknown is not None:
            exact = fresh.scorer.cosines_of(unknown)
            np.testing.assert_allclose(made.scorer.cosines_of(unknown), exact, atol=1e-6)
        for references_, was in older:
            assert_equal(state(references_), was)
        assert all(bool((one.means == means).all()) for one, means in solved)
        assert_equal(state(now), state(fresh.references))
        queries = rng.standard_normal((4, 3)).astype(np.float32)
        np.testing.assert_array_equal(made.scorer.fitted.means, fresh.scorer.fitted.means)
        np.testing.assert_allclose(made.scorer.scores(queries), fresh.scorer.scores(queries), atol=1e-6)
        for kind in ("content", "product"):
            mine, theirs = made.scorer.near(kind), fresh.scorer.near(kind)
            np.testing.assert_array_equal(mine.rows, theirs.rows)
            np.testing.assert_array_equal(mine.nearest, theirs.nearest)
            np.testing.assert_allclose(mine.cosines, theirs.cosines, atol=1e-6)
        for mine, theirs in zip(made.scorer.why(queries), fresh.scorer.why(queries), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)
        if made.measured.threshold is not None and fresh.measured.threshold is not None:
            assert made.measured.threshold.value == pytest.approx(fresh.measured.threshold.value, abs=1e-6)
        assert (made.measured.threshold is None) == (fresh.measured.threshold is None)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 3), st.integers(0, 32))
def test_groups_are_numbered_in_the_order_of_digests_and_labels(seed, many, kinds, equal):
    rng = np.random.default_rng(seed)
    digests = rng.integers(0, kinds, (many, 32)).astype(np.uint8)
    digests[:, :equal] = 0
    labels = rng.integers(0, 300, many).astype(np.int32)
    keys = np.concatenate([digests, labels[:, None].astype("<i4").view(np.uint8)], axis=1)
    _, wanted = np.unique(keys, axis=0, return_inverse=True)
    assert contents_of(digests, labels).tolist() == wanted.reshape(-1).tolist()


def test_a_change_leaves_the_blocks_that_it_does_not_touch(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 4)
    made = shop(np.random.default_rng(0), 5, "cosine").references
    parts = made.blocks.parts
    more = made.added("new", np.ones((3, 3)), np.zeros((3, 32), np.uint8), ("a", "b", "a"))
    assert (
        more.blocks.parts[:4] == parts[:4]
        and len(more.blocks) == 20
        and more.paths[-3:] == ("a", "b", "a (2)")
    )
    less = more.removed("new")
    assert less.blocks.parts[:4] == parts[:4] and len(less.blocks) == 17
    assert made.renamed("product 0", "zero").blocks is made.blocks


def test_a_shortlist_of_blocks_finds_what_all_products_find(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 50)
    rng = np.random.default_rng(0)
    table = blocks.Blocks.of(rng.standard_normal((430, 16)).astype(np.float32))
    table = table.kept(rng.random(430) < 0.9).added(rng.standard_normal((1, 16)).astype(np.float32))
    queries = unit(np.concatenate([table.whole()[-2:], rng.standard_normal((20, 16))]))
    found, wanted = table.nearest_listed(queries), table.nearest(queries)
    assert found[0].tolist() == wanted[0].tolist() == nearest(table.units(), queries)[0].tolist()
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vectors": np.full((1, 3), np.nan)}, "not 1 rows of 3 finite numbers"),
        ({"vectors": np.ones((1, 4))}, "not 1 rows of 3 finite numbers"),
        ({"digests": np.zeros((1, 31), np.uint8)}, "digests and thumbnails to add"),
        ({"thumbnails": (b"",)}, "digests and thumbnails to add"),
    ],
)
def test_what_is_added_is_looked_at(change: dict[str, Any], words: str) -> None:
    made = shop(np.random.default_rng(0), 3, "cosine").references
    sound = {"vectors": np.ones((1, 3)), "digests": np.zeros((1, 32), np.uint8), "paths": ("a",)}
    with pytest.raises(ValueError, match=words):
        made.added("new", **{**sound, **change})


def test_paths_are_found_by_content_and_numbered_where_they_are_there_already() -> None:
    made = shop(np.random.default_rng(0), 3, "cosine").references
    known = {digest.tobytes(): path for digest, path in zip(made.digests, made.paths, strict=True)}
    asked = np.concatenate([made.digests[:4], np.full((1, 32), 9, np.uint8)])
    found = made.paths_of(asked)
    assert {key: found.get(key) for key in map(np.ndarray.tobytes, asked)} == {
        key: known.get(key) for key in map(np.ndarray.tobytes, asked)
    }
    assert distinct(("a", "b"), ("b", "c", "b")) == ("b (2)", "c", "b (3)")
