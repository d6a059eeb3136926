"""Growth, estimates and the audit against slow obvious references and planted faults."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.recogniser.references import References
from fewshot_bench.shelf.audit import audit
from fewshot_bench.shelf.estimate import choose, reviewed
from fewshot_bench.shelf.growth import among, curve, extrapolated, impostors


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.data())
def test_the_accuracy_among_fewer_classes_is_the_mean_over_all_subsets(seed, classes, data):
    n = data.draw(st.integers(1, classes))
    scores = np.random.default_rng(seed).random((4, classes))
    labels = np.random.default_rng(seed + 1).integers(0, classes, 4)
    got = among(impostors(scores, labels), classes, n)
    for row, label in enumerate(labels.tolist()):
        others = [c for c in range(classes) if c != label]
        subsets = [(label, *rest) for rest in combinations(others, n - 1)]
        right = [scores[row, label] == scores[row, list(subset)].max() for subset in subsets]
        assert got[row] == pytest.approx(np.mean(right))


def test_a_curve_falls_and_a_logistic_one_is_continued_exactly():
    rank = np.random.default_rng(0).binomial(40, 0.1, 200)
    many, found = curve(rank, 41, np.ones(200))
    assert (np.diff(found) <= 0).all() and found[-1] == pytest.approx((rank == 0).mean())
    assert extrapolated(many, found, 410) < found[-1]
    exact = 1 / (1 + np.exp(-(2 - 0.7 * np.log(many))))
    assert extrapolated(many, exact, 500) == pytest.approx(1 / (1 + np.exp(-(2 - 0.7 * np.log(500)))))


def test_the_estimate_of_the_best_of_many_equal_methods_is_not_flattered_and_its_interval_holds():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(30), 3)
    flattered, honest, held = [], [], 0
    for _ in range(40):
        hits = rng.random((8, 90)) < 0.6
        chosen = choose(hits, labels, np.ones(90))
        flattered.append(chosen.apparent - 0.6)
        honest.append(chosen.estimate.value - 0.6)
        held += chosen.estimate.low <= 0.6 <= chosen.estimate.high
    assert np.mean(flattered) > 0.04
    assert abs(np.mean(honest)) < np.mean(flattered) / 2
    assert held >= 36


def test_products_that_differ_widen_the_interval():
    labels = np.repeat(np.arange(20), 10)
    alike = (np.arange(200) % 2 == 0)[None]
    apart = (labels < 10)[None]
    width = [
        c.estimate.high - c.estimate.low for c in (choose(h, labels, np.ones(200)) for h in (alike, apart))
    ]
    assert width[1] > 1.5 * width[0]


def test_the_largest_share_that_reaches_the_target_is_accepted():
    cosine = np.linspace(1, 0, 100)
    right = np.arange(100) < 60
    share, accuracy, points = reviewed(right, cosine, np.ones(100), 0.99)
    assert (share, accuracy) == (0.6, 1.0) and len(points) == 20
    assert reviewed(right, cosine, np.ones(100), 0.5)[0] == 1.0


def shop(counts: list[int], noise: float = 0.05) -> References:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    centres = rng.normal(size=(len(counts), 32))
    vectors = (centres[labels] + noise * rng.normal(size=(len(labels), 32))).astype(np.float32)
    digests = rng.integers(0, 256, (len(labels), 32)).astype(np.uint8)
    paths = tuple(f"{c}/{i}.png" for i, c in enumerate(labels.tolist()))
    return References(vectors, labels, digests, paths, tuple(f"product {c}" for c in range(len(counts))))


def test_a_sound_shop_has_no_doubts_and_needs_pictures_of_single_ones_alone():
    found = audit(shop([4, 4, 1, 3]))
    assert not found.doubts and not found.twins and found.asked == found.right == 11
    assert [need.product for need in found.needs] == [2]


def test_a_swapped_label_is_found_first():
    sound = shop([4, 4, 4])
    labels = sound.labels.copy()
    labels[1] = 2  # a picture of product 0 among those of product 2
    found = audit(References(sound.vectors, labels, sound.digests, sound.paths, sound.class_names))
    assert found.doubts[0].row == 1 and found.doubts[0].mean_too
    assert sound.labels[found.doubts[0].other] == 0


def test_the_same_picture_under_two_products_is_named_and_twice_in_one_is_not():
    sound = shop([3, 3])
    digests = sound.digests.copy()
    digests[1] = digests[0]
    same = References(sound.vectors, sound.labels, digests, sound.paths, sound.class_names)
    assert not audit(same).twins
    digests[4] = digests[0]
    assert audit(same).twins == ((0, 1, 4),)


def test_products_that_look_alike_are_one_family():
    sound = shop([3] * 6)
    vectors = sound.vectors.copy()
    vectors[15:18] = vectors[0:3] + 0.01
    found = audit(References(vectors, sound.labels, sound.digests, sound.paths, sound.class_names))
    assert (0, 5) in found.families


def test_blocks_of_an_audit_give_what_one_block_gives(monkeypatch):
    from fewshot_bench.prediction import nearest

    def told() -> tuple[object, ...]:
        found = audit(shop([3] * 20, noise=1.0))
        doubts = [(doubt.row, doubt.other, doubt.harms, doubt.mean_too) for doubt in found.doubts]
        needs = [(need.product, need.right) for need in found.needs]
        return doubts, needs, found.families, found.right

    one = told()
    monkeypatch.setattr(nearest, "PRODUCTS", 7)
    assert told() == one


def test_enough_references_are_those_that_no_larger_number_beats():
    """A step that adds nothing is not the end where a later one adds much."""
    from fewshot_bench.shelf.decide import enough

    assert enough(((1, 0.56), (2, 0.80), (3, 0.80), (4, 0.93))) is None
    assert enough(((1, 0.56), (2, 0.80), (3, 0.81), (4, 0.815))) == 2
    assert enough(((1, 0.9), (2, 0.89))) == 1
    assert enough(()) is None
