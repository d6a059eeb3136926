"""The reference of the API: every public name, grouped as ``api.pyi`` and ``__init__.pyi`` group them."""

from __future__ import annotations

import importlib
import inspect

TITLES = {
    "fewshot_bench": "From Python: `import fewshot_bench as fb`",
    "fewshot_bench.api": "For authors of plugins: `from fewshot_bench.api import …`",
}


def api() -> str:
    """One section a front, with a directive of autodoc for each of its names."""
    about = "The docstrings of everything that is public; `help(fewshot_bench.api)` shows them too."
    lines = ["# API reference", "", about, ""]
    for module, title in TITLES.items():
        lines += [f"## {title}", ""]
        front = importlib.import_module(module)
        for name in sorted(n for n in dir(front) if not n.startswith("_")):
            thing = getattr(front, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                lines += [f"### {name}", "", "```{eval-rst}", *directive(thing, module), "```", ""]
    return "\n".join(lines)


def directive(thing: object, module: str) -> list[str]:
    """The lines of autodoc for a class or a function."""
    kind = "autoclass" if inspect.isclass(thing) else "autofunction"
    name = f"{thing.__module__}.{thing.__qualname__}"  # type: ignore[attr-defined]
    first = [f".. {kind}:: {name}"]
    seen = "fewshot_bench" if module.endswith("api") else "fewshot_bench.api"
    index = (
        ["   :no-index:"] if hasattr(importlib.import_module(seen), getattr(thing, "__name__", "")) else []
    )
    return [*first, *index, *(["   :members:"] if kind == "autoclass" else [])]
