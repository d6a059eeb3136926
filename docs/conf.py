"""Sphinx's configuration of the documentation site: ``make docs`` builds it from the Markdown of the repository.

The root of the sources is the root of the repository, so that a link between two files is the same link in the
repository and on the site.
"""

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.site import write_pages  # noqa: E402
from benchmarks.site.docstrings import rewritten  # noqa: E402

project = "fsbench"
author = "fewshot-bench contributors"
release = metadata.version("fewshot-bench")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md", "docs/generated/*.md", "results/**/*.md", "results/*.md", "README.md", "CONTRIBUTING.md",
    "CHANGELOG.md", "plugins/*/README.md", "benchmarks/README.md",
]  # fmt: skip
exclude_patterns = ["**/build/**", "**/node_modules/**", ".venv*/**", "demo/**"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.xref_missing"]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = f"fsbench {release}"
html_extra_path = ["site"]
html_show_sourcelink = False
html_show_sphinx = False

write_pages(HERE / "generated")


def setup(app):
    app.connect(
        "autodoc-process-docstring", lambda *given: given[-1].__setitem__(slice(None), rewritten(given[-1]))
    )
