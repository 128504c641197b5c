"""An engine and an instrument that a package brings, and an instrument that is one file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tinyperf import cli, engines
from tinyperf.errors import ContentError, UsageError
from tinyperf.measure import monitor
from tinyperf.virtual.instruments import played_on

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.1
Name: acme-tinyperf
Version: 1.0
"""
WHEEL = """\
Wheel-Version: 1.0
Generator: by hand
Root-Is-Purelib: true
Tag: py3-none-any
"""
ENTRY_POINTS = """\
[tinyperf.engines]
acme = acme_tinyperf.engine:ENGINE
broken = acme_tinyperf.nothing:ENGINE
curious = acme_tinyperf.curious:ENGINE

[tinyperf.monitors]
acmeter = acme_tinyperf.meter
"""
ENGINE = """
from tinyperf.engines import FakeEngine

ENGINE = FakeEngine(name="acme", options={"depth": "a number"})
"""
CURIOUS = """
from dataclasses import replace

from tinyperf.engines import FakeEngine


class Curious(FakeEngine):
    def prepare(self, model, options, workshop):
        return {"said": workshop.start({}), "bench": workshop.bench.name}

    def generate(self, model, target, options):
        made = super().generate(model, target, {})
        return replace(made, warnings=tuple(f"{name}: {value}" for name, value in options.items()))


ENGINE = Curious(name="curious")
"""
METER = '''"""The Acme meter."""

from tinyperf.measure.monitor import ScriptedMonitor

VERIFIED = "simulated"
OPTIONS = {"port": "serial port"}


def open_monitor(options):
    return ScriptedMonitor([], sample_rate_hz=float(len(options["port"])))
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, as pip installs it."""
    folder = tmp_path_factory.mktemp("acme")
    wheel = folder / "acme_tinyperf-1.0-py3-none-any.whl"
    info = "acme_tinyperf-1.0.dist-info"
    files = {
        "acme_tinyperf/__init__.py": "",
        "acme_tinyperf/engine.py": ENGINE,
        "acme_tinyperf/curious.py": CURIOUS,
        "acme_tinyperf/meter.py": METER,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": ENTRY_POINTS,
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*pip, folder / "site", wheel], check=True)
    return folder / "site"


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.usefixtures("installed")
def test_a_package_s_engine_is_one_like_ours() -> None:
    assert engines.names() == ["acme", "aot", "broken", "curious", "tflm"]
    assert engines.parse_engine("acme:depth=3") == ("acme", {"depth": "3"})
    with pytest.raises(UsageError, match="engine 'acme' has no option 'width'"):
        engines.parse_engine("acme:width=3")


@pytest.mark.usefixtures("installed")
def test_an_engine_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(ContentError, match=r"engine broken \(acme_tinyperf\.nothing:ENGINE\) cannot be loaded: Module"):
        engines.engine("broken")


@pytest.mark.usefixtures("installed")
def test_a_package_s_engine_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["generate", "--board", "nucleo-l4r5zi", "kws", "--engine", "acme", "-o", str(tmp_path / "out"), "--json"]
    assert cli.invoke(argv) == 0
    assert "src/model.c" in json.loads(capsys.readouterr().out)["files"]


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_an_engine_may_start_its_firmware_before_it_generates(capsys: pytest.CaptureFixture[str]) -> None:
    """On a real compiler and the virtual board; a board without one is measured on the one that is most alike."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no arm-none-eabi-gcc is installed")
    assert cli.invoke(["build", "--board", "mps2-an386", "kws", "--engine", "curious", "--json"]) == 0
    said, bench = json.loads(capsys.readouterr().out)["warnings"]
    assert said.startswith("said: m-timestamp-mode-performance")
    assert said.rstrip().endswith("m-ready")
    assert bench == "bench: nucleo-l4r5zi"


@pytest.mark.usefixtures("installed")
def test_a_package_s_monitor_is_listed_and_opened(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["energy", "monitors", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["acmeter"] == {
        "name": "acmeter",
        "title": "The Acme meter.",
        "verified": "simulated",
        "options": {"port": "serial port"},
    }
    assert monitor.open_monitor("acmeter:port=abc").describe().sample_rate_hz == 3.0


def test_without_the_package_there_are_ours_alone() -> None:
    assert engines.names() == ["aot", "tflm"]
    assert "acmeter" not in monitor.known()


def test_a_monitor_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(METER)
    with monitor.opened(f"{path}:port=abcd") as instrument:
        assert instrument.describe().sample_rate_hz == 4.0


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        pytest.param("lpm01a:port=x", ("lpm01a", {"port": "x"}), id="name"),
        pytest.param("./mine.py", ("./mine.py", {}), id="file"),
        pytest.param(r"C:\my\mine.py:port=COM3", (r"C:\my\mine.py", {"port": "COM3"}), id="drive"),
        pytest.param("csv:file=a.py,power=p", ("csv", {"file": "a.py", "power": "p"}), id="a value like one"),
    ],
)
def test_a_monitor_s_name_may_be_a_path(text: str, parsed: tuple[str, dict[str, str]]) -> None:
    assert monitor.parse_monitor(text) == parsed


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        pytest.param("import nothing_of_that_name", "cannot be imported: ModuleNotFoundError", id="import"),
        pytest.param("def (", "cannot be imported: SyntaxError", id="no Python"),
        pytest.param("OPTIONS = {}", "has no open_monitor and no VERIFIED", id="parts"),
        pytest.param(METER, "has no option 'freq'", id="option"),
    ],
)
def test_a_file_that_is_no_monitor_is_told(content: str, seen: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(content)
    with pytest.raises((ContentError, UsageError), match=seen):
        monitor.find(f"{path}:freq=1k")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"monitor file .*none\.py does not exist"):
        monitor.find(str(tmp_path / "none.py"))


def test_an_instrument_without_a_simulator_says_which_have_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(METER)
    with pytest.raises(UsageError, match="has no simulator") as caught:
        monitor.open_monitor(f"{path}:port=simulated", played_on())
    assert "lpm01a" in caught.value.hint
