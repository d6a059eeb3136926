"""torchvision imports whether or not its build matches torch's, and no other failure is hidden."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.subprocess


def run(code: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """The code in a fresh process, with one more folder in front of the module path."""
    code = f"import sys; sys.path[:0] = {[path] if path else []!r}\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_models_and_timm_import_in_a_fresh_process():
    done = run("""
        from fewshot_bench.embed.torchvision_guard import import_timm, import_torchvision
        assert "torch" not in sys.modules
        torchvision = import_torchvision()
        assert torchvision is import_torchvision() is sys.modules["torchvision"]
        assert import_timm().is_model("tf_efficientnet_lite0")
        from torchvision.transforms import v2
        import torch
        assert torchvision.models.squeezenet1_1(weights=None)(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)
        assert v2.functional.resize(torch.zeros(3, 8, 8), [4, 4]).shape == (3, 4, 4)
    """)
    assert done.returncode == 0, done.stderr


def test_the_schemas_are_defined_only_when_the_import_fails_for_them(tmp_path):
    """A stand-in torchvision that needs the operator, as the real one of a mismatched build does."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "half.py").write_text("")
    (package / "__init__.py").write_text(
        "import sys, torch\n"
        "first = 'torchvision.half' not in sys.modules and not hasattr(sys, 'tried')\n"
        "sys.tried = True\n"
        "from torchvision import half\n"
        "half.first = first\n"
        "@torch.library.register_fake('torchvision::nms')\n"
        "def nms(dets, scores, iou_threshold): return dets\n"
    )
    done = run(
        """
        from fewshot_bench.embed.torchvision_guard import import_torchvision
        module = import_torchvision()
        assert module.half.first is False, "the half-imported modules were kept"
        """,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("error", ["RuntimeError('out of luck')", "ImportError('libfoo.so: cannot open')"])
def test_other_failures_pass_through(tmp_path, error):
    (tmp_path / "torch.py").touch()
    (tmp_path / "torchvision.py").write_text(f"raise {error}\n")
    done = run(
        "from fewshot_bench.embed.torchvision_guard import import_torchvision; import_torchvision()",
        str(tmp_path),
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == error.replace("('", ": ").replace("')", "")


def test_a_working_torchvision_is_left_alone(tmp_path):
    (tmp_path / "torch.py").touch()
    (tmp_path / "torchvision.py").write_text("marker = 'mine'\n")
    done = run(
        """
        from fewshot_bench.embed import torchvision_guard
        assert torchvision_guard.import_torchvision().marker == "mine"
        assert torchvision_guard._define_schemas.cache_info().currsize == 0
        """,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
