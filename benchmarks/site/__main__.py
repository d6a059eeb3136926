"""Writes the generated pages of the documentation: ``python -m benchmarks.site [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.site import write_pages

write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/generated"))
