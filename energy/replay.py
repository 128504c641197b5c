"""A recorded session as an instrument: its samples and pulses come again, as from the original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinyperf.errors import UsageError
from tinyperf.formats import folder as formats
from tinyperf.measure.monitor import Chunk, Identity, Recorded

if TYPE_CHECKING:
    from tinyperf.formats.recorded import Recording

VERIFIED: Final = "simulated"
OPTIONS = {"session": "folder of an EnergyRunner, MLCommons or tinyperf energy session"}


class Replay(Recorded):
    """One recording, delivered at once. Made by `open_monitor`."""

    def __init__(self, recording: Recording, folder: Path) -> None:
        self._recording = recording
        self._folder = folder
        rate_hz = recording.sample_rate_hz
        pulses = tuple(p * rate_hz for p in recording.pulses_s)
        super().__init__([Chunk(0, recording.samples_j * rate_hz, pulses, recording.damage)])

    def describe(self) -> Identity:
        recording = self._recording
        return Identity(
            "replay",
            recording.format,
            self._folder.name,
            "",
            recording.sample_rate_hz,
            VERIFIED,
            recording.accuracy,
            recording.range_w,
        )


def open_monitor(options: dict[str, str]) -> Replay:
    """The session in options["session"]."""
    if "session" not in options:
        raise UsageError("replay: which session?", hint="for example replay:session=sessions/20230517133901")
    folder = Path(options["session"])
    return Replay(formats.energy(folder), folder)
