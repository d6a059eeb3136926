"""Remote: a method in another process, as the engine sees it; its arrays are checked like any other's."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod, EpisodicMethod, Method
from fewshot_bench.episodes.image_tasks import ImageTasks
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.isolation.channel import Channel
from fewshot_bench.isolation.indexes import base_message
from fewshot_bench.isolation.wire import Arrays
from fewshot_bench.training.base import BaseData

if TYPE_CHECKING:
    from PIL.Image import Image


class RemoteEncoder:
    """An encoder of the other process. ``inner`` says that it is the inner one of a composed encoder."""

    def __init__(self, channel: Channel, found: Mapping[str, Any], *, inner: bool = False) -> None:
        self.channel, self.head = channel, {"inner": inner}
        self.facts = dict(found["facts"])
        self.name, self.pretraining = str(found["name"]), str(found["pretraining"])
        self.device, self.backend = str(self.facts["device"]), str(self.facts["backend"])
        self.libraries = tuple(self.facts["versions"])
        if "precision" in found:
            self.precision = str(found["precision"])

    def fingerprint(self) -> str:
        """Returns the digest that the encoder stated when it was set up."""
        return str(self.facts["encoder"])

    def prepare(self, image: Image) -> NDArray[Any]:
        """Returns the input array of one picture."""
        return self.channel.ask("prepare", self.head, {"picture": np.asarray(image)})[1]["prepared"]

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the embeddings of a batch."""
        return self.channel.ask("encode", self.head, {"batch": batch})[1]["vectors"]


class RemoteComposed(RemoteEncoder):
    """A composed encoder of the other process."""

    def __init__(self, channel: Channel, found: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        super().__init__(channel, found)
        self.inner = RemoteEncoder(channel, inner, inner=True)

    def after(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the mapped embeddings."""
        return self.channel.ask("after", arrays={"vectors": vectors})[1]["vectors"]


class RemoteHead:
    """A head of the other process, which is given the table once."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.given = channel, None

    def call(self, name: str, table: Any, tasks: Tasks) -> Arrays:
        """Returns the arrays of a call on episodes over ``table``."""
        if self.given is not table:
            self.channel.ask("take", arrays={"table": as_array(table)})
            self.given = table
        return self.channel.ask(name, arrays={"support": tasks.support, "query": tasks.query})[1]

    def scores(self, table: Any, tasks: Tasks) -> tuple[Any, dict[str, Any]]:
        """Returns class scores and diagnostics."""
        import torch

        found = self.call("scores", table, tasks)
        kept = {name.partition(".")[2]: value for name, value in found.items() if name != "scores"}
        return torch.from_numpy(found["scores"].copy()), kept


class RankingHead(RemoteHead):
    """A head of the other process that scores support pictures too."""

    def item_scores(self, table: Any, tasks: Tasks) -> Any:
        """Returns the scores of support pictures."""
        import torch

        return torch.from_numpy(self.call("item_scores", table, tasks)["scores"].copy())


class Remote(Method[Any]):
    """The part that methods of both kinds share."""

    api_version = 1
    name = "remote"
    summary = "a method in another process"

    def __init__(self, channel: Channel, told: Mapping[str, Any], answers: dict[str, Any]) -> None:
        self.channel, self.answers = channel, answers
        for name in ("name", "summary", "reference", "transductive", "calibrated", "trains", "reads_names"):
            setattr(self, name, told[name])
        self.source = str(told["source"])
        """The digest of the method's source, as the other process found it."""

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains in the other process, which is given the base data."""
        head, arrays = base_message(base)
        self.answers["base"] = base
        return dict(self.channel.ask("fit", {"base": head}, arrays)[0]["facts"])

    def setup(self, context: Context) -> None:
        """Sets the method up in the other process, and takes what it says of itself."""
        self.found = self.channel.ask("setup")[0]
        parameters = self.found["parameters"]
        self.config = make_dataclass("Parameters", list(parameters), frozen=True)(**parameters)
        self._take(self.found)

    @abstractmethod
    def _take(self, found: Mapping[str, Any]) -> None:
        """Takes what the other process answered."""

    @property
    def pretraining(self) -> str:
        """What the weights saw, as the method states it."""
        return str(self.found["pretraining"])

    @property
    def weights(self) -> Path | None:
        """The file of weights, as the method states it."""
        return None if self.found["weights"] is None else Path(self.found["weights"])


class RemoteEmbedding(Remote, EmbeddingMethod[Any]):
    """An encoder and a head in another process."""

    def _take(self, found: Mapping[str, Any]) -> None:
        inner = found.get("inner")
        self.encoder = (
            RemoteEncoder(self.channel, found["encoder"])
            if inner is None
            else RemoteComposed(self.channel, found["encoder"], inner)
        )
        self.head = (RankingHead if found["item_scores"] else RemoteHead)(self.channel)


class RemoteEpisodic(Remote, EpisodicMethod[Any]):
    """A method in another process that adapts to each episode."""

    def _take(self, found: Mapping[str, Any]) -> None:
        self.image_size, self.image_view = int(found["image_size"]), str(found["image_view"])
        self.other = RemoteHead(self.channel)

    def solve(self, tasks: ImageTasks) -> NDArray[np.floating[Any]]:
        """Returns class scores of the episodes."""
        return self.other.call("solve", tasks.table, tasks.tasks)["scores"]


def as_array(table: Any) -> NDArray[Any]:
    """Returns a table as an array."""
    return np.asarray(table.cpu() if hasattr(table, "cpu") else table)


@contextmanager
def isolated(
    name: str, parameters: Mapping[str, Any], context: Context, limit: float | None, notes: list[str]
) -> Iterator[Method[Any]]:
    """Yields the registered method ``name`` in a process of its own, which ends with the block.

    ``limit`` is the number of seconds of one call; ``notes`` takes the sentences of the guard of the other process.
    """
    if os.name != "posix":
        raise UsageError(
            "--isolated needs pipes between processes as Linux and macOS have them; leave it out here."
        )
    answers: dict[str, Any] = {}

    def answer(asked: dict[str, Any]) -> Arrays | None:
        if asked["question"] == "progress":
            stage, done, total, note = asked["told"]
            context.progress(str(stage), int(done), int(total), str(note))
            return None
        return {"picture": np.asarray(getattr(answers["base"], asked["part"]).reader(int(asked["row"])))}

    channel = Channel(f"The method {name}", limit, notes, answer)
    try:
        given = {"device": context.device, "seed": context.seed, "cache": str(context.cache.absolute())}
        told = channel.ask("load", {"method": name, "parameters": dict(parameters), **given})[0]
        if told["embedding"]:
            yield RemoteEmbedding(channel, told, answers)
        elif told["episodic"]:
            yield RemoteEpisodic(channel, told, answers)
        else:
            raise FsbenchError(f"The method {name} is neither an EmbeddingMethod nor an EpisodicMethod.")
    finally:
        channel.close()
