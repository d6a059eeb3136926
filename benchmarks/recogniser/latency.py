"""How long a recogniser takes: a picture alone, a batch, a product added; and growth to 10,000 products.

    python -m benchmarks.recogniser.latency

The first table is measured on Grocery Store (``natural``, ``pretrained-lr``, 81 products with 16 references each); the
second on random vectors of 1,280 numbers with ten references a product, by nearest mean, without the encoder.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import fewshot_bench as fb
from fewshot_bench.data.index import QUERY
from fewshot_bench.engine.request import Request
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.threads import one_thread
from fewshot_bench.shelf.audit import audit


def median_ms(work: Callable[[int], Any], times: int) -> float:
    """Returns the median time of a call, in milliseconds."""
    found = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        found.append(1000 * (time.perf_counter() - began))
    return float(np.median(found))


def real() -> None:
    """Prints the first table."""
    index = fb.dataset("grocery-store:natural")
    shop = fb.fit(index)
    files = [index.reader.file(int(row)) for row in np.flatnonzero((index.pools & QUERY) > 0)]  # type: ignore[attr-defined]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "shop.fsb"
        print("| what | time |\n|---|---|")
        print(
            f"| save ({len(shop.references)} references) | {median_ms(lambda _: shop.save(path), 5):.0f} ms |"
        )
        print(f"| load | {median_ms(lambda _: fb.load(path), 5):.0f} ms |")
        shop = fb.load(path)
        files = files[::-1]
    began = time.perf_counter()
    shop.predict(files[0])
    print(f"| the first picture | {1000 * (time.perf_counter() - began):.0f} ms |")
    print(f"| one picture, warm | {median_ms(lambda i: shop.predict(files[i]), 100):.1f} ms |")
    batch = median_ms(lambda i: shop.predict(files[64 * i : 64 * i + 64]), 5)
    print(f"| a picture of 64 | {batch / 64:.1f} ms |")
    added = median_ms(lambda i: shop.add(f"new {i}", files[3 * i : 3 * i + 3]), 3)
    print(f"| add a product of 3 pictures | {added:.0f} ms |")
    print(f"| rename | {median_ms(lambda i: shop.rename(f'new {i}', f'newer {i}'), 3):.1f} ms |")
    print(f"| remove | {median_ms(lambda i: shop.remove(f'newer {i}'), 3):.0f} ms |", flush=True)


def grown() -> None:
    """Prints the second table."""
    method = embedding_method(Request("pretrained-proto", ""))
    from fewshot_bench.heads.prototype import Prototype

    method.head = Prototype(metric="cosine")
    rng = np.random.default_rng(0)
    print(
        "\n| products | references | made | one picture | add 3 | a picture after it | rename | remove | save | "
        "peak memory | audit | peak memory with it |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for products in (100, 1_000, 10_000):
        many = 10 * products
        vectors = rng.standard_normal((many, 1280), dtype=np.float32)
        vectors += np.repeat(rng.standard_normal((products, 1280), dtype=np.float32), 10, axis=0)
        names = tuple(f"product {number}" for number in range(products))
        labels = np.repeat(np.arange(products), 10).astype(np.int32)
        digests = rng.integers(0, 256, (many, 32), dtype=np.uint8)
        paths = tuple(map(str, range(many)))
        began = time.perf_counter()
        references = References(vectors, labels, digests, paths, names)
        recipe = {"method": "pretrained-proto", "parameters": {}}
        shop = Recogniser(method, recipe, references, device="cpu", accept=0.9)
        made = time.perf_counter() - began

        def one(number: int, shop: Recogniser = shop, vectors: Any = vectors) -> None:
            with one_thread():  # as ``Recogniser.predict`` has it
                scores = shop.scores(vectors[number : number + 1])
                shop.scorer.neighbours(vectors[number : number + 1], np.argsort(-scores, axis=1)[:, :5])

        taken = median_ms(one, 5)
        times = added(shop, vectors[:3] + 1, digests[:3] ^ 1), median_ms(one, 1)
        renamed = median_ms(lambda _, shop=shop: shop.rename("new", "newer"), 1)
        removed = median_ms(lambda _, shop=shop: shop.remove("newer"), 1)
        with TemporaryDirectory() as folder:
            saved = median_ms(lambda _, shop=shop, folder=folder: shop.save(Path(folder) / "x.fsb"), 1)
        peak = peak_gib()
        audited = median_ms(lambda _, references=references: audit(references), 1) / 1000
        print(
            f"| {products:,} | {many:,} | {made:.1f} s | {taken:.1f} ms | {times[0]:.0f} ms | {times[1]:.1f} ms | "
            f"{renamed:.1f} ms | {removed:.0f} ms | {saved:.0f} ms | {peak:.1f} GiB | {audited:.1f} s | "
            f"{peak_gib():.1f} GiB |",
            flush=True,
        )


def added(shop: Recogniser, vectors: Any, digests: Any) -> float:
    """Returns how long it takes to add a product of some embeddings, in milliseconds."""
    before = len(shop.references)
    paths = tuple(map(str, range(len(vectors))))

    def work(_: int) -> None:
        shop._changed(shop.references.added("new", vectors, digests, paths), np.arange(before))

    return median_ms(work, 1)


def peak_gib() -> float:
    """Returns the most memory that the process has held, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    real()
    grown()
