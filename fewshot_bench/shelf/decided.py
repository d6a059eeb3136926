"""The findings of ``decide`` as sentences and tables for a terminal, for JSON and for a page."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from typing import Any

from fewshot_bench.shelf.decide import Decision
from fewshot_bench.shelf.page import Part
from fewshot_bench.shelf.unlabelled import OnPictures


def percent(value: float) -> str:
    """Returns a share in percent."""
    return f"{100 * value:.1f} %"


Rates = dict[str, tuple[float, float]]
"""Pictures a second, and a second of one core, of each method's encoder by the method's label."""


def parts_of(found: Decision, rates: Rates, folder: str) -> list[Part]:
    """Returns the answer in five sections."""
    return [
        answer(found, folder),
        methods(found, rates),
        catalogue(found),
        numbers(found),
        costs(found, rates),
    ]


def answer(found: Decision, folder: str) -> Part:
    """Returns what to do, and what to expect of it; ``folder`` is where the references are."""
    lines = [
        f"Take {found.method}: of new pictures like the references, {found.chosen.estimate} are named rightly."
    ]
    if found.accept >= 1:
        lines.append("Answer all pictures: no threshold makes the answers better, or none is wanted.")
    else:
        lines.append(
            f"Accept {100 * found.accept:.0f} % of known pictures (similarity from {found.cosine:.2f}): "
            f"{found.certain} of the accepted ones are right, and {found.review} go to a person."
        )
    if found.on is not None:
        lines += asked_about(found.on)
    if not found.reached:
        lines.append(
            f"No threshold that keeps half of the pictures reaches the {100 * found.target:.0f} % that were asked for; "
            "more references, or fewer products that look alike, would."
        )
    if found.single:
        lines.append(
            f"{found.single} of {found.products} products have one reference only, which cannot be left out: they are "
            f"estimated from the {found.measured} products with more, each with as few references left as can be had."
        )
    share = f" --accept {found.accept:.2f}" if found.accept < 1 else ""
    lines.append(f"fsbench fit {shlex.quote(folder)} -o shop.fsb --method {found.method}{share}")
    return Part("Answer", tuple(lines))


def asked_about(on: OnPictures) -> list[str]:
    """Returns what to expect of pictures that were shown without labels."""
    way = "fewer" if on.moved < 0 else "more"
    lines = [
        f"Of the {on.pictures} pictures to be asked, {on.accuracy} are named rightly, if all are of these products.",
        f"That is {100 * abs(on.moved):.1f} points {way} than of the references, by how certain the method is of both.",
    ]
    if on.certain is None:
        lines.append("None of them is similar enough to a reference to be accepted at this threshold.")
    elif on.accepted < 1:
        lines.append(f"{percent(on.accepted)} of them are accepted, and {on.certain} of those are right.")
    return lines


def methods(found: Decision, rates: Rates) -> Part:
    """Returns the accuracy of all methods, and how fast their encoders are."""
    ranked = sorted(found.accuracies.items(), key=lambda pair: -pair[1])
    stable = f"The winner is best in {100 * found.chosen.stable:.0f} % of the draws of products"
    return Part(
        "Methods",
        (
            "Each reference is asked without itself.",
            f"{stable}; what choosing it flatters is taken off above.",
        ),
        ("method", "accuracy", "pictures a second"),
        tuple((name, percent(value), speed(rates[name][0])) for name, value in ranked),
    )


def catalogue(found: Decision) -> Part:
    """Returns the expected accuracy of larger catalogues, and the back-test."""
    lines = ["Larger catalogues are extrapolated, for products that look as much alike as today's."]
    lines += [
        f"Back-test: from {n} products the curve predicts {percent(told)} among all; measured are {percent(true)}."
        for n, told, true in found.back
    ]
    rows = tuple((f"{size:,}", str(estimate)) for size, estimate in found.grown.items())
    return Part("Catalogue", tuple(lines), ("products", "expected accuracy (95 % interval)"), rows)


def numbers(found: Decision) -> Part:
    """Returns the accuracy by the number of references."""
    wanted = (
        f"{found.wanted} references a product are enough: more add less than two points."
        if found.wanted
        else "More references than there are would still help, or there are too few to tell."
    )
    rows = tuple((str(k), percent(value)) for k, value in found.by_number)
    note = "Each number is measured on the products that have one reference more than it."
    return Part("References a product", (wanted, note), ("at most", "accuracy"), rows)


def speed(rate: float) -> str:
    """Returns a rate as a whole number, "" where it was not measured."""
    return "" if math.isnan(rate) else f"{rate:.0f}"


def costs(found: Decision, rates: Rates) -> Part:
    """Returns how fast the winner's encoder is, here."""
    whole, core = rates[found.method]
    if math.isnan(whole):
        return Part("Speed", ("No reference is at hand as a file, so that the rate was not measured.",))
    return Part("Speed", (f"{whole:.0f} pictures a second here, {core:.0f} a second of one core.",))


def as_json(found: Decision, rates: Rates, notes: list[str]) -> dict[str, Any]:
    """Returns everything as JSON knows it."""
    told = asdict(found)
    told["grown"] = {str(size): asdict(estimate) for size, estimate in found.grown.items()}
    known = {name: [None if math.isnan(rate) else rate for rate in pair] for name, pair in rates.items()}
    whole, core = known[found.method]
    return {
        **told,
        "pictures_per_second": whole,
        "pictures_per_core_second": core,
        "pictures_per_second_of": {name: pair[0] for name, pair in known.items()},
        "notes": notes,
    }
