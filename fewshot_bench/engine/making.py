"""From a request to its method: loaded and configured."""

from __future__ import annotations

from fewshot_bench.contract import registry
from fewshot_bench.contract.config import build
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.engine.request import Request


def method_of(request: Request) -> tuple[Method, registry.Entry]:
    """Returns the method of a request with its parameters, and the entry point it came from.

    The entry of a class that was given, and is registered nowhere, says so.
    """
    entry = request.given.entry(request.method)
    method_class = request.given.load(request.method)
    with Guard(f"The method {request.method}")("its construction"):
        config = build(method_class.Config, f"method {request.method}", request.parameters)
        return method_class(config), entry
