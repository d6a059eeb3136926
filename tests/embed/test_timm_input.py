"""Networks of timm: the input of their own configuration, all tensors of a file, and what their tags say was seen."""

from __future__ import annotations

import pytest
import torch

from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.embed.torchvision_guard import import_timm
from fewshot_bench.errors import FsbenchError

NAMES = [
    "mobilenetv4_conv_small.e2400_r224_in1k", "vit_tiny_patch16_224", "test_vit", "test_byobnet", "convnext_tiny",
    "vit_base_patch16_siglip_224.webli", "vit_base_patch16_clip_224.openai", "vit_small_patch14_dinov2.lvd142m",
    "eva02_tiny_patch14_336.mim_in22k_ft_in1k", "vit_small_patch16_dinov3",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("view", ["pad", "both"])
def test_the_input_is_that_of_timms_configuration(name, view):
    timm = import_timm()
    wanted = timm.data.resolve_data_config(pretrained_cfg=timm.models.get_pretrained_cfg(name).to_dict())
    found = PretrainedEncoder(f"timm:{name}", view=view).transform
    assert (found.mean, found.std) == (tuple(wanted["mean"]), tuple(wanted["std"]))
    assert (found.size, found.interpolation) == (wanted["input_size"][1], wanted["interpolation"])
    assert (found.resize, found.view) == (int(found.size / wanted["crop_pct"]), view)


def test_siglip_has_the_mean_of_its_own():
    assert PretrainedEncoder("timm:vit_base_patch16_siglip_224").transform.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("name", "saw"),
    [
        ("vit_base_patch16_clip_224.openai", "OpenAI WIT-400M"),
        ("vit_base_patch16_siglip_224.webli", "WebLI"),
        ("vit_base_patch32_clip_224.laion2b_ft_in12k_in1k", "LAION-2B + ImageNet-12k + ImageNet-1k"),
        ("vit_small_patch14_dinov2.lvd142m", "LVD-142M with ImageNet-22k"),
    ],
)
def test_what_was_seen_is_what_the_tag_names(name, saw):
    assert PretrainedEncoder(f"timm:{name}").pretraining == saw


@pytest.mark.parametrize(
    "name", ["test_vit", "test_vit2", "test_vit3", "test_byobnet", "mobilenetv4_conv_small"]
)
@pytest.mark.parametrize("classes", [1000, 7])
def test_a_file_is_loaded_whole_or_not_at_all(name, classes, tmp_path):
    """``test_vit2`` has a norm behind its pooling and ``test_vit3`` pools by attention, as SigLIP does."""
    timm, file = import_timm(), tmp_path / "w.pth"
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=classes).eval()
    state = network.state_dict()
    torch.save(state, file)
    encoder = PretrainedEncoder(f"timm:{name}", weights=file)
    own = encoder.trunk.state_dict()
    assert own and all(torch.equal(value, state[key]) for key, value in own.items())
    assert len(encoder.map_shape) == 3 and encoder.row_shape == encoder.map_shape[:1]
    torch.save({key: value for key, value in state.items() if key != next(iter(own))}, file)
    with pytest.raises(FsbenchError, match="do not fit the network"):
        _ = PretrainedEncoder(f"timm:{name}", weights=file).trunk


def test_flat_rows_are_maps_again_through_the_cache(tmp_path, plain):
    """A head that needs feature maps reads them from the cache by ``row_shape``."""
    import numpy as np
    from PIL import Image

    from fewshot_bench.store.cache import EmbeddingCache

    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in range(4)]
    index = plain(range(4), lambda row: images[row])
    encoder = PretrainedEncoder("conv4-32", size=32, pooling="flatten", pretrained=False)
    mean = PretrainedEncoder("conv4-32", size=32, pretrained=False)
    assert (encoder.row_shape, mean.row_shape) == ((32, 2, 2), (32,))
    rows = EmbeddingCache(tmp_path).embed(encoder, index, np.arange(4))
    maps = rows.reshape(4, *encoder.row_shape)
    pooled = EmbeddingCache(tmp_path).embed(mean, index, np.arange(4))
    np.testing.assert_allclose(maps.mean((2, 3)), pooled, atol=1e-6)
    assert encoder.fingerprint() != mean.fingerprint()
