"""DatasetSource: the contract of a data set adapter, one short file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from fewshot_bench.data.index import ImageIndex

if TYPE_CHECKING:
    from fewshot_bench.data.scan import Scan


@dataclass(frozen=True)
class Card:
    """A card describes a data set, for ``fsbench datasets NAME`` and the message when it is missing.

    ``may_show`` says that the licence of the pictures lets a page that is published show small copies of some.
    """

    summary: str
    licence: str
    published: str
    layout: str
    reference: str = ""
    may_show: bool = False


class DatasetSource(ABC):
    """A named data set: where its files are expected, and how they become an ``ImageIndex``.

    ``variants`` maps the name of each protocol to a sentence; the first is the default. A user asks for
    one as ``NAME:VARIANT``. ``api_version`` is the version of the plugin API the adapter was written for
    (1). Adapters are constructed without arguments and do no work until ``load``.
    """

    api_version: ClassVar[int]
    name: ClassVar[str]
    card: ClassVar[Card]
    variants: ClassVar[dict[str, str]] = {"default": "the whole set"}
    folders: ClassVar[tuple[str, ...]] = ()
    """Folder names under the data root that may hold it, in order; empty: needs no files."""
    synthetic: ClassVar[bool] = False

    def knows(self, variant: str) -> bool:
        """Returns whether a variant can be asked for: one of ``variants``, unless an adapter takes other names."""
        return variant in self.variants

    @abstractmethod
    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Indexes the files under ``root`` (the data set's own folder; None when it needs no files).

        Raises FsbenchError with one sentence when the layout is not the one expected; ``variant`` None
        takes the first variant that the files allow. ``scan`` says how files are read and carries the
        cache of what is known of them; adapters of picture files hand it to ``build.read_rows``.
        """
