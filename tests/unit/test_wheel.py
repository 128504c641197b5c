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


SCRIPT = """
from pathlib import Path

import tinyperf

result = tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True)
reveal_type(result)
if result.performance is not None:
    reveal_type(result.performance.latency_ms)
reveal_type(tinyperf.profile(board="nucleo-l4r5zi", model="a.tflite"))
reveal_type(tinyperf.build(Path("mine.yaml"), "kws").memory.arena_bytes)
"""
REVEALED = ["tinyperf.result.RunResult", "float", "tinyperf.session.profile.Profile", "int | None"]
WRONG = """
import tinyperf

tinyperf.run("kws", board="nucleo-l4r5zi", vitrual=True)
tinyperf.prfile("nucleo-l4r5zi")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has tinyperf from the wheel, and its dependencies from the running environment."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT], check=True, capture_output=True
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", system_site_packages=False, with_pip=True)
    own = folder / "env" / "bin" / "python"
    subprocess.run([own, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    deps = next(p for p in sys.path if p.endswith("site-packages"))
    (site / "deps.pth").write_text(deps + "\n")
    return own


@pytest.mark.slow
def test_a_fresh_environment_lists_boards_from_the_wheel(python: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [python, "-I", "-c", PROBE], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert str(python.parent.parent) in shown[0]
    assert "nucleo-l4r5zi" in shown[1]
    assert shown[2] == "[True, True, True, True]"


@pytest.mark.slow
def test_the_published_results_travel_in_the_wheel(python: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [python, "-I", "-c", "import tinyperf; print(len(tinyperf.published()))"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert shown == "312\n"


def _mypy(python: Path, script: str, folder: Path) -> str:
    (folder / "script.py").write_text(script)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        python,
        "--cache-dir",
        folder / "cache",
    ]
    command += ["script.py"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_user_s_script_has_types(python: Path, tmp_path: Path) -> None:
    shown = _mypy(python, SCRIPT, tmp_path)
    assert "Success" in shown, shown
    assert [line.split('"')[1] for line in shown.splitlines() if "Revealed type" in line] == REVEALED


@pytest.mark.slow
def test_a_user_s_slips_are_seen(python: Path, tmp_path: Path) -> None:
    shown = _mypy(python, WRONG, tmp_path)
    assert '"vitrual"' in shown
    assert 'no attribute "prfile"' in shown
