"""Encoders on this CPU: torch beside ONNX Runtime, on real pictures, and whether any prediction differs.

    FSBENCH_DATA=… python -m benchmarks.speed.encoders [--pictures 400] [--backbone efficientnet_lite0]

For each data set: pictures a second from file to cache, decoding included, by torch and by ONNX Runtime in turns, the
medians of ``--repeats``; the largest difference of vectors; and how many of all predictions of 600 episodes differ, by
regression, nearest mean and nearest neighbour. Then the time of a single picture, and what bf16 and int8 would give.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fewshot_bench as fb
from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed.exported import VARIABLE
from fewshot_bench.engine.run import evaluated
from fewshot_bench.paths import cache_dir
from fewshot_bench.store.cache import EmbeddingCache

DATASETS = ("grozi120:in-situ", "grocery-store:natural")
METHODS = ("pretrained-lr", "pretrained-proto", "pretrained-knn")
BACKENDS = ("torch", "onnxruntime")


def encoder_by(backend: str, **options: Any) -> PretrainedEncoder:
    """The encoder with its network built and, for ONNX Runtime, exported before the clock starts."""
    os.environ[VARIABLE] = backend
    encoder = PretrainedEncoder(cache=cache_dir(), **options)
    encoder.encode(np.zeros((32, *encoder.transform.shape), np.uint8))
    return encoder


def end_to_end(
    encoder: PretrainedEncoder, index: Any, rows: NDArray[np.int64]
) -> tuple[float, NDArray[np.float32]]:
    """Pictures a second from their files to an empty cache, and their vectors."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        vectors = EmbeddingCache(Path(place)).embed(encoder, index, rows)
        return len(rows) / (time.perf_counter() - began), vectors


def rates(dataset: str, pictures: int, repeats: int, view: str, backbone: str) -> str:
    """One line of the table of a data set."""
    index, _ = evaluated(fb.dataset(dataset), None)
    rows = np.sort(np.random.default_rng(0).permutation(len(index))[:pictures])
    encoders = {name: encoder_by(name, view=view, backbone=backbone) for name in BACKENDS}
    found: dict[str, list[float]] = {name: [] for name in BACKENDS}
    vectors = {}
    for _ in range(repeats):
        for name, encoder in encoders.items():
            rate, vectors[name] = end_to_end(encoder, index, rows)
            found[name].append(rate)
    slow, fast = (statistics.median(found[name]) for name in BACKENDS)
    apart = float(np.abs(vectors["torch"] - vectors["onnxruntime"]).max())
    spread = ", ".join(f"{min(rates):.0f} to {max(rates):.0f}" for rates in found.values())
    return (
        f"| {dataset}, {view} | {slow:.1f} | {fast:.1f} | **{fast / slow:.1f}×** | {spread} | {apart:.1e} |"
    )


def predictions(dataset: str, backbone: str) -> list[str]:
    """A line for each method: queries whose prediction is another one by the other backend."""
    lines = []
    for method in METHODS:
        said = {}
        for backend in BACKENDS:
            os.environ[VARIABLE] = backend
            record = fb.run(method, dataset, ways=20, shots=1, parameters={"backbone": backbone})
            said[backend] = record.per_query["prediction"]
        there = said["torch"] >= 0
        differ = int((said["torch"] != said["onnxruntime"])[there].sum())
        lines.append(f"| {dataset} | {method} | {differ:,} | {int(there.sum()):,} |")
    return lines


def single(backbone: str) -> list[str]:
    """Milliseconds of one prepared picture, as it is and as it used to be: padded to a batch of 32."""
    slow, fast = (encoder_by(name, view="pad", backbone=backbone) for name in BACKENDS)
    one = np.random.default_rng(0).integers(0, 256, (1, *slow.transform.shape), dtype=np.uint8)
    cases = [("torch, alone", slow, one), ("torch, a full batch of 32", slow, np.repeat(one, 32, axis=0)),
             ("ONNX Runtime", fast, one)]  # fmt: skip
    return [f"| {name} | {1000 * median(lambda e=e, b=b: e.encode(b), 7):.1f} |" for name, e, b in cases]


def low_precision(backbone: str, dataset: str, pictures: int) -> list[str]:
    """bf16 in torch and int8 in ONNX Runtime: pictures a second, median cosine to float32, other nearest neighbours."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    index, _ = evaluated(fb.dataset(dataset), None)
    rows = np.sort(np.random.default_rng(1).permutation(len(index))[:pictures])
    exact = encoder_by("onnxruntime", view="pad", backbone=backbone)
    batch = np.stack([exact.prepare(index.reader(int(row))) for row in rows])
    wanted, base = exact.encode(batch), pictures / median(lambda: exact.encode(batch), 3)
    lines = [f"| float32, ONNX Runtime | {base:.0f} | 1 | 0 |"]
    bf16 = replace(encoder_by("torch", view="pad", backbone=backbone), precision="bf16")
    with tempfile.TemporaryDirectory() as place:
        assert exact.exported is not None
        plain, small = Path(place) / "a.onnx", Path(place) / "b.onnx"
        plain.write_bytes(exact.exported.content)
        quantize_dynamic(plain, small, weight_type=QuantType.QUInt8)
        int8 = type(exact.exported)(small.read_bytes())
    for name, encode in (("bf16, torch", bf16.encode), ("int8 (dynamic), ONNX Runtime", int8)):
        found = np.concatenate([encode(batch[i : i + 32]) for i in range(0, pictures, 32)])
        rate = pictures / median(
            lambda encode=encode: [encode(batch[i : i + 32]) for i in range(0, pictures, 32)], 3
        )
        cosine = (unit(found) * unit(wanted)).sum(axis=1)
        other = int((nearest(found) != nearest(wanted)).sum())
        lines.append(f"| {name} | {rate:.0f} | {np.median(cosine):.5f} | {other} of {pictures} |")
    return lines


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def nearest(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest other picture of each, by cosine."""
    cosines = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(cosines, -1)
    return np.asarray(cosines.argmax(axis=1))


def median(work: Any, times: int) -> float:
    """The median of the seconds that ``work`` takes."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    options = parser.parse_args()
    heads = ("pictures, view", "torch /s", "ONNX Runtime /s", "ratio", "spread", "largest difference")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for dataset in DATASETS:
        for view in ("pad", "both"):
            print(rates(dataset, options.pictures, options.repeats, view, options.backbone), flush=True)
    print("\n| data set, 20-way 1-shot | method | other predictions | of |\n|---|---|---|---|")
    for dataset in DATASETS:
        print("\n".join(predictions(dataset, options.backbone)), flush=True)
    print("\n| one picture | ms |\n|---|---|")
    print("\n".join(single(options.backbone)), flush=True)
    print("\n| precision | pictures/s | median cosine | other nearest neighbours |\n|---|---|---|---|")
    print("\n".join(low_precision(options.backbone, DATASETS[1], options.pictures)), flush=True)


if __name__ == "__main__":
    main()
