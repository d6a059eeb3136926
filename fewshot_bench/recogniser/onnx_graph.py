"""A graph of ONNX operators, written a call at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

OPSET, IR = 18, 10
"""The operators and the file format that are written; ONNX Runtime reads both from its version 1.18 on."""

MOST_BYTES = 1_900_000_000
"""Bytes of the constants of one file, which protobuf limits to 2³¹."""


class OnnxGraph:
    """Collects operators and constants; names of values are numbers."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.bytes = 0

    def constant(self, array: NDArray[Any]) -> str:
        """Returns the name of a constant; UsageError where all of them are more than a file holds."""
        from onnx import numpy_helper

        self.bytes += array.nbytes
        if self.bytes > MOST_BYTES:
            raise UsageError(
                f"The references fill more than {MOST_BYTES / 1e9:.1f} GB, which no ONNX file holds; fit fewer, or "
                "take a method with a solution of its own: `fsbench fit FOLDER --method pretrained-lr -o FILE`."
            )
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Returns the name of an operator's output, or a tuple of names."""
        from onnx import helper

        names = tuple(f"v{len(self.nodes)}.{number}" for number in range(outputs))
        self.nodes.append(helper.make_node(kind, list(inputs), list(names), **attributes))
        return names[0] if outputs == 1 else names

    def cast(self, value: str, dtype: type[Any]) -> str:
        """Returns a value in another type."""
        from onnx import helper

        name: str = self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        return name

    def total(self, value: str, axis: int) -> str:
        """Returns the sum over an axis, which stays."""
        name: str = self.op("ReduceSum", value, self.constant(np.array([axis])), keepdims=1)
        return name

    def unit(self, rows: str) -> str:
        """Returns float64 rows divided by their lengths; 0 stays 0."""
        length = self.op("Sqrt", self.total(self.op("Mul", rows, rows), 1))
        name: str = self.op("Div", rows, self.op("Max", length, self.constant(np.array(1e-300))))
        return name

    def model(
        self,
        name: str,
        entry: tuple[str, type[Any], list[Any]],
        outputs: dict[str, tuple[str, type[Any], list[Any]]],
    ) -> bytes:
        """Returns the file of the graph, which is checked; ``outputs`` names values, their types and shapes."""
        import onnx
        from onnx import helper

        def info(named: str, dtype: type[Any], shape: list[Any]) -> Any:
            return helper.make_tensor_value_info(
                named, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
            )

        nodes = [
            *self.nodes,
            *(helper.make_node("Identity", [value], [out]) for out, (value, *_) in outputs.items()),
        ]
        results = [info(out, dtype, shape) for out, (_, dtype, shape) in outputs.items()]
        graph = helper.make_graph(nodes, name, [info(*entry)], results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
