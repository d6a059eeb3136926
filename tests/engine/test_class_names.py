"""Names of classes reach the methods that declare that they read them, and come from support rows alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fewshot_bench as fb
from fewshot_bench.api import EmbeddingMethod, NoConfig, PixelEncoder, Tasks
from fewshot_bench.contract.method import EpisodicMethod
from fewshot_bench.engine.class_names import are_codes, reads_names, with_names
from fewshot_bench.errors import FsbenchError

SEEN = []


class Listening:
    """A head that keeps the names that it is given, and scores classes by the sum of a name's letters."""

    def scores(self, table, tasks):
        SEEN.append(tasks.names)
        scores = torch.zeros(*tasks.query.shape, tasks.ways)
        if tasks.names is not None:
            scores += torch.tensor([[float(sum(map(ord, n))) for n in row] for row in tasks.names])[:, None]
        return scores.masked_fill(torch.from_numpy((tasks.support < 0).all(2))[:, None], -float("inf")), {}


class NameReader(EmbeddingMethod[NoConfig]):
    api_version, name, summary, reads_names = 1, "name-reader", "reads names", True

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=4), Listening()


class NameBlind(NameReader):
    name, reads_names = "name-blind", False


def test_only_a_method_that_declares_it_is_given_names():
    SEEN.clear()
    kind = {"ways": 3, "shots": 1, "queries": 2, "episodes": 3}
    assert "reads_names" not in fb.run(NameBlind, "digits", **kind).data
    assert all(names is None for names in SEEN)
    SEEN.clear()
    with pytest.warns(UserWarning, match="look like codes"):
        record = fb.run(NameReader, "digits", **kind)
    assert record.data["reads_names"] is True
    assert all(names.shape[1] == 3 and all(names.ravel()) for names in SEEN)


def test_the_contract_is_checked_for_both():
    for method, verdict in ((NameReader, "holds"), (NameBlind, "skipped")):
        found = {t.check: t for t in fb.check(method, fb.dataset("digits"), queries=2, episodes=2).trials}
        assert found["class-names"].verdict == verdict
        assert found["declarations"].verdict == "holds"


def test_names_are_those_of_the_support_and_empty_where_a_class_is_padded():
    tasks = Tasks(np.array([[[3, -1], [0, 1], [-1, -1]]]), np.array([[2, 4]]))
    names = np.array(["a", "a", "b", "c", "d"], dtype=object)
    found = with_names(tasks, names)
    assert found.names.tolist() == [["c", "a", ""]]
    assert with_names(found, names[::-1]) is found and with_names(tasks, None) is tasks
    assert found[:1].names.tolist() == found.names.tolist()
    names[[2, 4]] = "other"
    assert with_names(tasks, names).names.tolist() == [["c", "a", ""]]


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["0001", "0002", "0003"], True),
        (["character01", "character02", "character03"], True),
        (["apple", "pear", "oat milk 1 l"], False),
        (["apple", "0002", "0003"], True),
        (["яблоко", "груша"], False),
    ],
)
def test_codes_are_told_from_words(names, codes):
    assert are_codes(names) is codes


def test_a_method_that_adapts_to_pictures_may_not_declare_it():
    class NameEpisodic(EpisodicMethod[NoConfig]):
        api_version, name, summary, reads_names = 1, "x", "x", True

        pretraining = "none"

        def solve(self, tasks):
            return tasks.table

    with pytest.raises(FsbenchError, match="only an EmbeddingMethod"):
        reads_names(NameEpisodic())
