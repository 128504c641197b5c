"""Sound for the streaming wakeword: a .wav file, and when in it the word is spoken.

The list is the MLCommons runner's (`sww_long_test.json`): objects with `wav_file`, `detection_windows` ([begin, end] of
each word in seconds), `length_sec` and `sample_rate`; of several objects the first counts. The file lies beside it.
"""

from __future__ import annotations

import hashlib
import json
import math
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import wakeword
from tinyperf.datasets.layout import Dataset, Sample
from tinyperf.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.result import Inputs

LISTS = ("sww_long_test.json", "sww_med_test.json", "sww_short_test.json")
"""What a folder is searched for, in this order, before any other *.json."""
OFFICIAL_WINDOWS = "09ba9442"
"""First digits of the SHA-256 of the official windows, as `_digest` takes them (mlcommons/tiny 1afd2c9)."""
OFFICIAL_WAVS = ("fd8889773de045cf05e9d1f9921354aac121cd80", "8af6a23b74e080826eacc84c766e5fc121520a4e")
"""Git's names (SHA-1) of the two copies of `long_wav.wav` there: of the memory card, and beside the list."""
SYNTHETIC_S = 12.0
HINT = "give a folder with sww_long_test.json and its .wav, as benchmark/runner/sww_data_dir of mlcommons/tiny is"


@dataclass(frozen=True)
class Stream:
    """Sound and its words. `wav`: the file; None: made up. `windows_s`: [(begin, end)] of each word."""

    name: str
    length_s: float
    windows_s: tuple[tuple[float, float], ...]
    wav: Path | None
    kind: Inputs

    def samples(self) -> npt.NDArray[np.int16]:
        """int16 [n, 2], 16 kHz.

        Raises: DataError: no such .wav file.
        """
        return read_wav(self.wav) if self.wav else _made_up()


def load(data: Path | None) -> Stream:
    """The stream of a list, or of a folder that holds one; None: made up, without words.

    Raises: DataError: no list, a damaged one, or the file that it names is missing or of another form.
    """
    if data is None:
        return Stream("synthetic.wav", SYNTHETIC_S, (), None, "synthetic")
    path = _list(data)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        one = held[0] if isinstance(held, list) else held
        name, windows = str(one["wav_file"]), _windows(one["detection_windows"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError) as exc:
        raise DataError(f"{path} is no list of streams: {exc!r}", hint=HINT) from exc
    wav = path.parent / Path(name).name
    length_s = len(read_wav(wav)) / wakeword.RATE_HZ
    if windows and windows[-1][1] > length_s:
        raise DataError(
            f"{path}: the last word ends at {windows[-1][1]:g} s, {wav.name} lasts {length_s:g} s",
            means="the list is of another file",
            hint=HINT,
        )
    official = _digest(windows) == OFFICIAL_WINDOWS and _git_name(wav) in OFFICIAL_WAVS
    return Stream(wav.name, length_s, windows, wav, "official" if official else "user")


def dataset(stream: Stream, benchmark: Benchmark) -> Dataset:
    """The stream as the one sample of a set."""
    data: Path | bytes = stream.wav or stream.samples().tobytes()
    sample = Sample(stream.name, 0, data, benchmark.input_bytes, 0)
    return Dataset(stream.kind, (sample,), stream.wav.parent if stream.wav else None, benchmark.labels, "f1")


def _list(data: Path) -> Path:
    if data.is_file():
        return data
    found = [data / at / name for at in ("", "sww01") for name in LISTS if (data / at / name).is_file()]
    found += sorted(data.glob("*.json"))
    if not found:
        what = "holds no list of streams" if data.is_dir() else "does not exist"
        raise DataError(f"{data} {what}", hint=HINT)
    return found[0]


def _windows(held: Any) -> tuple[tuple[float, float], ...]:
    windows = tuple((float(begin), float(end)) for begin, end in held)
    ends = [0.0, *(edge for window in windows for edge in window)]
    if not all(map(math.isfinite, ends)) or ends != sorted(ends):
        raise ValueError("detection_windows are not in the order of time")
    return windows


def _digest(windows: tuple[tuple[float, float], ...]) -> str:
    return hashlib.sha256(json.dumps([[round(edge, 6) for edge in one] for one in windows]).encode()).hexdigest()[:8]


def _git_name(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def read_wav(path: Path) -> npt.NDArray[np.int16]:
    """int16 [n, 2] of a stereo file of 16 kHz and 16 bits, the form that the interface board plays.

    Raises: DataError: missing, damaged or of another form.
    """
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as exc:
        raise DataError(f"{path} cannot be read as a .wav file: {exc}", hint=HINT) from exc
    if form != (2, 16, wakeword.RATE_HZ):
        raise DataError(
            f"{path} has {form[0]} channel(s) of {form[1]} bits at {form[2]} Hz",
            means="the interface board plays 2 channels of 16 bits at 16000 Hz",
            hint="convert it, for example with 'sox IN.wav -r 16000 -b 16 -c 2 OUT.wav'",
        )
    return np.frombuffer(data[: len(data) // 4 * 4], "<i2").reshape(-1, 2)


def write_wav(path: Path, samples: npt.NDArray[np.int16]) -> None:
    """A file as `read_wav` reads it; int16 [n, 2]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(wakeword.RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def _made_up() -> npt.NDArray[np.int16]:
    """Noise from SHAKE-128, quiet; no word is in it."""
    count = round(SYNTHETIC_S * wakeword.RATE_HZ)
    noise = np.frombuffer(hashlib.shake_128(b"tinyperf synthetic sww").digest(2 * count), "<i2") // 64
    return np.repeat(noise, 2).astype(np.int16).reshape(-1, 2)
