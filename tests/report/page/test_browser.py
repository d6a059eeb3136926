"""The page in a browser: it sorts, filters, unfolds, copies, keeps its state in the link, and breaks no rule of axe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import fewshot_bench as fb
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.page import page

AXE = Path(os.environ.get("FSBENCH_AXE", "node_modules/axe-core/axe.min.js"))

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    few = {"ways": 4, "queries": 3, "episodes": 30}
    records = [fb.run("pixels", "digits", parameters={"size": size}, **few) for size in (2, 4, 8)]
    records += [fb.run("pixels", "digits", ways=5, shots=shots, queries=3, episodes=10) for shots in (1, 5)]
    records.append(fb.run("pixels", "digits", protocol="retrieval", ways=4, shots=3, queries=3, episodes=5))
    place = tmp_path_factory.mktemp("page") / "board.html"
    place.write_text(page(tables(records), "Board"), encoding="utf-8")
    return place.as_uri()


@pytest.fixture
def opened(browser, url: str) -> Any:
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(url)
    return browser


def texts(browser, selector: str) -> list[str]:
    script = (
        "return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent)"
        ".map(e => e.textContent.trim())"
    )
    found: list[str] = browser.execute_script(script, selector)
    return found


def click(browser, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def test_it_opens_without_an_error_and_asks_for_nothing(opened, url: str) -> None:
    assert opened.get_log("browser") == []
    asked = [
        entry["message"] for entry in opened.get_log("performance") if "requestWillBeSent" in entry["message"]
    ]
    assert asked and all(url in message or "data:," in message for message in asked)


def test_a_column_sorts_both_ways(opened) -> None:
    head = "#t1 th:nth-child(3) button"
    scores = [float(s) for s in texts(opened, "#t1 .score")]
    click(opened, head)
    assert [float(s) for s in texts(opened, "#t1 .score")] == sorted(scores, reverse=True)
    click(opened, head)
    assert [float(s) for s in texts(opened, "#t1 .score")] == sorted(scores)
    assert (
        opened.execute_script("return document.querySelector('#t1 th:nth-child(3)').ariaSort") == "ascending"
    )


def test_filters_and_the_link_remember(opened) -> None:
    every = texts(opened, "tr.row")
    opened.execute_script(
        "const q = document.querySelector('[name=q]'); q.value = 'size=2';"
        "q.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert len(texts(opened, "tr.row")) == 1 < len(every)
    click(opened, "tr.row:not([hidden]) .unfold")
    link = opened.current_url
    assert "q=size%3D2" in link and "open=t" in link
    opened.get("about:blank")
    opened.get(link)
    assert len(texts(opened, "tr.row")) == 1
    assert len(texts(opened, "tr.more")) == 1
    click(opened, "#filters [type=reset]")
    opened.implicitly_wait(1)
    opened.execute_async_script("setTimeout(arguments[0], 50)")
    assert len(texts(opened, "tr.row")) == len(every)


def test_a_row_unfolds_and_folds(opened) -> None:
    click(opened, "#t1 .unfold")
    (more,) = texts(opened, "#t1 tr.more")
    for word in (
        "fsbench run --method pixels",
        "Parameters",
        "Versions",
        "Accuracy of each class",
        "Most confused",
        "Hardest queries",
    ):
        assert word in more
    click(opened, "#t1 .unfold")
    assert texts(opened, "#t1 tr.more") == []


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("csv", "rank,method,accuracy %"),
        ("markdown", "| rank | method |"),
        ("latex", "% \\usepackage{booktabs}"),
    ],
)
def test_a_table_is_copied(opened, kind: str, begins: str) -> None:
    click(opened, f"#t1 [data-copy={kind}]")
    opened.execute_async_script("setTimeout(arguments[0], 100)")
    copied = opened.execute_script("return document.body.dataset.copied")
    assert copied.startswith(begins)
    assert copied.count("pixels") == len(texts(opened, "#t1 tr.row"))


def test_the_summary_links_to_a_row(opened) -> None:
    key = opened.execute_script("return document.querySelector('.matrix td a').hash.slice(1)")
    click(opened, ".matrix td a")
    assert opened.execute_script("return document.querySelector(':target').id") == key


def test_nothing_is_wider_than_a_phone(opened) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        opened.refresh()
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
        inside = (
            "const box = document.querySelector('#t1 .score').getBoundingClientRect();"
            "return box.left >= 0 && box.right <= 390"
        )
        assert opened.execute_script(inside)
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is not here: npm install axe-core, or FSBENCH_AXE=…/axe.min.js"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, scheme: str) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    click(opened, "#t1 .unfold")
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    opened.execute_script(AXE.read_text(encoding="utf-8"))
    found = opened.execute_async_script("axe.run().then(found => arguments[0](found.violations))")
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in found] == []
