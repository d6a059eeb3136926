"""Whether pretraining saw what is evaluated: ImageNet's weights on classes of ImageNet."""

from __future__ import annotations

import re
from collections.abc import Iterable


def contaminated(pretraining: str, seen_by: Iterable[str]) -> list[str]:
    """Returns the names of ``seen_by`` (see ``ImageIndex``) that ``pretraining`` names, as a word's beginning.

    "ImageNet-1k" and "IMAGENET1K_V1" name ImageNet; "miniimagenet (base classes)" does not.
    """
    return [
        name for name in seen_by if re.search(rf"(?<![^\W_]){re.escape(name)}", pretraining, re.IGNORECASE)
    ]
