"""Audio and images to model inputs, as the reference's own pre-processing makes them; numpy only.

Sources: mlcommons/tiny 1afd2c9, `training/*/` (get_dataset.py, common.py); what is not written there is measured, as
the comments say.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Singles = npt.NDArray[np.float32]

SAMPLE_RATE_HZ = 16000
KWS_SAMPLES = 16000
KWS_FRAME, KWS_HOP, KWS_FFT = 480, 320, 512
AD_FFT, AD_HOP, AD_MELS = 1024, 512, 128
AD_FIRST_FRAME, AD_FRAMES, AD_WINDOW_FRAMES = 50, 200, 5
AD_SAMPLES = (AD_FIRST_FRAME + AD_FRAMES - 1) * AD_HOP
"""A ToyCar clip must be at least this long (7.97 s): the last frame is centred here."""

# What the reference's TensorFlow gave for a frame of zeros. Coefficients 1 to 9 are exactly 0 there, so that rounding
# noise of its float32 DCT decided between 83 and 82; found in the official features.
_KWS_SILENT_FRAME = np.array([-128, 82, 83, 83, 83, 82, 83, 83, 83, 83], np.int8)


def kws_features(audio: npt.NDArray[np.int16], *, first_sample: int = 0) -> npt.NDArray[np.int8]:
    """Keyword spotting: one clip to the model's input, equal to the official features to the bit.

    Normalized by the *signed* maximum; 49 frames of 30 ms every 20 ms; magnitude spectrum; 40 mel bands, 20 to
    4000 Hz; natural logarithm; 10 DCT coefficients; truncated, not rounded, to codes of scale 0.5847029, zero
    point 83.

    Args:
        audio: int16 [samples], 16 kHz; the first second counts, a shorter clip is filled up with zeros.
        first_sample: where the first frame begins, 0 to 160; other than 0 for finer training data.
    Returns: int8 [49, 10], [time, coefficient].
    Raises:  DataError: no sample above zero (the reference divides by the maximum).
    """
    second = np.zeros(KWS_SAMPLES, np.int16)
    second[: min(len(audio), KWS_SAMPLES)] = audio[:KWS_SAMPLES]
    peak = int(second.max())
    if peak <= 0:
        raise DataError(
            "the clip has no sample above zero",
            means="it is digital silence, and the reference divides by the greatest sample",
            hint="leave the clip out; crops of background noise serve as silence",
        )
    hann, mel, dct = _kws_tables()
    starts = first_sample + np.arange(49) * KWS_HOP
    frames = (second.astype(np.float32) / np.float32(peak))[starts[:, None] + np.arange(KWS_FRAME)]
    padded = np.zeros((len(starts), KWS_FFT), np.float32)
    padded[:, :KWS_FRAME] = frames * hann
    real, imaginary = eigen_rfft(padded)
    magnitude = np.hypot(real.astype(np.float64), imaginary.astype(np.float64))
    cepstrum = (np.log(magnitude @ mel + 1e-6) @ dct).astype(np.float32)
    kws = benchmark("kws")
    steps = cepstrum / np.float32(kws.wire_scale) + np.float32(kws.wire_zero_point)
    codes: npt.NDArray[np.int8] = np.clip(np.trunc(steps), -128, 127).astype(np.int8)
    codes[~frames.any(axis=1)] = _KWS_SILENT_FRAME
    return codes


def ad_log_mel(audio: npt.NDArray[np.int16] | Singles) -> Singles:
    """Anomaly detection: one clip to 200 frames of log-mel energies in dB, as librosa 0.6 computes them.

    Power spectrum of 1024 samples every 512, centred, periodic Hann; 128 Slaney mel bands with area normalisation, 0
    to 8000 Hz; 10 log10(E + 2.2e-16); frames 50 to 249 are kept (no padding reaches them).

    Args:    audio: [samples], 16 kHz, int16, or float32 within -1..1; at least AD_SAMPLES long.
    Returns: float32 [200, 128], time first: the contents of an official ad01 file.
    Raises:  DataError: the clip is too short.
    """
    if len(audio) < AD_SAMPLES + AD_FFT // 2:
        raise DataError(
            f"the clip has {len(audio)} samples, {AD_SAMPLES + AD_FFT // 2} are needed",
            means=f"frames {AD_FIRST_FRAME} to {AD_FIRST_FRAME + AD_FRAMES - 1} of a clip of about 10 s are used",
            hint="ToyCar clips last 10 to 11 s at 16 kHz",
        )
    wave = audio.astype(np.float64) / (32768.0 if audio.dtype == np.int16 else 1.0)
    hann, mel = _ad_tables()
    first = AD_FIRST_FRAME * AD_HOP - AD_FFT // 2
    starts = first + np.arange(AD_FRAMES) * AD_HOP
    frames = wave[starts[:, None] + np.arange(AD_FFT)] * hann
    power = np.abs(np.fft.rfft(frames).astype(np.complex64)) ** 2
    decibels: Singles = (10.0 * np.log10(power @ mel + np.finfo(np.float64).eps)).astype(np.float32)
    return decibels


def ad_windows(log_mel: Singles) -> Singles:
    """float32 [frames, 128] to the model's inputs [frames - 4, 640]: five frames each, one further every time."""
    slid = np.lib.stride_tricks.sliding_window_view(log_mel, AD_WINDOW_FRAMES, axis=0)
    windows: Singles = np.ascontiguousarray(slid.transpose(0, 2, 1)).reshape(len(slid), -1)
    return windows


