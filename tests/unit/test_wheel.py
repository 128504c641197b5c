"""The wheel carries the four content folders, and finds them outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROBE = """
import tinyperf
from tinyperf import api, content
print(tinyperf.__file__)
print([b.name for b in api.boards()])
print([any(content.shipped(k).iterdir()) for k in ("boards", "energy", "firmware_templates", "models")])
"""


@pytest.mark.slow
def test_a_fresh_environment_lists_boards_from_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT], check=True, capture_output=True
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # The dependencies come from the running environment; tinyperf itself only from the wheel.
    venv.create(tmp_path / "env", system_site_packages=False, with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    deps = next(p for p in sys.path if p.endswith("site-packages"))
    (site / "deps.pth").write_text(deps + "\n")
    shown = subprocess.run(
        [python, "-I", "-c", PROBE], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert str(tmp_path) in shown[0]
    assert "nucleo-l4r5zi" in shown[1]
    assert shown[2] == "[True, True, True, True]"
