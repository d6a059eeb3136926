"""fewshot_bench: few-shot image recognition, measured.

    import fewshot_bench as fb

    record = fb.run("pretrained-lr", "packshots", ways=20, shots=1)
    record.accuracy.mean, record.accuracy.class_interval

Everything that the command ``fsbench`` does is a function here first. The author of a method or of a data set
imports from ``fewshot_bench.api``.
"""

from __future__ import annotations

from fewshot_bench.lazy import front

__getattr__, __dir__, __all__ = front(__name__, __file__)
