"""Training, without TensorFlow: what a task's data and variations are, what is dropped, what is fetched and listed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.data import find
from tinyperf import content
from tinyperf.cli import invoke
from tinyperf.datasets import official, originals
from tinyperf.datasets.download import Archive
from tinyperf.errors import ContentError, DataError, DeviceError, MissingExtraError, UsageError
from tinyperf.learn import arrays, reference, shipped_models, train
from tinyperf.learn.recipe import Samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.learn.recipe import Task

NAMES = ("ad", "ic", "kws", "vww")
SHAPES = {"kws": (4, 11, 98), "ic": (4, 32, 32, 3), "vww": (4, 120, 150, 3), "ad": (4, 200, 128)}


def samples_of(task: Task) -> Samples:
    """Four units of random data in the form that `load` gives."""
    rng = np.random.default_rng(0)
    kinds = {"kws": np.int8, "ad": np.float16}
    x = rng.integers(-60, 60, SHAPES[task.name]).astype(kinds.get(task.name, np.int16))
    x = x if task.name in kinds else (x + 100).astype(np.uint8)
    names = [f"sample {i}" for i in range(4)]
    return Samples(x, np.arange(4) % 2, names, np.zeros(4, bool), np.ones(4), windows=196 if task.name == "ad" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_an_official_input_among_the_samples_is_dropped_and_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = train.task(name)
    samples = samples_of(task)
    injected = official.digest(task.official(samples, 2))
    monkeypatch.setattr(official, "digests", lambda _: frozenset({injected}))
    kept, dropped = train.drop_official(task, samples)
    assert dropped == ("sample 2",)
    assert list(kept.names) == ["sample 0", "sample 1", "sample 3"]
    assert len(kept.x) == len(kept.y) == len(kept.validation) == len(kept.share) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_real_official_input_is_recognised_without_the_official_data(name: str) -> None:
    path = min(find(f"datasets/{name}01").glob("*.bin"))
    task = train.task(name)
    samples = samples_of(task)
    if name == "kws":
        samples.x[1][:10, ::2] = np.fromfile(path, np.int8).reshape(49, 10).T
    elif name == "ad":
        samples.x[1][:] = np.fromfile(path, "<f4").reshape(200, 128).astype(np.float16)
    else:
        picture = np.fromfile(path, np.uint8).reshape((96, 96, 3) if name == "vww" else (32, 32, 3))
        samples = dataclasses.replace(samples, x=[samples.x[0], picture, samples.x[2], samples.x[3]])
    _, dropped = train.drop_official(task, samples)
    assert dropped == ("sample 1",)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_dropped_where_nothing_is_official(name: str) -> None:
    samples = samples_of(train.task(name))
    kept, dropped = train.drop_official(train.task(name), samples)
    assert kept is samples
    assert dropped == ()


@pytest.mark.parametrize("name", NAMES)
def test_varied_inputs_have_the_plain_inputs_shape_and_depend_on_the_seed_only(name: str) -> None:
    task = train.task(name)
    samples, rows = samples_of(task), np.array([0, 3, 1])
    plain = task.plain(samples, rows)
    first, second = (task.augment(samples, rows, np.random.default_rng(5), 1) for _ in range(2))
    assert plain.dtype == first.dtype == np.float32
    assert plain.shape == first.shape
    assert np.array_equal(first, second)
    assert not np.array_equal(first, plain)
    if task.limits:
        assert plain.min() >= task.limits[0]
        assert plain.max() <= task.limits[1]


@pytest.mark.parametrize(("name", "code"), [("ic", 128.0), ("vww", 255.0)])
def test_pixels_span_the_codes(name: str, code: float) -> None:
    low, high = train.task(name).limits or (0.0, 0.0)
    assert (high - low) * code == pytest.approx(255.0)


def test_ad_adds_the_same_smooth_curve_to_all_five_frames() -> None:
    task = train.task("ad")
    samples, rows = samples_of(task), np.arange(8)
    added = task.augment(samples, rows, np.random.default_rng(0), 0) - task.plain(samples, rows)
    curves = added.reshape(8, 5, 128)
    assert np.allclose(curves, curves[:, :1], atol=1e-4)
    bends = np.abs(np.diff(curves[:, 0], n=2)) > 1e-3
    assert bends.sum(1).max() <= 2 * 9  # straight between the nine nodes


def test_the_schedule_rises_to_the_peak_and_falls_to_zero() -> None:
    recipe = dataclasses.replace(train.task("kws").recipe, rate=1.0, warmup=0.25)
    assert [train.one_cycle(recipe, at) for at in (0.0, 0.125, 0.25, 0.625, 1.0)] == [0.0, 0.5, 1.0, 0.5, 0.0]


def test_sources_are_found_in_a_folder_or_beside_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "find", lambda _: None)
    task = train.task("kws")
    with pytest.raises(DataError, match=r"no kws_sc2_mfcc\.npz"):
        train.sources(task, tmp_path)
    with pytest.raises(DataError, match="missing"):
        train.sources(task, tmp_path / "missing")
    own, noise = tmp_path / "mine.npz", tmp_path / "kws_noise.npz"
    own.touch()
    noise.touch()
    assert train.sources(task, own) == {"kws_sc2_mfcc.npz": own, "kws_noise.npz": noise}


def test_an_unknown_benchmark_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no training for 'kwz'"):
        train.task("kwz")


def test_without_tensorflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError) as caught:
        train.tensorflow()
    assert "tinyperf[train]" in caught.value.hint


def test_resume_refuses_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder"):
        train.resume(tmp_path)


def test_resume_refuses_changed_data(tmp_path: Path) -> None:
    data = tmp_path / "ad_toycar_normal.npz"
    data.write_bytes(b"other")
    recipe = dataclasses.asdict(train.task("ad").recipe)
    entry = {"path": str(data), "sha256": hashlib.sha256(b"first").hexdigest()}
    run = {"benchmark": "ad", "seed": 0, "recipe": recipe, "data": {data.name: entry}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(DataError, match="not the file this run began with"):
        train.parts_of(train.read_run(tmp_path))


@pytest.mark.parametrize("argv", [["quantize", "kws", "-o", "x.tflite"], ["quantize", "--model", "a.keras", "-o", "x"]])
def test_quantize_says_what_is_missing(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(argv) == 2
    assert "error:" in capsys.readouterr().err


def test_every_shipped_model_has_a_card_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in listed] == sorted(content.names("models", ".tflite"))
    assert all(len(card["licence"]) > 20 and "%" in card["accuracy"] + "%" for card in listed)


def test_a_card_without_licence_is_refused(tmp_path: Path) -> None:
    model, card = tmp_path / "my.tflite", tmp_path / "my.md"
    model.write_bytes(b"1")
    card.write_text("Accuracy: good\n")
    with pytest.raises(ContentError, match="0 lines that begin with 'Licence:'"):
        shipped_models.read_card("my", model, card)
    with pytest.raises(ContentError, match="has no card"):
        shipped_models.read_card("my", model, None)


def test_pull_without_network_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(DeviceError, match=r"http://127\.0\.0\.1:9/anomaly_detection.* cannot be fetched") as caught:
        reference.pull(tmp_path)
    assert caught.value.exit_code == 4


def test_pull_leaves_alone_what_is_there_and_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.tflite").write_bytes(b"weights")
    pinned = Archive("http://127.0.0.1:9/w.tflite", 7, "sha256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(reference, "archives", lambda: [pinned])
    assert reference.pull(tmp_path) == [tmp_path / "w.tflite"]


def test_the_reference_table_is_what_the_data_folder_holds() -> None:
    archives = reference.archives()
    assert len(archives) == 14
    folder = find("reference_models")
    for archive in archives:
        content = (folder / archive.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (archive.size_bytes, archive.digest)


CLIPS = {
    "mfcc": np.zeros((4, 10, 98), np.int8),
    "y": np.zeros(4, np.uint8),
    "fname": np.array(["a"] * 4),
    "split": np.array(["training"] * 4),
    "exact": np.ones(4, np.uint8),
}
LOG_MEL = {"x": np.zeros((4, 200, 128), np.float16), "name": np.array(["a"] * 4)}
PICTURES = {"jpeg": np.zeros(9, np.uint8), "offset": np.array([0, 4, 9]), "y": np.zeros(2, np.uint8)}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        pytest.param("kws", {"exact": None}, "'exact' is missing or of another kind", id="array missing"),
        pytest.param("kws", {"y": np.zeros(3, np.uint8)}, "'y' is missing or of another kind", id="labels short"),
        pytest.param("kws", {"y": np.array(["a"] * 4)}, "'y' is missing or of another kind", id="labels are words"),
        pytest.param("kws", {"mfcc": np.zeros((4, 10, 49), np.int8)}, "'mfcc' is missing or of", id="shape"),
        pytest.param("kws", {"mfcc": np.zeros((0, 10, 98), np.int8)}, "'mfcc' is missing or of", id="no samples"),
        pytest.param("kws", {"mfcc": np.zeros((4, 10, 98), np.int16)}, "'mfcc' is missing or of", id="codes too wide"),
        pytest.param("kws", {"split": np.zeros(4)}, "'split' is missing or of another kind", id="split is a number"),
        pytest.param("ad", {"x": np.zeros((4, 200, 128))}, "'x' is missing or of another kind", id="float64"),
        pytest.param("ad", {"name": np.arange(4)}, "'name' is missing or of another kind", id="names are numbers"),
        pytest.param("kws", {"extra": np.array([1.0, np.nan])}, "not finite, first in row 1", id="not a number"),
        pytest.param("kws", {"extra": np.array(np.nan)}, "not finite, first in row 0", id="a single value"),
        pytest.param("ic", {}, "picture 0 cannot be decoded", id="no JPEG"),
        pytest.param("ic", {"offset": np.array([0, 9])}, "2 offsets into 9 bytes do not fit 2 labels", id="offsets"),
    ],
)
def test_a_training_file_that_is_none_is_named(
    name: str, change: dict[str, np.ndarray[Any, Any] | None], words: str, tmp_path: Path
) -> None:
    known = train.task(name)
    held = {"kws": CLIPS, "ad": LOG_MEL, "ic": PICTURES}[name] | change
    path = tmp_path / known.files[0]
    originals.save(path, **{key: value for key, value in held.items() if value is not None})
    with pytest.raises(DataError) as caught:
        known.load({known.files[0]: path}, 0)
    assert str(path) in caught.value.seen
    assert words in f"{caught.value.seen} {caught.value.means}"


def _cut_short(path: Path) -> None:
    np.savez(path, x=np.zeros(1000))
    os.truncate(path, 3000)


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        pytest.param(lambda path: path.touch(), "npz file: it is no zip archive", id="empty"),
        pytest.param(lambda path: path.write_text("hello"), "npz file: it is text", id="text"),
        pytest.param(_cut_short, r"npz file \(BadZipFile\)", id="cut short"),
        pytest.param(
            lambda path: np.save(path.with_suffix(".npy"), np.zeros(3)), "it is an .npy NumPy array", id="one array"
        ),
        pytest.param(lambda path: np.savez(path, x=np.array([{}])), r"npz file \(ValueError\)", id="objects"),
        pytest.param(lambda path: path.write_bytes(pickle.dumps([1])), "it is a Python pickle", id="pickle"),
        pytest.param(os.mkfifo, "is a pipe, which is not opened", id="pipe"),
        pytest.param(lambda path: path.mkdir(), "is a directory", id="folder"),
    ],
)
def test_a_damaged_npz_is_a_data_error(spoil: Callable[[Path], object], seen: str, tmp_path: Path) -> None:
    spoil(tmp_path / "x.npz")
    (path,) = tmp_path.iterdir()
    with pytest.raises(DataError, match=seen):
        arrays.read(path)


def test_noise_recordings_too_short_for_crops_are_left_out_and_named(tmp_path: Path) -> None:
    originals.save(tmp_path / "kws_sc2_mfcc.npz", **CLIPS)
    np.savez(tmp_path / "kws_noise.npz", short=np.zeros(16000, np.int16))
    known = train.task("kws")
    samples = known.load({name: tmp_path / name for name in ("kws_sc2_mfcc.npz", "kws_noise.npz")}, 0)
    assert len(samples.y) == 4
    assert samples.notes[0] == "recording short is too short for crops"


def test_noise_with_digital_silence_in_it_gives_crops_of_its_sound(tmp_path: Path) -> None:
    originals.save(tmp_path / "kws_sc2_mfcc.npz", **CLIPS)
    audio = np.random.default_rng(0).integers(-900, 900, 320000).astype(np.int16)
    audio[40000:120000] = 0
    paths = {name: tmp_path / name for name in ("kws_sc2_mfcc.npz", "kws_noise.npz")}
    known = train.task("kws")
    module = content.load_module("models", content.names("models", ".py")["kws"])
    np.savez(paths["kws_noise.npz"], fan=audio)
    samples = module.load(paths, 0, noise_crops=30, noise_held_out=4)
    assert (len(samples.y), int(samples.validation.sum())) == (4 + 30 + 4, 4)
    assert (samples.x[4:, :10].std((1, 2)) > 0).all()
    np.savez(paths["kws_noise.npz"], fan=np.zeros(320000, np.int16))
    with pytest.raises(DataError, match=r"recording fan of kws_noise\.npz is nothing but silence"):
        known.load(paths, 0)
    np.savez(paths["kws_noise.npz"], fan=audio.astype(np.float32))
    with pytest.raises(DataError, match=r"recording fan is \[320000\] float32, needed is \[samples\] int16"):
        known.load(paths, 0)


def test_a_reference_file_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow ends the whole process on a model cut short."""
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path))
    folder = tmp_path / "reference_models"
    folder.mkdir(parents=True)
    (folder / "pretrainedResnet_large_int8.tflite").write_bytes(b"cut short")
    with pytest.raises(DataError, match=r"is not the pretrainedResnet_large_int8\.tflite of mlcommons/tiny 1afd2c9"):
        reference.find("pretrainedResnet_large_int8.tflite")


