"""Where a run took place: versions and hardware, for the record."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("fewshot-bench", "numpy", "torch", "torchvision", "timm", "scikit-learn", "pillow")


def processor() -> str:
    """Returns the processor's model name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version(package: str) -> str:
    """Returns the installed version of a distribution, "" when it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def peak_memory() -> int | None:
    """Returns the most memory in MB that the process has held so far, None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def environment(device: str) -> dict[str, Any]:
    """Returns Python, packages, system, processor and device; imports nothing heavy that the run did not."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "device": device,
        "peak_memory_mb": peak_memory(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["threads"] = torch.get_num_threads()
        if device == "cuda":
            found["device"] = torch.cuda.get_device_name()
            found["peak_device_memory_mb"] = round(torch.cuda.max_memory_allocated() / 1e6)
    return found
