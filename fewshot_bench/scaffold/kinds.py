"""The kinds of plugins that can be begun: what each declares, needs, and is tried with."""

from __future__ import annotations

from dataclasses import dataclass

from fewshot_bench.contract.registry import DATASETS, METHODS, METRICS

RUN = "fsbench run --method @name@ --dataset digits --ways 5 --shots 1"
METHOD = ("fsbench methods @name@", "fsbench check @name@", RUN)


@dataclass(frozen=True)
class Kind:
    """One kind of plugin.

    ``group`` is its entry-point group, ``noun`` what a person calls it, ``summary`` what its templates show.
    ``requires`` and ``test_requires`` are names of distributions beside fewshot-bench: their bounds are those of the
    core. ``commands`` try the installed plugin.
    """

    group: str
    noun: str
    summary: str
    requires: tuple[str, ...]
    test_requires: tuple[str, ...] = ()
    commands: tuple[str, ...] = METHOD


KINDS = {
    "head": Kind(
        METHODS, "method", "a head of your own on a frozen encoder", ("torch",), ("numpy",)
    ),
    "trained": Kind(
        METHODS, "method", "an embedding trained on base classes", ("torch",), ("fsbench-packshots",)
    ),
    "episodic": Kind(METHODS, "method", "a model fitted to the pictures of each episode", ("numpy",)),
    "encoder": Kind(
        METHODS, "method", "an encoder of your own with a head that is there", ("numpy", "pillow")
    ),
    "dataset": Kind(
        DATASETS, "data set", "pictures that lie in a folder in a way of their own", (),
        ("fsbench-baselines", "numpy", "pillow"),
        ("fsbench datasets @name@", "fsbench run --method pixels --dataset @name@ --ways 5 --shots 1"),
    ),
    "metric": Kind(
        METRICS, "metric", "a number that is worked out from scores and labels", ("numpy",),
        ("fsbench-baselines",),
        ("fsbench metrics", "fsbench run --method pixels --dataset digits --ways 5 --shots 1 --metric @name@"),
    ),
}  # fmt: skip
"""Name of a kind, which is the name of its folder of templates and of the module that it writes -> the kind."""