def vww_image(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Visual wake words: a picture to uint8 [96, 96, 3].

    The whole picture is squeezed to the square with an anti-aliasing filter, aspect ratio not kept, as Silicon Labs'
    `buildPersonDetectionDatabase.py` does, which made the reference's data; its filter differs (Gaussian).
    """
    return resized(pixels, 96, 96)


def ic_image(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Image classification: a picture to uint8 [32, 32, 3]. CIFAR-10's stay as they are; others: the middle square."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(pixels[top : top + side, left : left + side], 32, 32)


def resized(pixels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """A picture uint8 [h, w, 3] at another size: triangle filter, as wide as the step, as Pillow's BILINEAR."""
    if pixels.shape[:2] == (height, width):
        return pixels
    down, across = _triangle(pixels.shape[0], height), _triangle(pixels.shape[1], width)
    rows = (down @ pixels.reshape(pixels.shape[0], -1)).reshape(height, *pixels.shape[1:])
    mixed = across @ rows
    codes: npt.NDArray[np.uint8] = np.clip(np.floor(mixed + 0.5), 0, 255).astype(np.uint8)
    return codes


@functools.cache
def _triangle(before: int, after: int) -> Floats:
    """[after, before]: weights of the old pixels in each new one."""
    step = before / after
    reach = max(step, 1.0)
    centres = (np.arange(after) + 0.5) * step
    distance = np.abs(np.arange(before) + 0.5 - centres[:, None]) / reach
    weights = np.maximum(1.0 - distance, 0.0)
    normalized: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normalized


@functools.cache
def _kws_tables() -> tuple[Singles, Floats, Floats]:
    """Periodic Hann [480], mel weights [257, 40] (DC row zero, no area normalisation), DCT-II [40, 10]."""

    def mel(hertz: Floats) -> Floats:
        scaled: Floats = 1127.0 * np.log(1.0 + hertz / 700.0)
        return scaled

    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(KWS_FRAME) / KWS_FRAME)).astype(np.float32)
    low, high = mel(np.array([20.0, 4000.0]))
    edges = np.linspace(low, high, 42)
    bins = mel(np.linspace(0, SAMPLE_RATE_HZ / 2, KWS_FFT // 2 + 1)[1:])[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.vstack([np.zeros(40), np.maximum(np.minimum(rising, falling), 0.0)])
    dct = np.sqrt(2 / 40) * np.cos(np.pi / 40 * np.outer(np.arange(40) + 0.5, np.arange(10)))
    return hann, weights, dct


@functools.cache
def _ad_tables() -> tuple[Floats, Floats]:
    """Periodic Hann [1024], Slaney mel weights [513, 128]: linear below 1 kHz, logarithmic above, area 1."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(AD_FFT) / AD_FFT)
    linear_hz, log_step = 200.0 / 3.0, np.log(6.4) / 27.0
    top = 15.0 + np.log(8000.0 / 1000.0) / log_step
    mels = np.linspace(0.0, top, AD_MELS + 2)
    edges = np.where(mels < 15.0, mels * linear_hz, 1000.0 * np.exp(log_step * (mels - 15.0)))
    bins = np.linspace(0, SAMPLE_RATE_HZ / 2, AD_FFT // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights: Floats = np.maximum(np.minimum(rising, falling), 0.0) * (2.0 / (edges[2:] - edges[:-2]))
    return hann, weights


def eigen_rfft(frames: Singles) -> tuple[Singles, Singles]:
    """Real and imaginary part [n, 257] of the spectra of float32 [n, 512], with the rounding of Eigen's old FFT.

    Radix 2, decimation in time. The official features were made with a TensorFlow that used it, and one code in 60,000
    depends on its twiddle factors. Parts are kept apart because numpy's complex product may fuse, by machine.
    """
    real = frames.T[_bit_reversed()]  # frames last: the inner loop stays long in every stage
    imaginary = np.zeros_like(real)
    size, count = 2, len(frames)
    while size <= KWS_FFT:
        cosine, sine = _twiddles(size)
        re = real.reshape(-1, 2, size // 2, count)
        im = imaginary.reshape(-1, 2, size // 2, count)
        odd_re = re[:, 1] * cosine - im[:, 1] * sine
        odd_im = re[:, 1] * sine + im[:, 1] * cosine
        real = np.concatenate([re[:, 0] + odd_re, re[:, 0] - odd_re], axis=1)
        imaginary = np.concatenate([im[:, 0] + odd_im, im[:, 0] - odd_im], axis=1)
        size *= 2
    half = KWS_FFT // 2 + 1
    return real.reshape(KWS_FFT, count)[:half].T, imaginary.reshape(KWS_FFT, count)[:half].T


@functools.cache
def _bit_reversed() -> npt.NDArray[np.intp]:
    bits = KWS_FFT.bit_length() - 1
    return np.array([int(f"{index:0{bits}b}"[::-1], 2) for index in range(KWS_FFT)])


@functools.cache
def _twiddles(size: int) -> tuple[Singles, Singles]:
    """Cosine and sine [size / 2, 1] of one stage; above 8 points by Eigen's recurrence, four factors at a time."""
    angles = -2 * np.pi * np.arange(size // 2) / size
    if size <= 8:
        return np.cos(angles).astype(np.float32)[:, None], np.sin(angles).astype(np.float32)[:, None]
    step = (np.float32(1) + np.float32(-2 * np.sin(np.pi / size) ** 2), np.float32(-np.sin(2 * np.pi / size)))
    second = _product(step, step)
    third = _product(second, step)
    fourth = _product(third, step)
    factor = (np.float32(1), np.float32(0))
    factors = []
    for _ in range(size // 8):
        factors += [factor, _product(factor, step), _product(factor, second), _product(factor, third)]
        factor = _product(factor, fourth)
    cosine, sine = zip(*factors, strict=True)
    return np.array(cosine, np.float32)[:, None], np.array(sine, np.float32)[:, None]


def _product(a: tuple[np.float32, np.float32], b: tuple[np.float32, np.float32]) -> tuple[np.float32, np.float32]:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
