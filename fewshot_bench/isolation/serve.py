"""The isolated process: it loads one method, does what its parent asks, and knows nothing else.

It is started with the numbers of two pipes. The first message names the method, its parameters, the device, the
training seed and the cache folder; what follows are pictures, vectors and row numbers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract import registry
from fewshot_bench.contract.config import build, parameters_of
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import EmbeddingMethod, EpisodicMethod, Method
from fewshot_bench.episodes.image_tasks import ImageTasks
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, PluginError, UsageError
from fewshot_bench.identity import embedding_facts, source_digest
from fewshot_bench.isolation.indexes import base_of
from fewshot_bench.isolation.wire import Arrays, WireError, receive, send
from fewshot_bench.store.encoder import Composed
from fewshot_bench.store.encoding import encoder_name

Reply = tuple[dict[str, Any], Arrays]


class Server:
    """One method, and what it was given so far."""

    method: Any
    table: Any
    context: Context

    def __init__(self, ask: Callable[[Mapping[str, Any]], Arrays], tell: Callable[..., None]) -> None:
        self.ask, self.tell = ask, tell
        self.guard = Guard("The method")

    def load(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Loads and configures the method; returns what it declares."""
        name = head["method"]
        self.guard.what = f"The method {name}"
        method_class: type[Method] = registry.load(registry.METHODS, name)
        self.context = Context(head["device"], head["seed"], Path(head["cache"]), self.tell)
        self.method = method_class(build(method_class.Config, f"method {name}", head["parameters"]))
        method = self.method
        return {
            "embedding": isinstance(method, EmbeddingMethod),
            "episodic": isinstance(method, EpisodicMethod),
            "name": method.name,
            "summary": method.summary,
            "reference": method.reference,
            "transductive": method.transductive,
            "calibrated": method.calibrated,
            "trains": bool(method.trains),
            "reads_names": bool(method.reads_names),
            "source": source_digest(method_class),
        }, {}

    def fit(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Trains on the base data of the message; its pictures are asked for one by one."""
        from PIL import Image

        def read(part: str, row: int) -> Image.Image:
            return Image.fromarray(self.ask({"question": "picture", "part": part, "row": row})["picture"])

        return {"facts": self.method.fit(base_of(head["base"], arrays, read), self.context)}, {}

    def setup(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Sets the method up; returns all that the engine needs to know of it."""
        method = self.method
        method.setup(self.context)
        found: dict[str, Any] = {
            "pretraining": method.pretraining,
            "weights": None if method.weights is None else str(method.weights),
            "parameters": parameters_of(method.config),
        }
        if isinstance(method, EmbeddingMethod):
            found["encoder"] = described(method.encoder)
            if isinstance(method.encoder, Composed):
                found["inner"] = described(method.encoder.inner)
            found["item_scores"] = hasattr(method.head, "item_scores")
        else:
            found |= {"image_size": method.image_size, "image_view": method.image_view}
        return found, {}

    def prepare(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Prepares one picture ``[H, W, 3]``."""
        from PIL import Image

        return {}, {"prepared": np.asarray(self._encoder(head).prepare(Image.fromarray(arrays["picture"])))}

    def encode(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Encodes a batch of prepared pictures."""
        return {}, {"vectors": np.asarray(self._encoder(head).encode(arrays["batch"]))}

    def after(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Maps the embeddings of the inner encoder."""
        return {}, {"vectors": np.asarray(self.method.encoder.after(arrays["vectors"]))}

    def take(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Keeps the table that later row numbers mean."""
        self.table = arrays["table"]
        if isinstance(self.method, EmbeddingMethod):
            import torch

            self.table = torch.from_numpy(self.table).to(self.context.device)
        return {}, {}

    def scores(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Scores episodes by the head."""
        tasks = Tasks(arrays["support"], arrays["query"])
        scores, diagnostics = self.method.head.scores(self.table, tasks)
        found = {"scores": scores.cpu().numpy()}
        found |= {f"diagnostics.{name}": plain(value) for name, value in diagnostics.items()}
        return {}, found

    def item_scores(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Scores support pictures by the head."""
        tasks = Tasks(arrays["support"], arrays["query"])
        return {}, {"scores": self.method.head.item_scores(self.table, tasks).cpu().numpy()}

    def solve(self, head: dict[str, Any], arrays: Arrays) -> Reply:
        """Solves episodes from their pictures."""
        tasks = ImageTasks(self.table, Tasks(arrays["support"], arrays["query"]), self.context.device)
        return {}, {"scores": np.asarray(self.method.solve(tasks))}

    def _encoder(self, head: dict[str, Any]) -> Any:
        return self.method.encoder.inner if head["inner"] else self.method.encoder


CALLS = ("load", "fit", "setup", "prepare", "encode", "after", "take", "scores", "item_scores", "solve")
"""What a parent may ask for."""


def described(encoder: Any) -> dict[str, Any]:
    """Returns what the engine needs to know of an encoder."""
    found = {
        "facts": embedding_facts(encoder),
        "name": encoder_name(encoder),
        "pretraining": encoder.pretraining,
    }
    return found | ({"precision": str(encoder.precision)} if hasattr(encoder, "precision") else {})


def plain(value: Any) -> NDArray[Any]:
    """Returns a diagnostic as an array."""
    return np.asarray(value.cpu() if hasattr(value, "cpu") else value)


def answer(server: Server, head: dict[str, Any], arrays: Arrays) -> Reply:
    """Returns the reply to one call: its result, or its error as words."""
    call = head.get("call")
    if call not in CALLS:
        return {"error": "sentence", "text": f"There is no call {call!r}."}, {}
    try:
        with server.guard(str(call)):
            found, results = getattr(server, str(call))(head, arrays)
    except UsageError as error:
        return {"error": "usage", "text": str(error)}, {}
    except PluginError as error:
        text = "".join(traceback.format_exception(error.__cause__ or error))
        return {"error": "plugin", "text": str(error), "reason": error.reason, "traceback": text}, {}
    except FsbenchError as error:
        return {"error": "sentence", "text": str(error)}, {}
    return {**found, "notes": server.guard.notes}, results


def watch_parent(parent: int) -> None:
    """Ends this process when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main() -> None:
    """Serves one parent until it closes its pipe."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    incoming, outgoing = os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb")
    os.set_inheritable(incoming.fileno(), False)
    os.set_inheritable(outgoing.fileno(), False)
    lock = threading.Lock()

    def ask(head: Mapping[str, Any]) -> Arrays:
        with lock:
            send(outgoing, head)
            return receive(incoming)[1]

    def tell(stage: str, done: int, total: int, note: str = "") -> None:
        with lock:
            send(outgoing, {"question": "progress", "told": [stage, done, total, note]})

    import torch  # noqa: F401 (before the guard looks at what torch shares)

    server = Server(ask, tell)
    while True:
        try:
            head, arrays = receive(incoming)
        except WireError:
            return
        reply, results = answer(server, head, arrays)
        with lock:
            send(outgoing, reply, results)


if __name__ == "__main__":
    main()
