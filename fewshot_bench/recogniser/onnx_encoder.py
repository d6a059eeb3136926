"""The encoder of a recogniser as ONNX, and how a picture becomes its input."""

from __future__ import annotations

from typing import Any

import numpy as np

from fewshot_bench.embed.pixels import PixelEncoder
from fewshot_bench.errors import UsageError
from fewshot_bench.recogniser.onnx_graph import OnnxGraph
from fewshot_bench.store.encoding import encoder_name


def encoder_file(encoder: Any) -> bytes:
    """Returns the ONNX file of an encoder: a prepared picture, uint8 ``[1, …]``, becomes a vector ``[1, D]``.

    It is the file that computes vectors on a CPU. Raises UsageError where there is none.
    """
    if isinstance(encoder, PixelEncoder):
        graph = OnnxGraph()
        shape = graph.constant(np.array([1, -1]))
        whole = graph.op("Reshape", graph.cast("picture", np.float32), shape)
        vector = graph.op("Div", whole, graph.constant(np.array(255, np.float32)))
        entry = ("picture", np.uint8, [1, 3, encoder.size, encoder.size])
        return graph.model("encoder", entry, {"vector": (vector, np.float32, [1, 3 * encoder.size**2])})
    found = getattr(encoder, "exported", None)
    if found is None:
        raise UsageError(
            f"The encoder {encoder_name(encoder)} cannot be exported: it is computed by torch here, where ONNX Runtime "
            "does not agree with it, or is not asked (a GPU, FSBENCH_BACKEND=torch, bf16, a small network); fit with "
            "another, such as `fsbench fit FOLDER --method pretrained-lr -o FILE`, and export on a CPU."
        )
    content: bytes = found.content
    return content


def transform_of(encoder: Any) -> dict[str, Any]:
    """Returns the ``views`` of a picture and the ``transform`` that makes each, as ``classes.json`` holds them."""
    if isinstance(encoder, PixelEncoder):
        one = {"size": encoder.size, "resize": encoder.size, "fill": [0, 0, 0], "interpolation": "BILINEAR"}
        return {"views": ["stretch"], "transform": one}
    transform = encoder.transform
    return {
        "views": ["pad", "crop"] if transform.view == "both" else [transform.view],
        "transform": {
            "size": transform.size,
            "resize": transform.resize,
            "fill": [round(255 * mean) for mean in transform.mean],
            "interpolation": transform.interpolation.upper(),
        },
    }
