"""Streaming wakeword: audio to the model's features, as the reference's own front end makes them; numpy only.

Sources: mlcommons/tiny 1afd2c9, `training/streaming_wakeword/get_dataset.py` (get_lfbe_func), and `th_compute_lfbe_f32`
of the reference firmware; both say the same but for rounding. Our firmware's is `streaming/tp_features.c`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Singles = npt.NDArray[np.float32]

RATE_HZ = 16000
HOP = 512
"""Samples of a frame: 32 ms."""
FRAME = 1024
MELS = 40
FRAMES = 30
"""Of the model's input, the newest last."""
PRE_EMPHASIS = np.float32(0.96875)
OFFSET_DB, RANGE_DB = np.float32(52.0), np.float32(64.0)
LEAST = np.float32(1e-30)
DETECTED_ABOVE = 115
"""Code of output 0 from which on the reference firmware takes the word for heard."""
BEFORE = 0
"""Code of every feature before the stream's first frame: the reference firmware clears its window to it."""


class Mel(NamedTuple):
    """The filter bank, filter for filter: its first bin [40], how many [40], and their weights one behind the other."""

    first: npt.NDArray[np.int64]
    bins: npt.NDArray[np.int64]
    weights: Singles


@functools.cache
def window() -> Singles:
    """float32 [1024]: Hamming, symmetric."""
    made: Singles = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))).astype(np.float32)
    return made


@functools.cache
def mel() -> Mel:
    """40 triangles, equally wide on the mel scale from 0 to 8000 Hz, height 1; the bin of 0 Hz is in none."""
    edges = np.linspace(0.0, 1127.0 * np.log(1.0 + RATE_HZ / 2 / 700.0), MELS + 2)
    bins = 1127.0 * np.log(1.0 + np.linspace(0.0, RATE_HZ / 2, FRAME // 2 + 1) / 700.0)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    dense = np.maximum(np.minimum(rising, falling), 0.0)
    dense[0] = 0.0
    inside = dense > 0.0
    first = inside.argmax(axis=0)
    weights = np.concatenate([dense[inside[:, filter_], filter_] for filter_ in range(MELS)])
    return Mel(first, inside.sum(axis=0), weights.astype(np.float32))


def features(audio: npt.NDArray[np.int16]) -> Singles:
    """Log-mel energies of every whole frame of a stream; silence stands before it.

    Args:    audio: int16 [samples], 16 kHz, one channel.
    Returns: float32 [samples // 512, 40] in 0..1: (10 log10(E) + 52) / 64, clipped.
    """
    count = len(audio) // HOP
    if not count:
        return np.zeros((0, MELS), np.float32)
    heard = np.zeros(1 + HOP * (count + 1), np.float32)
    heard[1 + HOP :] = audio[: count * HOP].astype(np.float32) / np.float32(32768.0)
    emphasized = heard[1:] - PRE_EMPHASIS * heard[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(emphasized, FRAME)[::HOP] * window()
    return _log_mel(np.fft.rfft(frames.astype(np.float64)))


def _log_mel(spectra: npt.NDArray[np.complex128]) -> Singles:
    """[frames, 513] to [frames, 40]."""
    power = ((spectra.real**2 + spectra.imag**2) / FRAME).astype(np.float32)
    bank = mel()
    starts = np.concatenate([[0], np.cumsum(bank.bins)[:-1]])
    bins = np.concatenate([np.arange(f, f + n) for f, n in zip(bank.first, bank.bins, strict=True)])
    energy = np.add.reduceat(power[:, bins].astype(np.float64) * bank.weights, starts, axis=1).astype(np.float32)
    decibels = (10.0 * np.log10(np.maximum(energy, LEAST).astype(np.float64))).astype(np.float32)
    scaled: Singles = np.clip((decibels + OFFSET_DB) / RANGE_DB, np.float32(0.0), np.float32(1.0))
    return scaled


def codes(values: Singles, scale: float, zero_point: int = -128) -> npt.NDArray[np.int8]:
    """int8 codes of features, of the same shape: truncated, not rounded.

    What is beyond the largest code stays there. In the reference firmware that conversion has no defined result.
    """
    steps = values / np.float32(scale) + np.float32(zero_point)
    made: npt.NDArray[np.int8] = np.clip(np.trunc(steps), -128, 127).astype(np.int8)
    return made


def inputs(frames: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The model's input at each frame of a stream: int8 [n, 40] to [n, 30, 40]."""
    padded = np.concatenate([np.full((FRAMES - 1, MELS), BEFORE, np.int8), frames])
    slid = np.lib.stride_tricks.sliding_window_view(padded, FRAMES, axis=0)
    return np.ascontiguousarray(slid.transpose(0, 2, 1))
