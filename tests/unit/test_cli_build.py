"""`tinyperf build` and `tinyperf generate` as users call them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tinyperf import cli, content

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Some int8 model under a name of its own."""
    source = content.names("models", ".tflite")["ad"]
    path = tmp_path / "mine.tflite"
    path.write_bytes(source.read_bytes())
    return path


def test_build_of_an_own_model_as_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.invoke(["build", "--board", "host", "--model", str(model), "-o", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "image",
        "bin",
        "build_id",
        "warnings",
        "cached",
        "form",
        "memory",
        "toolchain",
        "engine_details",
        "project",
    }
    assert found["image"] == str(out / "firmware")
    done = subprocess.run([out / "firmware"], input=b"profile%build%", capture_output=True, check=True)
    assert b"m-model-[custom]" in done.stdout
    assert f"m-build-[{found['build_id']}]".encode() in done.stdout


def test_generated_host_project_builds_by_its_script(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a project"
    assert cli.invoke(["generate", "--board", "host", "--model", str(model), "-o", str(folder)]) == 0
    subprocess.run(["./build.sh"], cwd=folder, check=True)
    done = subprocess.run([folder / "firmware"], input=b"name%", capture_output=True, check=True)
    assert b"m-name-dut-[tinyperf]" in done.stdout


@pytest.fixture
def bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file bad.tflite in the working directory."""
    (tmp_path / "bad.tflite").write_bytes(b"TFL3")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("bad_file")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["build", "--board", "host"], 2, "neither a benchmark nor a model", id="nothing-to-build"),
        pytest.param(
            ["build", "--board", "host", "kws", "--model", "bad.tflite"], 2, "is no .tflite file", id="damaged-model"
        ),
        pytest.param(["build", "--board", "host", "kwz"], 2, "did you mean 'kws'", id="unknown-benchmark"),
        pytest.param(["generate", "kws"], 2, "--board", id="no-board"),
    ],
)
def test_what_makes_no_sense_is_said(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.invoke(arguments) == code
    assert words in capsys.readouterr().err


def test_energy_on_a_board_without_a_pin_exits_2(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["build", "--board", "host", "--model", str(model), "--energy"]) == 2
    assert "no timestamp pin" in capsys.readouterr().err
