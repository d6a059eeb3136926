"""HOG against scikit-image's own call, across processes, and whole runs of both methods."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.contract.context import Context
from fewshot_bench.errors import UsageError
from fewshot_bench.testing import parametrize_with_checks

encoder = pytest.importorskip("fsbench_hog.encoder")
methods = pytest.importorskip("fsbench_hog.methods")
feature = pytest.importorskip("skimage.feature")

HogEncoder, HogSetting = encoder.HogEncoder, encoder.HogSetting


@pytest.fixture(autouse=True)
def one_cache_for_all(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "hog"))


def picture(width: int = 90, height: int = 120, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def vector(setting: HogSetting, image: Image.Image) -> np.ndarray:
    e = HogEncoder(setting)
    return e.encode(e.prepare(image)[None])[0]


def test_the_default_setting_gives_the_report_s_1728_values():
    found = vector(HogSetting(), picture())
    small = picture().resize((60, 80), Image.Resampling.BILINEAR).convert("L")
    wanted = feature.hog(np.asarray(small), orientations=8, pixels_per_cell=(8, 8), cells_per_block=(2, 2))
    assert found.shape == (1728,) and found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted.astype(np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": 10},
        {"block": 3},
        {"block": 1, "norm": "L2"},
        {"orientations": 9},
        {"height": 64, "width": 64},
        {"colour": True},
    ],
)
def test_every_parameter_reaches_scikit_image_and_the_fingerprint(changes):
    setting = HogSetting(**changes)
    found = vector(setting, picture())
    assert found.shape == (setting.values,)
    size = (setting.width, setting.height)
    small = picture().resize(size, Image.Resampling.BILINEAR).convert("RGB" if setting.colour else "L")
    wanted = feature.hog(
        np.asarray(small),
        orientations=setting.orientations,
        pixels_per_cell=(setting.cell,) * 2,
        cells_per_block=(setting.block,) * 2,
        block_norm=setting.norm,
        channel_axis=-1 if setting.colour else None,
    )
    np.testing.assert_array_equal(found, wanted.astype(np.float32))
    assert HogEncoder(setting).fingerprint() != HogEncoder().fingerprint()
    if setting.values == 1728:
        assert not np.array_equal(found, vector(HogSetting(), picture()))


def test_the_fingerprint_is_that_of_the_setting_and_scikit_image_s_version(monkeypatch):
    before = HogEncoder().fingerprint()
    assert before == HogEncoder(HogSetting()).fingerprint()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"another {name}")
    assert HogEncoder().fingerprint() != before


def test_the_strength_of_the_light_hardly_matters_and_a_flat_picture_has_no_edges():
    bright = vector(HogSetting(), picture())
    dim = vector(HogSetting(), picture().point(lambda value: value // 2))
    other = vector(HogSetting(), picture(seed=1))
    assert np.linalg.norm(bright - dim) < np.linalg.norm(bright - other) / 2
    assert not vector(HogSetting(), Image.new("RGB", (50, 50), (9, 9, 9))).any()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"cell": 0}, "cell of at least 1, not 0"),
        ({"orientations": -1}, "orientations of at least 1"),
        ({"cell": 31}, "2 × 2 cells of 31 px does not fit a picture of 80 × 60 px"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(UsageError, match=message):
        HogSetting(**setting)


PROCESSES = """
import numpy as np, joblib
from fsbench_hog import encoder
joblib.cpu_count = lambda: 2
batch = np.random.default_rng(0).integers(0, 256, (32, 80, 60), dtype=np.uint8)
alone = encoder.HogEncoder().encode(batch)
asked, parallel = [], joblib.Parallel
joblib.Parallel = lambda **how: asked.append(how["n_jobs"]) or parallel(**how)
encoder.ALONE = 0
many = encoder.HogEncoder()
for _ in range(3):
    assert np.array_equal(many.encode(batch), alone)
assert np.array_equal(many.encode(batch[:1]), alone[:1])
print(asked)
"""


@pytest.mark.subprocess
def test_other_processes_give_the_same_vectors_from_a_script_without_a_main_guard(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(PROCESSES)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[2, 2, 2, 2]", "")


def test_the_heads_are_what_the_parameters_say():
    context = Context(device="cpu", seed=3, cache=Path("unused"))
    mlp = methods.HogMlp()
    mlp.setup(context)
    assert mlp.head.hidden == (256, 150) and mlp.head.seed == 3
    mlp = methods.HogMlp(methods.MlpConfig(second=0, first=32))
    mlp.setup(context)
    assert mlp.head.hidden == (32,)
    knn = methods.HogKnn(methods.KnnConfig(k=5, metric="cosine", colour=True))
    knn.setup(context)
    assert (knn.head.k, knn.head.metric, knn.encoder.setting.colour) == (5, "cosine", True)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["hog-knn", "hog-mlp"])
def test_runs_on_packshots_above_chance_and_the_same_again(method):
    def run():
        return fb.run(method, "packshots", ways=5, shots=2, queries=3, episodes=5, device="cpu")

    first, again = run(), run()
    assert first.accuracy.mean > 0.35
    assert first.pretraining == "none" and first.scores_sha256 == again.scores_sha256


def test_mistakes_of_the_command_are_one_sentence():
    with pytest.raises(UsageError, match="does not fit a picture of 20 × 60"):
        fb.run("hog-knn", "packshots", episodes=2, parameters={"height": 20, "cell": 20})
    with pytest.raises(UsageError, match="norm .* must be one of L1"):
        fb.run("hog-mlp", "packshots", episodes=2, parameters={"norm": "L3"})


def test_real_pictures_above_chance(real_data: Path):
    record = fb.run("hog-knn", "kaggle-fashion", ways=5, shots=1, queries=2, episodes=20, data_root=real_data)
    assert record.accuracy.mean > 0.4


@pytest.mark.slow
@parametrize_with_checks("hog-knn", "hog-mlp", without=("setup-process",), episodes=2)
def test_they_keep_their_contract(check):
    check()