def test_a_clip_in_single_precision_is_recognised_too() -> None:
    path = min(find("datasets/ad01").glob("*.bin"))
    task = train.task("ad")
    x = np.fromfile(path, "<f4").reshape(1, 200, 128)
    for stored in (x, x.astype(np.float16), x.astype(np.float16).astype(np.float32)):
        samples = Samples(stored, np.zeros(1, np.int64), ["clip"], np.zeros(1, bool), np.ones(1))
        assert train.drop_official(task, samples)[1] == ("clip",)


@pytest.mark.parametrize(
    "change",
    [{"data": {}}, {"seed": -1}, {"seed": "0"}, {"epochs": "4"}, {"hints": None}, {"batch": 0}, {"path": 7}],
    ids=str,
)
def test_a_run_description_that_was_changed_by_hand_is_damaged(change: dict[str, Any], tmp_path: Path) -> None:
    recipe = dataclasses.asdict(train.task("ad").recipe)
    entry = {"path": "x.npz", "sha256": "0"}
    run: dict[str, Any] = {"benchmark": "ad", "seed": 0, "recipe": recipe, "data": {"x.npz": entry}}
    for part in (run, recipe, entry):
        part |= {key: value for key, value in change.items() if key in part}
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        train.read_run(tmp_path)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        pytest.param(["models", "--out", "x"], "--out without 'pull'", id="models"),
        pytest.param(["data", "kws", "--synthetic", "--pull", "--out", "x"], "--pull together with", id="data"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(argv) == 2
    assert words in capsys.readouterr().err


def test_only_the_official_calibration_images_are_called_so(tmp_path: Path) -> None:
    known = train.task("ic")
    images = np.zeros((40, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "ic_calibration.npz", x=images, test_index=np.arange(40))
    samples = Samples(images, np.zeros(40, np.int64), [], np.zeros(40, bool), np.ones(40))
    assert known.calibration(samples, {"ic_calibration.npz": tmp_path / "ic_calibration.npz"})[1] == "1 training images"
