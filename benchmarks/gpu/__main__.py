"""What a GPU gives: agreement with the CPU, episodes and pictures a second, as parts of what the machine can do.

    FSBENCH_DATA=… python -m benchmarks.gpu                # the tests marked gpu, then the rates; writes results/gpu.md
    python -m benchmarks.gpu --trainings runs/gpu          # trainings of minutes as well, their records in runs/gpu
    python -m benchmarks.gpu --device cpu --small          # the same with small sizes, on a machine without a GPU

Ceilings are measured in the same run: a copy in the device's memory (bytes read and written) and a product of
bfloat16 matrices. Rates are medians of interleaved repeats, with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.gpu.rates import ceilings, encoder_rates, head_rates
from benchmarks.gpu.trainings import trainings
from fewshot_bench.engine.environment import environment
from fewshot_bench.files import write_atomic


def tests(folder: Path) -> tuple[str, bool]:
    """Runs the tests marked ``gpu``; returns their last line and whether they passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "gpu", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, file=sys.stderr, flush=True)
    return done.stdout.strip().splitlines()[-1], done.returncode == 0


def main(words: list[str]) -> int:
    """Runs everything, prints and writes the page; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--small", action="store_true", help="small sizes, a few seconds in all")
    parser.add_argument("--no-tests", action="store_true", help="measure rates alone")
    parser.add_argument(
        "--trainings", type=Path, help="train four methods, and keep their records in this folder"
    )
    parser.add_argument("--output", type=Path, default=Path("results/gpu.md"))
    options = parser.parse_args(words)
    about = environment(options.device)
    lines = [
        "# What a GPU gives", "", *(__doc__ or "").strip().splitlines()[2:], "",
        f"{about['device']}, torch {torch.__version__}, {about['cores']} cores ({about['processor']}).", "",
    ]  # fmt: skip
    passed = True
    if not options.no_tests:
        last, passed = tests(Path("tests/gpu"))
        lines += [f"Tests marked `gpu`: {last}.", ""]
    roof = ceilings(options.device, small=options.small)
    lines += [
        f"Copy: {roof.copy / 1e9:,.0f} GB/s. Product of bfloat16 matrices: {roof.product / 1e12:,.1f} TFLOP/s.",
        "",
    ]
    lines += head_rates(options.device, roof, small=options.small)
    lines += encoder_rates(options.device, roof, small=options.small)
    if options.trainings is not None:
        lines += trainings(options.device, options.trainings, small=options.small)
    text = "\n".join(lines)
    print(text)
    write_atomic(options.output, lambda stream: stream.write(text.encode()))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
