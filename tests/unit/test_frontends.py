from __future__ import annotations

import numpy as np
import pytest

from tests.data import find
from tinyperf.datasets import frontends
from tinyperf.errors import DataError


def noise(samples: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """The same int16 noise everywhere: a 32-bit linear congruential generator."""
    state, made = 1, []
    for _ in range(samples):
        state = (1664525 * state + 1013904223) % 2**32
        made.append((state >> 16) - 32768)
    return np.array(made, np.int16)


def test_all_120_official_clips_give_the_official_features_to_the_bit() -> None:
    with np.load(find("train/kws_frontend_pairs.npz")) as held:
        audio, expected = held["audio"], held["mfcc_int8"]
    wrong = sum(int(np.count_nonzero(frontends.kws_features(a) != e)) for a, e in zip(audio, expected, strict=True))
    assert (len(audio), wrong) == (120, 0)


def test_a_short_clip_is_filled_up_with_silent_frames() -> None:
    features = frontends.kws_features(noise(8000))
    assert features.shape == (49, 10)
    assert features[25:].tolist() == [[-128, 82, 83, 83, 83, 82, 83, 83, 83, 83]] * 24
    assert frontends.kws_features(noise(20000)).tolist() == frontends.kws_features(noise(16000)).tolist()


def test_digital_silence_is_refused() -> None:
    with pytest.raises(DataError, match="no sample above zero"):
        frontends.kws_features(np.full(16000, -5, np.int16))


def test_the_reproduced_fft_is_an_fft() -> None:
    frames = (noise(5 * 512) / np.float32(32768)).astype(np.float32).reshape(5, 512)
    real, imaginary = frontends.eigen_rfft(frames)
    assert np.allclose(real + 1j * imaginary, np.fft.rfft(frames), atol=2e-4)


def test_windows_are_five_frames_one_frame_apart() -> None:
    log_mel = np.arange(200 * 128, dtype=np.float32).reshape(200, 128)
    windows = frontends.ad_windows(log_mel)
    assert windows.shape == (196, 640)
    assert windows[7].tolist() == log_mel[7:12].reshape(-1).tolist()


def test_log_mel_is_librosas() -> None:
    """Expected: librosa 0.11.0, melspectrogram(n_fft=1024, hop_length=512, n_mels=128, power=2), 10 log10, 50..249."""
    audio = noise(130000)
    audio[60000:] //= 50
    log_mel = frontends.ad_log_mel(audio)
    places = ([0, 0, 10, 100, 150, 199], [0, 5, 40, 64, 100, 127])
    expected = [11.477526664, 10.442659378, 5.909232616, -24.75367546, -28.388718706, -22.305677414]
    assert log_mel.dtype == np.float32
    assert log_mel[places].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_clip_too_short_for_ad_is_refused() -> None:
    with pytest.raises(DataError, match="has 100000 samples, 128000 are needed"):
        frontends.ad_log_mel(np.zeros(100000, np.int16))


def test_pictures_are_squeezed_or_cropped() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 150:] = 200
    squeezed = frontends.vww_image(wide)
    assert squeezed.shape == (96, 96, 3)
    assert (squeezed[:, :47] == 0).all()
    assert (squeezed[:, 49:] == 200).all()
    framed = np.full((64, 128, 3), 9, np.uint8)
    framed[:, :32] = framed[:, 96:] = 255
    assert (frontends.ic_image(framed)[:, 1:-1] == 9).all()
    small = np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)
    assert frontends.ic_image(small).tolist() == small.tolist()


def test_resizing_is_what_pillow_does_to_one_code() -> None:
    image = pytest.importorskip("PIL.Image", reason="the extra 'data' is not installed")
    pixels = (noise(120 * 200 * 3).astype(np.int32) // 256 + 128).astype(np.uint8).reshape(120, 200, 3)
    by_pillow = np.asarray(image.fromarray(pixels).resize((96, 96), image.Resampling.BILINEAR)).astype(int)
    assert np.abs(frontends.resized(pixels, 96, 96).astype(int) - by_pillow).max() <= 1
