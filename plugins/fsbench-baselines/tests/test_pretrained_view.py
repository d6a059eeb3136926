"""How pictures enter the frozen network is a parameter of the three pretrained methods."""

from __future__ import annotations

import pytest
from fsbench_baselines.pretrained import PretrainedKnn, PretrainedLr, PretrainedProto

from fewshot_bench.api import FROZEN_VIEW, Context


@pytest.mark.parametrize("method", [PretrainedKnn, PretrainedLr, PretrainedProto])
def test_the_view_reaches_the_encoder(method, tmp_path):
    context = Context("cpu", 0, tmp_path)
    for view in ("pad", "crop", "stretch", "both"):
        made = method(method.Config(view=view))
        made.setup(context)
        assert made.encoder.found.transform.view == view
    usual = method(method.Config())
    usual.setup(context)
    assert usual.encoder.view == FROZEN_VIEW
