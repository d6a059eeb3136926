"""The page of predictions in a browser: it filters, asks for nothing, fits a phone, and breaks no rule of axe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fewshot_bench.engine import Request
from fewshot_bench.recogniser.making import fit_recogniser
from fewshot_bench.shelf.audited import thumbnails_of
from fewshot_bench.shelf.predicted import predictions_page

AXE = Path(os.environ.get("FSBENCH_AXE", "node_modules/axe-core/axe.min.js"))

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


@pytest.fixture
def url(tmp_path: Path, draw) -> str:
    for seed in range(12):
        draw(tmp_path / "shop" / f"a product of a long name {seed % 3}" / f"{seed}.png", seed)
    for seed in range(4):
        draw(tmp_path / "new" / f"a-picture-of-a-very-long-name-without-any-space-{seed}.png", 20 + seed)
    (tmp_path / "new/broken.png").write_bytes(b"no picture")
    made = fit_recogniser(Request("pixels", str(tmp_path / "shop")), thumbnails=True)
    kept = thumbnails_of(made.references)
    some = {path: jpeg for path, jpeg in kept.items() if path not in list(kept)[:2]}
    found = made.predict(tmp_path / "new")
    place = tmp_path / "page.html"
    place.write_text(predictions_page(found, lambda path: some.get(path, b"")), encoding="utf-8")
    return place.as_uri()


def test_it_opens_without_an_error_and_filters(browser, url: str) -> None:
    browser.get(url)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    again = browser.execute_script(
        "return Array.from(document.querySelectorAll('img[data-of]')).map(i => i.naturalWidth)"
    )
    assert again and min(again) > 0  # what is held once is shown each time
    browser.execute_script(
        "const words = document.getElementById('words');"
        "words.value = 'broken.png'; words.dispatchEvent(new Event('input'))"
    )
    assert browser.execute_script("return document.getElementById('count').textContent") == "1 of 5"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser, url: str, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(url)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.querySelectorAll('.row figure').length") >= 12


@pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is not here: npm install axe-core, or FSBENCH_AXE=…/axe.min.js"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, url: str, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(url)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(found => arguments[0](found.violations))")
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in found] == []
