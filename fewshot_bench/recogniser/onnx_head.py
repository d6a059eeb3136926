"""The head of a recogniser as ONNX: an embedding becomes probabilities, the nearest reference, and its cosine."""

from __future__ import annotations

import numpy as np

from fewshot_bench.errors import UsageError
from fewshot_bench.heads.fitted import FittedMeans, FittedNeighbours
from fewshot_bench.heads.logistic import FittedRegression
from fewshot_bench.recogniser.calibration import LEAST
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.onnx_graph import OnnxGraph


def head_file(recogniser: Recogniser) -> bytes:
    """Returns the ONNX file of a recogniser's head.

    Input ``vector`` float32 [Q, D]; outputs ``scores`` float32 [Q, N] (probabilities, or scores where no temperature
    was found), ``nearest`` int64 [Q], the row of the nearest reference, and ``similarity`` float32 [Q], its cosine.
    Raises UsageError for a head of another kind than regression, means and neighbours.
    """
    graph = OnnxGraph()
    vector = graph.cast("vector", np.float64)
    scores = scores_of(graph, vector, recogniser)
    if (temperature := recogniser.measured.temperature) is not None:
        if recogniser.method.calibrated:
            scores = graph.op("Log", graph.op("Max", scores, graph.constant(np.array(LEAST))))
        scaled = graph.op("Div", scores, graph.constant(np.array(float(temperature))))
        scores = graph.op("Softmax", scaled, axis=1)
    units = graph.constant(recogniser.scorer.units.T)
    cosines = graph.op("MatMul", graph.cast(graph.unit(vector), np.float32), units)
    nearest = graph.op("ArgMax", cosines, axis=1, keepdims=0)
    similarity = graph.op("ReduceMax", cosines, graph.constant(np.array([1])), keepdims=0)
    one = graph.constant(np.array(1, np.float32)), graph.constant(np.array(-1, np.float32))
    similarity = graph.op("Max", graph.op("Min", similarity, one[0]), one[1])
    return graph.model(
        "head",
        ("vector", np.float32, ["pictures", recogniser.references.vectors.shape[1]]),
        {
            "scores": (graph.cast(scores, np.float32), np.float32, ["pictures", len(recogniser.class_names)]),
            "nearest": (nearest, np.int64, ["pictures"]),
            "similarity": (similarity, np.float32, ["pictures"]),
        },
    )


def scores_of(graph: OnnxGraph, vector: str, recogniser: Recogniser) -> str:
    """Returns the scores, float64 [Q, N] of float64 vectors [Q, D]; UsageError for a head that is not known here."""
    fitted = recogniser.scorer.fitted
    if isinstance(fitted, FittedRegression):
        return regression(graph, vector, fitted)
    if isinstance(fitted, FittedMeans):
        return means(graph, vector, fitted)
    if isinstance(fitted, FittedNeighbours):
        return neighbours(graph, vector, fitted)
    raise UsageError(
        f"The head {type(recogniser.method.head).__name__} of {recogniser.recipe['method']} cannot be exported: "
        "logistic regression, nearest mean and nearest neighbours can; fit one of these with `fsbench fit FOLDER "
        "--method pretrained-lr -o FILE`."
    )


def regression(graph: OnnxGraph, vector: str, fitted: FittedRegression) -> str:
    """Returns softmax(x W + b), rounded to float32 as the head does."""
    asked = graph.unit(vector) if fitted.normalize else vector
    arrays = fitted.arrays()
    logits = graph.op(
        "Add", graph.op("MatMul", asked, graph.constant(arrays["weight"])), graph.constant(arrays["bias"])
    )
    return graph.cast(graph.cast(graph.op("Softmax", logits, axis=1), np.float32), np.float64)


def means(graph: OnnxGraph, vector: str, fitted: FittedMeans) -> str:
    """Returns the cosine with each mean, or minus the squared distance."""
    asked = graph.unit(vector) if fitted.cosine else vector
    table = fitted.means.cpu().numpy()
    found = graph.op("MatMul", asked, graph.constant(table.T))
    if not fitted.cosine:
        twice = graph.op("Mul", found, graph.constant(np.array(2.0)))
        found = graph.op("Sub", twice, graph.constant(fitted.norms.cpu().numpy()))
        found = graph.op("Sub", found, graph.total(graph.op("Mul", vector, vector), 1))
        found = graph.op("Min", found, graph.constant(np.array(0.0)))
    return graph.cast(graph.cast(found, np.float32), np.float64)


def neighbours(graph: OnnxGraph, vector: str, fitted: FittedNeighbours) -> str:
    """Returns the votes of the k nearest images; of classes with equal votes, the one with the nearest image leads.

    Classes that are equally near have the ranks of their order here, and one rank in ``KNearest``.
    """
    label, many = fitted.label.cpu().numpy(), len(fitted.rows)
    asked = graph.unit(vector) if fitted.cosine else vector
    rows = fitted.units().cpu().numpy()
    cross = graph.op("MatMul", asked, graph.constant(rows.T))
    if fitted.cosine:
        distance = graph.op("Sub", graph.constant(np.array(1.0)), cross)
    else:
        total = graph.op(
            "Add", graph.total(graph.op("Mul", vector, vector), 1), graph.constant((rows**2).sum(1))
        )
        distance = graph.op("Sub", total, graph.op("Mul", cross, graph.constant(np.array(2.0))))
    distance = graph.cast(distance, np.float32)
    counts = np.bincount(label, minlength=fitted.ways)
    place = np.full((fitted.ways, counts.max()), many)  # the last column is that of padding
    place[label, np.arange(many) - (np.cumsum(counts) - counts)[label]] = np.arange(many)
    places = graph.constant(place)

    def by_class(values: str, padding: float) -> str:
        ends = graph.constant(np.array([0, 0, 0, 1]))
        padded = graph.op("Pad", values, ends, graph.constant(np.array(padding, np.float32)))
        name: str = graph.op("Gather", padded, places, axis=1)
        return name

    wanted = graph.constant(np.array([fitted.k]))
    smallest, _ = graph.op("TopK", distance, wanted, axis=1, largest=0, sorted=1, outputs=2)
    last = graph.op("Gather", smallest, graph.constant(np.array([fitted.k - 1])), axis=1)
    axis = graph.constant(np.array([2]))
    nearer, level = (
        graph.cast(
            graph.op(
                "ReduceSum",
                by_class(graph.cast(graph.op(kind, distance, last), np.float32), 0.0),
                axis,
                keepdims=0,
            ),
            np.float64,
        )
        for kind in ("Less", "Equal")
    )
    free = graph.op("Sub", graph.constant(np.array(float(fitted.k))), graph.total(nearer, 1))
    votes = graph.op("Add", nearer, graph.op("Mul", level, graph.op("Div", free, graph.total(level, 1))))
    near = graph.op("ReduceMin", by_class(distance, np.inf), axis, keepdims=0)
    ways = graph.constant(np.array([fitted.ways]))
    _, order = graph.op("TopK", near, ways, axis=1, largest=0, sorted=1, outputs=2)
    _, rank = graph.op("TopK", order, ways, axis=1, largest=0, sorted=1, outputs=2)
    behind = graph.op("Sub", graph.constant(np.array(float(fitted.ways))), graph.cast(rank, np.float64))
    share = graph.op("Div", behind, graph.constant(np.array(float((fitted.ways + 1) * many))))
    name: str = graph.op("Div", graph.op("Add", votes, share), graph.constant(np.array(float(fitted.k))))
    return name
