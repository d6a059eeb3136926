"""Everything that the author of a method or of a data set imports.

    from fewshot_bench.api import Context, EmbeddingMethod, KNearest, PixelEncoder

    class Pixels(EmbeddingMethod):
        api_version = 1
        name = "my-pixels"
        summary = "1-nearest neighbour on raw pixels"

        def setup(self, context: Context) -> None:
            self.encoder = PixelEncoder(size=32)
            self.head = KNearest(k=1)

That is a whole method. Parameters are the fields of a frozen dataclass: in ``class Pixels(EmbeddingMethod[Config])``
a checker of types knows the fields of ``self.config``. The distribution of a method declares it as an entry point, and
``fsbench check my-pixels`` tries it:

    [options.entry_points]
    fewshot_bench.methods =
        my-pixels = my_package.my_module:Pixels

Begin with ``EmbeddingMethod`` where a method is an encoder and a head, with ``EpisodicMethod`` where it adapts a
network to each episode, and with ``DatasetSource`` for a data set. Each name is loaded when it is first used, so that
a module which imports only these stays light: no torch, no scikit-learn.

"""

from __future__ import annotations

from fewshot_bench.lazy import document, front

__getattr__, __dir__, __all__ = front(__name__, __file__)
document(__name__, __file__)
