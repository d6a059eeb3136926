"""Product packages drawn on demand: the data set that needs no download.

From catalogue to picture: ``brands`` (who sells what, in which look) → ``label`` (flat art) → ``forms``
(wrapped on a pack, by ``lathe`` or ``folded``) → ``studio`` (in-vitro) or ``scene`` and ``camera``
(in-situ) → ``source`` (the index).
"""

from fsbench_packshots.source import Packshots

__all__ = ["Packshots"]
