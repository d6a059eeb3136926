"""The version of the core's training code: a change of the code is a change of the version, or is none of numbers."""

from __future__ import annotations

from pathlib import Path

import fewshot_bench
from fewshot_bench import identity, training

DIGESTS = {2: "d2a283bd89771d03c6cbbc06cacb52e72159f41ddabfe35fa06ba1c35a1c941b"}
"""The digest of the training code at each version; the last line is that of today's code."""


def test_a_change_of_the_training_code_raises_its_version():
    root = Path(fewshot_bench.__file__).parent
    files = [
        *(
            root / "contract" / name
            for name in ("once.py", "trainable.py", "trained.py", "trained_episodic.py")
        ),
        *(root / "training").glob("*.py"),
    ]
    found = identity.key("source", {str(p.relative_to(root)): identity.file_digest(p) for p in files})
    version = max(DIGESTS)
    assert version == training.VERSION, "note the digest of the new version in DIGESTS"
    assert found == DIGESTS[version], (
        f"The training code changed. Raise training.VERSION if the same data, parameters and seed give other "
        f"weights, and add the new version; otherwise replace the digest of version {version} by {found!r}."
    )
