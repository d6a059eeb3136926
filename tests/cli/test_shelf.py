"""``fsbench decide``, ``fsbench references`` and ``fsbench predict --report`` as a person meets them."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fewshot_bench.cli import guarded

HOSTILE = "<img src=x onerror=alert(1)>.png"


@pytest.fixture
def shop(tmp_path: Path, draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    for seed in range(12):
        draw(tmp_path / "shop" / f"c&<b> {seed % 3}" / f"{seed}.png", seed)
    for seed in range(4):
        draw(tmp_path / "new" / f"{seed}.png", 20 + seed)
    shutil.copy(tmp_path / "new/0.png", tmp_path / "new" / HOSTILE)
    (tmp_path / "new/broken.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys, line: str) -> tuple[int, str, str]:
    status = guarded(shlex.split(line), debug=False)
    out, err = capsys.readouterr()
    return status, out, err


def sources(page: str) -> list[bytes]:
    found = re.findall(r'src="([^"]*)"', page)
    assert all(source.startswith("data:image/jpeg;base64,") for source in found)
    return [base64.b64decode(source.partition(",")[2]) for source in found]


def test_decide_answers_as_text_json_and_page(capsys, shop):
    line = "decide shop --method pixels --report out.html"
    status, out, _ = call(capsys, line)
    assert status == 0 and "Take pixels" in out and "fsbench fit shop -o shop.fsb --method pixels" in out
    told = json.loads(call(capsys, f"{line} --json")[1])
    assert told["method"] == "pixels" and set(told["grown"]) == {"3", "6", "15"}
    estimate = told["chosen"]["estimate"]
    assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
    assert "Take pixels" in Path("out.html").read_text()


def test_decide_says_what_to_expect_of_pictures_without_labels(capsys, shop):
    status, out, err = call(capsys, "decide shop --method pixels --on new --report out.html")
    assert status == 0 and "Of the 5 pictures to be asked" in out and "references themselves" not in err
    assert "1 of 6 pictures to be asked cannot be read (the first, " in err and "broken.png" in err
    assert "Of the 5 pictures to be asked" in Path("out.html").read_text()
    told = json.loads(call(capsys, "decide shop --method pixels --on new --json")[1])
    assert (
        told["on"]["pictures"] == 5
        and 0 <= told["on"]["accuracy"]["low"] <= told["on"]["accuracy"]["high"] <= 1
    )
    assert told["pictures_per_second_of"]["pixels"] == pytest.approx(told["pictures_per_second"])


def test_references_among_the_pictures_to_be_asked_are_left_out(capsys, shop):
    shutil.copy("shop/c&<b> 0/0.png", "new/same.png")
    shutil.copy("shop/c&<b> 1/1.png", "new/too.png")
    _, out, err = call(capsys, "decide shop --method pixels --on new")
    assert "Of the 5 pictures to be asked" in out
    assert "2 of 8 pictures to be asked are references themselves, and left out." in err


def test_python_says_what_the_command_says(capsys, shop):
    import fewshot_bench as fb

    told = json.loads(call(capsys, "decide shop --method pixels --on new --json")[1])
    found = fb.decide("shop", ["pixels"], on="new")
    for facts in (told, found.facts):
        for key in [key for key in facts if key.startswith("pictures_per")]:
            del facts[key]  # measured anew each time
    assert json.loads(json.dumps(found.facts)) == told
    assert "Take pixels" in str(found) and "Take pixels" in found.page()
    looked = fb.references("shop", "pixels")
    assert looked.facts == json.loads(call(capsys, "references shop --method pixels --json")[1])
    assert "<b>" not in looked._repr_html_() and "&lt;b&gt;" in looked._repr_html_()
    looked.save("look.html")
    assert Path("look.html").read_text() == looked.page()
    index = fb.dataset("shop")
    assert fb.references(index, "pixels").facts == looked.facts
    assert fb.decide(index, ["pixels"]).facts["method"] == "pixels"


def test_encoders_whose_weights_are_here_are_tried(capsys, shop, monkeypatch):
    from fewshot_bench.shelf import candidates

    tried = []

    def refuse(request, *_, **__):
        tried.append(request.parameters.get("backbone", ""))
        raise candidates.FsbenchError("its weights are missing")

    monkeypatch.setattr(candidates, "fit_references", refuse)
    monkeypatch.setattr(candidates, "backbones_at_hand", lambda: ["resnet18"])
    assert call(capsys, "decide shop --method pretrained-lr --method pixels")[0] != 0
    assert tried == ["", "resnet18", ""]
    tried.clear()
    assert call(capsys, "decide shop --method pretrained-lr --backbone resnet50")[0] != 0
    assert tried == ["resnet50"]


@pytest.mark.slow
def test_a_regression_of_too_many_products_is_left_out(capsys, shop, monkeypatch):
    from fewshot_bench.heads import logistic

    monkeypatch.setattr(logistic, "CELLS", 8)
    line = "decide shop --method pretrained-lr --method pretrained-proto --backbone efficientnet_lite0"
    status, out, err = call(capsys, line)
    assert status == 0 and "Take pretrained-proto" in out
    assert "pretrained-lr --set backbone=efficientnet_lite0 is left out: logistic regression" in err
    status, _, err = call(capsys, "fit shop --method pretrained-lr -o shop.fsb")
    assert status != 0 and "such as --method pretrained-proto" in err and not Path("shop.fsb").exists()


def test_references_of_a_folder_and_of_a_file_say_the_same(capsys, shop):
    shutil.copy("shop/c&<b> 0/0.png", "shop/c&<b> 1/twin.png")
    folder = json.loads(call(capsys, "references shop --method pixels --json")[1])
    assert folder["same_content"] == [["c&<b> 0/0.png", "c&<b> 1/twin.png"]]
    assert call(capsys, "fit shop -o shop.fsb --method pixels --thumbnails")[0] == 0
    assert json.loads(call(capsys, "references shop.fsb --json")[1]) == folder
    assert call(capsys, "references shop.fsb --report out.html")[0] == 0
    page = Path("out.html").read_text()
    assert sources(page) and "<b>" not in page


@pytest.mark.parametrize("kept", ["--thumbnails", ""])
def test_the_page_of_predictions_is_escaped_small_and_begins_with_what_is_doubtful(capsys, shop, kept):
    Image.new("RGB", (900, 300), "red").save("new/wide.png")
    assert call(capsys, f"fit shop -o shop.fsb --method pixels {kept}")[0] == 0
    assert call(capsys, "predict --model shop.fsb new --report out.html")[0] == 0
    page = Path("out.html").read_text()
    assert "<img src=x" not in page and "c&amp;&lt;b&gt;" in page
    pictures = sources(page)
    assert all(max(Image.open(io.BytesIO(jpeg)).size) <= 160 for jpeg in pictures)
    assert len(pictures) >= (10 if kept else 5)
    kinds = re.findall(r'data-kind="(\w+)"', page)
    rank = [("unreadable", "rejected", "uncertain", "answered").index(kind) for kind in kinds]
    assert len(kinds) == 7 and rank == sorted(rank)
    assert "nearest reference: c&amp;&lt;b&gt;" in page and "similarity" in page
    assert len(re.findall("<img ", page)) == len(re.findall(r'<img [^>]*alt="[^"]+"', page))
    assert len(pictures) == len(set(pictures))  # each is held once


@pytest.mark.parametrize("source", ["--model shop.fsb", "--method pixels --support shop"])
def test_the_page_shows_the_nearest_references_and_that_of_the_runner_up_once(capsys, shop, source):
    assert call(capsys, "fit shop -o shop.fsb --method pixels --thumbnails")[0] == 0
    status, told, _ = call(capsys, f"predict {source} --images new --report out.html --format json")
    assert status == 0
    results = {one["path"]: one for one in json.loads(told)["results"] if "top" in one}
    seen = set()
    for card in Path("out.html").read_text().split('<section class="card"')[1:]:
        if 'data-kind="unreadable"' in card:
            continue
        path, *shown = map(html.unescape, re.findall(r'<img [^>]*alt="([^"]*)"', card))
        captions = map(html.unescape, re.findall(r"<figcaption>([^<]*)", card))
        one = results[path.removeprefix("new picture ")]
        near, second = one["neighbours"], one["runner_up"]
        wanted = dict.fromkeys(each["reference"] for each in [*near, second])
        assert shown == [f"reference {name}" for name in wanted]
        said = [f"{each['class']}, similarity {each['similarity']:.2f}" for each in [*near, second]]
        places = [caption.partition(": ") for caption in list(captions)[1:]]
        assert [caption for _, _, caption in places] == said[: len(wanted)]
        (runner_up,) = [number for number, (place, _, _) in enumerate(places) if "runner-up" in place]
        assert [*wanted][runner_up] == second["reference"]
        seen.add(len(wanted))
    assert seen == {3, 4}


def test_the_page_of_a_folder_of_references_shows_them(capsys, shop):
    line = "predict --method pixels --support shop --images new --report out.html"
    assert call(capsys, line)[0] == 0
    assert len(sources(Path("out.html").read_text())) >= 10


def test_thumbnails_follow_products_that_come_and_go(capsys, shop):
    from fewshot_bench.recogniser.making import stored_references

    for line in (
        "fit shop -o shop.fsb --method pixels --thumbnails",
        "products add shop.fsb more new/1.png",
        "products remove shop.fsb 'c&<b> 0'",
        "products rename shop.fsb more most",
    ):
        assert call(capsys, line)[0] == 0
    kept = stored_references(Path("shop.fsb"))
    assert len(kept.thumbnails) == len(kept) == 9 and all(kept.thumbnails)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("decide shop --method pixels --accuracy 2", "--accuracy must be above 0"),
        ("decide shop --method pixels --report no/out.html", "--report no/out.html must be a file"),
        ("decide single --method pixels", "have two different references"),
        ("decide shop --method pixels --on nowhere", "There is no file or folder nowhere"),
        (
            "decide shop --method pixels --on new/broken.png",
            "1 of 1 picture to be asked cannot be read (the first",
        ),
        ("decide shop --method pixels --on shop", "12 of 12 pictures to be asked are references themselves"),
        ("decide ./nowhere --method pixels", "./nowhere: there is no such folder or CSV file; name one"),
        ("references nowhere.fsb", "make one with `fsbench fit FOLDER"),
        ("references shop --method pixels --report new", "--report new must be a file"),
        ("predict --method pixels --support shop --images new --report new", "--report new must be"),
    ],
)
def test_every_mistake_is_one_sentence(capsys, shop, draw, line, sentence):
    for c in "ab":
        draw(shop / "single" / c / "0.png", ord(c))
    status, out, err = call(capsys, line)
    assert (status, out) == (2, "") and sentence in err and "Traceback" not in err


KILLED = """
import os, signal, sys
from fewshot_bench import files
from fewshot_bench.cli import guarded
real = os.replace
def replace(*words, **options):
    if sys.argv[1] == "after":
        real(*words, **options)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
guarded(["products", "add", "shop.fsb", "more", "new/1.png"], debug=False)
"""


@pytest.mark.subprocess
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_during_add_leaves_the_old_file_or_the_new_one(capsys, shop, when):
    from fewshot_bench.recogniser.making import stored_references

    assert call(capsys, "fit shop -o shop.fsb --method pixels")[0] == 0
    before = Path("shop.fsb").read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, when], env=dict(os.environ), capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (Path("shop.fsb").read_bytes() == before) is (when == "before")
    assert len(stored_references(Path("shop.fsb"))) == (12 if when == "before" else 13)
