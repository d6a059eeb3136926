"""A recogniser as a folder that needs no torch: two ONNX files, names, an example, and a certificate."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from fewshot_bench.embed.exported import Exported, pictures
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import why
from fewshot_bench.recogniser.fitted import Recogniser
from fewshot_bench.recogniser.given import AT_ONCE, given
from fewshot_bench.recogniser.onnx_encoder import encoder_file, transform_of
from fewshot_bench.recogniser.onnx_head import head_file
from fewshot_bench.recogniser.parity import Floats, Parity, parity

HEAD_AT_ONCE = 256
"""References that the exported head is asked about at once."""


def export_recogniser(recogniser: Recogniser, folder: Path, on: Any = None) -> Parity:
    """Writes ``encoder.onnx``, ``head.onnx``, ``classes.json``, ``example.py`` and ``parity.json`` into a new folder.

    The files are compared with the recogniser first: on the pictures ``on``, by ``example.py`` from file to product,
    or else on the embeddings of all references. Raises UsageError for a folder that holds something and for what cannot
    be exported, FsbenchError where predictions differ; then nothing is written.
    """
    folder = folder.expanduser()
    require_new(folder)
    encoder = encoder_file(recogniser.method.encoder)
    contents = {
        "encoder.onnx": encoder,
        "head.onnx": head_file(recogniser),
        "classes.json": json.dumps(described(recogniser), indent=1).encode(),
        "example.py": files("fewshot_bench.recogniser").joinpath("onnx_example.txt").read_bytes(),
    }
    try:
        staging = Path(mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.absolute().parent))
    except OSError as error:
        raise FsbenchError(f"Cannot write beside {folder} ({why(error)}): name another place.") from error
    try:
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        found = of_references(recogniser, contents) if on is None else of_pictures(recogniser, staging, on)
        found.require()
        (staging / "parity.json").write_text(json.dumps(found.to_json(), indent=1), encoding="utf-8")
        staging.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()  # it is empty
        staging.rename(folder)
    except OSError as error:
        raise FsbenchError(
            f"Cannot write the folder {folder} ({why(error)}): make room, or name another."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return found


def require_new(folder: Path) -> None:
    """Raises UsageError unless a folder can be made at ``folder``, or is there and empty."""
    parent = folder.absolute().parent
    if not folder.name or "\0" in str(folder) or not parent.is_dir():
        raise UsageError(
            f"--onnx {str(folder)!r} must be a new folder in one that is there, such as shop-onnx."
        )
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise UsageError(
            f"--onnx {folder} is there already; name a new folder, such as --onnx {folder.name}-2."
        )


def described(recogniser: Recogniser) -> dict[str, Any]:
    """Returns what ``classes.json`` holds."""
    measured = recogniser.measured
    return {
        "classes": list(recogniser.class_names),
        "references": list(recogniser.references.paths),
        "scores": "score" if measured.temperature is None else "probability",
        "temperature": measured.temperature,
        "threshold": None if measured.threshold is None else measured.threshold.value,
        **transform_of(recogniser.method.encoder),
        "method": recogniser.recipe["method"],
        "parameters": recogniser.recipe["parameters"],
        "encoder": recogniser.recipe["encoder"],
    }


def threshold_of(recogniser: Recogniser) -> float | None:
    """Returns the cosine below which pictures are rejected; None where there is no threshold."""
    return None if recogniser.measured.threshold is None else recogniser.measured.threshold.value


def session(content: bytes | Path) -> Any:
    """Returns an exported file in ONNX Runtime, with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = content if isinstance(content, bytes) else str(content)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def of_references(recogniser: Recogniser, contents: dict[str, bytes]) -> Parity:
    """Compares the head on all references' embeddings, and the encoder on a few made pictures."""
    head, vectors = session(contents["head.onnx"]), recogniser.references.vectors
    shape = recogniser.method.encoder.prepare(blank()).shape
    made = pictures(shape)
    again, ours = Exported(contents["encoder.onnx"])(made), recogniser.method.encoder.encode(made)
    vectors = np.concatenate([vectors, ours])
    asked = np.concatenate([recogniser.references.vectors, again])
    parts = [slice(start, start + HEAD_AT_ONCE) for start in range(0, len(vectors), HEAD_AT_ONCE)]
    told = [head.run(["scores", "similarity"], {"vector": asked[part]}) for part in parts]
    said = [(recogniser.scores(vectors[part]), recogniser.scorer.why(vectors[part])[1]) for part in parts]
    return parity("references and made pictures", joined(said), joined(told), threshold_of(recogniser))


def of_pictures(recogniser: Recogniser, staging: Path, on: Any) -> Parity:
    """Compares ``example.py``, run on pictures, with the recogniser; FsbenchError where it can read none."""
    import runpy

    from fewshot_bench.recogniser.given import encoded

    predict = runpy.run_path(str(staging / "example.py"))["predict"]
    shown = given(on)
    said, told = [], []
    for start in range(0, len(shown), AT_ONCE):
        part = shown[start : start + AT_ONCE]
        made = encoded(recogniser.method.encoder, part)
        if not len(made.places):
            continue
        said.append((recogniser.scores(made.vectors), recogniser.scorer.why(made.vectors)[1]))
        for place in made.places.tolist():
            scores, _, similarity = predict(part[place].content)
            told.append((scores[None], np.asarray(similarity)[None]))
    if not said:
        raise FsbenchError(f"None of the {len(shown)} pictures of --on can be read: name others.")
    return parity("pictures", joined(said), joined(told), threshold_of(recogniser))


def joined(parts: list[Any]) -> tuple[Floats, Floats]:
    """Returns scores and cosines of all parts."""
    scores, cosines = zip(*parts, strict=True)
    return np.concatenate(scores), np.concatenate(cosines)


def blank() -> Any:
    """Returns a grey picture."""
    from PIL.Image import new

    return new("RGB", (64, 48), "grey")
