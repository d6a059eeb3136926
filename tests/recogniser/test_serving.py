"""The ten lines of FastAPI in docs/recogniser.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fewshot_bench as fb

PAGE = Path(__file__).parents[2] / "docs" / "recogniser.md"


def test_the_server_of_the_docs_answers(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(
        "python_multipart", reason="FastAPI reads uploads by it: pip install python-multipart"
    )
    pytest.importorskip("httpx", reason="the test client of FastAPI: pip install httpx")
    client_of = pytest.importorskip("fastapi.testclient", reason="pip install fastapi").TestClient
    text = PAGE.read_text(encoding="utf-8")
    (block,) = [
        b for b in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "fastapi" in b
    ]
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    made = fb.fit(shop / "shop", "pixels")
    made.save(shop / "shop.fsb")
    monkeypatch.chdir(shop)
    space: dict = {}
    exec(compile(block, "recogniser.md", "exec"), space)
    client, sound = client_of(space["app"]), (shop / "new" / "2 0.png").read_bytes()
    answer = client.post("/predict", files={"picture": ("a.png", sound)})
    wanted = made.predict(sound, top=3).picture(0)
    assert answer.status_code == 200
    assert answer.json() == {**wanted, "path": "a.png"}
    broken = client.post("/predict", files={"picture": ("b.png", sound[:20])}).json()
    assert broken["path"] == "b.png" and broken["unreadable"]
    assert client.post("/predict").status_code == 422
