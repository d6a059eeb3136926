"""Files of weights name the backbones that can be tried here."""

from __future__ import annotations

from fewshot_bench.embed.at_hand import backbones_at_hand


def test_files_are_named_after_networks_and_others_are_passed_over(tmp_path, monkeypatch):
    for name in (
        "mobilenet_v2-imagenet.pth",
        "resnet18.safetensors",
        "vit_small_patch14_dinov2.lvd142m.safetensors",
        "open_clip-ViT-B-32.safetensors",
        "teacher.pth",
        "squeezenet1_0.txt",
    ):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setenv("FSBENCH_WEIGHTS", f"{tmp_path}:{tmp_path / 'nowhere'}")
    assert backbones_at_hand() == ["mobilenet_v2", "resnet18", "timm:vit_small_patch14_dinov2.lvd142m"]
    monkeypatch.delenv("FSBENCH_WEIGHTS")
    assert backbones_at_hand() == []
