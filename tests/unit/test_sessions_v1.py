"""Sessions that tinyperf 0.1.0 wrote (format 1), as they were: the same figures, the same files, and resumed.

Made by 0.1.0's own code on fake devices, with made-up inputs; `@HERE@` stands for the folder that they lay in. log.txt
is left out: what it says, and when, has changed since on purpose.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.test_session import dataset, right_class
from tinyperf.errors import DeviceError, UsageError
from tinyperf.session import replay, store
from tinyperf.session import run as session
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from collections.abc import Callable

SESSIONS = Path(__file__).parents[1] / "sessions_v1"
FINISHED = ["performance", "accuracy", "energy"]
RUN_MODE = (b"key[runMode]-val[multi]", b"key[runMode]-val[accuracy]")  # EnergyRunner's word since, and 0.1.0's
REMARK = re.compile(rb"(Median energy .*uJ/inf\.) (\(.*\))\n(-+)\n")  # behind the figure since; 0.1.0 had it below
BUILD_ID = "0123456789abcdef" * 2


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[[str], Path]:
    """A session put back where it seems to have been made, with its image and its inputs."""
    return lambda name: unpack(name, tmp_path)


def unpack(name: str, here: Path) -> Path:
    """The session `name` in `here`, a new folder, with its image and its inputs."""
    (here / "fw.bin").write_bytes(b"not run")
    dataset(here, 6)
    for path in sorted((SESSIONS / name).rglob("*")):
        to = here / "session" / path.relative_to(SESSIONS / name)
        if path.is_dir():
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gz":
            to.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        elif path.name != "figures.json":
            to.write_bytes(placed(path, here))
    return here / "session"


def placed(path: Path, here: Path) -> bytes:
    return path.read_bytes().replace(b"@HERE@", str(here).encode())


def figures(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SESSIONS / name / "figures.json").read_text())
    return found


def as_then(result: dict[str, Any]) -> dict[str, Any]:
    """Without the place, and without the keys that a result did not have then."""
    found: dict[str, Any] = json.loads(json.dumps(result))
    since = ("name", "created", "model", "clock_hz", "cycles_per_inference", "streaming")
    return {key: value for key, value in found.items() if key not in ("session", *since)}


@pytest.mark.parametrize("name", [*FINISHED, "energy-cut"])
def test_the_figures_are_the_same(name: str, unpacked: Callable[[str], Path]) -> None:
    assert as_then(replay.recompute(unpacked(name)).as_dict()) == figures(name)


@pytest.mark.parametrize("name", FINISHED)
def test_the_files_are_the_same_to_the_byte(name: str, unpacked: Callable[[str], Path]) -> None:
    at = unpacked(name)
    session.resume(at)
    made = {path.relative_to(SESSIONS / name) for path in (SESSIONS / name).rglob("*.*") if path.suffix != ".gz"}
    for path in made - {Path("session.json"), Path("figures.json")}:
        as_it_was = REMARK.sub(rb"\1\n\3\n\2\n", (at / path).read_bytes().replace(*RUN_MODE))
        assert as_it_was == placed(SESSIONS / name / path, at.parent), path
    assert json.loads((at / "session.json").read_text())["format"] == 2
    assert as_then(replay.recompute(at).as_dict()) == figures(name)


def test_interrupted_windows_are_finished(unpacked: Callable[[str], Path]) -> None:
    """The image was brought, so the build id in the record was the device's: it must be the same device's now."""
    at = unpacked("performance-cut")
    fake = FakeDevice(right_class, build_id=BUILD_ID)
    found = session.resume(at, open_link=lambda _: fake)
    assert found.valid, found.reasons
    assert found.performance is not None
    assert [w.inferences for w in found.performance.windows] == [214] * 5
    assert [c for c in fake.commands if c.startswith("infer")] == ["infer 214 10"] * 2
    assert found.notes == ("1 inputs were sent a second time; the transcript says why",)


def test_interrupted_windows_are_not_finished_on_other_firmware(unpacked: Callable[[str], Path]) -> None:
    at = unpacked("performance-cut")
    with pytest.raises(DeviceError, match=f"has build id {'f' * 32}; the session was begun with {BUILD_ID}"):
        session.resume(at, open_link=lambda _: FakeDevice(right_class, build_id="f" * 32))


def test_interrupted_inputs_are_finished(unpacked: Callable[[str], Path]) -> None:
    fake = FakeDevice(right_class)
    found = session.resume(unpacked("accuracy-cut"), open_link=lambda _: fake)
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 6)
    assert sum(command.startswith("infer") for command in fake.commands) == 3


def test_an_interrupted_recording_stays_one(unpacked: Callable[[str], Path]) -> None:
    with pytest.raises(UsageError, match="holds an energy run that was interrupted"):
        session.resume(unpacked("energy-cut"))


@pytest.mark.parametrize("name", [path.name for path in sorted(SESSIONS.iterdir())])
def test_a_record_is_read_as_it_was_written(name: str, unpacked: Callable[[str], Path]) -> None:
    first = store.load(unpacked(name))
    first.learn()
    assert store.load(first.at).record == first.record
