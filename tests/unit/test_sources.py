"""The four original datasets, on small trees in their real layouts, whole and damaged."""

from __future__ import annotations

import hashlib
import http.server
import io
import itertools
import json
import os
import struct
import tarfile
import threading
import wave
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from tests.data import find
from tinyperf import api, cli
from tinyperf.benchmark import BENCHMARKS, benchmark
from tinyperf.datasets import cifar10, download, frontends, layout, originals, sources, speech_commands, synthetic
from tinyperf.errors import DataError, DeviceError, UsageError
from tinyperf.rules import accuracy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("soundfile", reason="the extra 'data' is not installed")
Image = pytest.importorskip("PIL.Image", reason="the extra 'data' is not installed")


def write_wav(path: Path, samples: np.ndarray[Any, np.dtype[np.int16]], *, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def sound(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.random.default_rng(seed).integers(-9000, 9000, count).astype(np.int16)


def speech_tree(root: Path) -> Path:
    """20 files: 12 clips of six words, three recordings' worth of noise, three test-set clips, two lists."""
    words = ("yes", "no", "up", "go", "bed", "zero")
    for index, word in enumerate(words):
        write_wav(root / word / "aaaa1111_nohash_0.wav", sound(index, 16000))
        write_wav(root / word / f"bbbb{index}_nohash_1.wav", sound(50 + index, 14000))
    for index, name in enumerate(("pink_noise", "running_tap", "white_noise")):
        write_wav(root / "_background_noise_" / f"{name}.wav", sound(90 + index, 160000))
    for index, name in enumerate(("yes", "_silence_", "_unknown_")):
        write_wav(root / "speech_commands_test_set_v0.02" / name / f"cc_nohash_{index}.wav", sound(70 + index, 16000))
    (root / "testing_list.txt").write_text("".join(f"{w}/aaaa1111_nohash_0.wav\n" for w in words))
    (root / "validation_list.txt").write_text("yes/bbbb0_nohash_1.wav\n")
    return root


def coco_tree(root: Path) -> Path:
    """20 pictures, ten of each part: person large, person tiny, no person, in turn."""
    for part, year in enumerate(("train2014", "val2014")):
        images, boxes = [], []
        for index in range(10):
            name = f"COCO_{year}_{part * 100 + index:012}.jpg"
            (root / year).mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(index).integers(0, 255, (120, 200, 3), np.uint8)
            Image.fromarray(pixels).save(root / year / name)
            images.append({"id": index, "file_name": name, "width": 200, "height": 120})
            side = (40.0, 10.0, 0.0)[index % 3]  # of 24,000 pixels: 6.7 % and 0.42 %
            kind = 1 if side else 18
            boxes.append({"image_id": index, "category_id": kind, "bbox": [0, 0, side or 90.0, side or 90.0]})
        people = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
        held = {"images": images, "annotations": boxes, "categories": people}
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{year}.json").write_text(json.dumps(held))
    return root


def cifar_images(count: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], list[int]]:
    planes = np.random.default_rng(7).integers(0, 256, (count, 3072)).astype(np.uint8)
    return planes, [index % 10 for index in range(count)]


def cifar_binary_tree(root: Path) -> Path:
    """20 images in each of the six files."""
    planes, labels = cifar_images(20)
    records = np.hstack([np.array(labels, np.uint8)[:, None], planes])
    root.mkdir(parents=True, exist_ok=True)
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        records.tofile(root / f"{name}.bin")
    return root


def cifar_python_tree(root: Path) -> Path:
    (root / "cifar-10-batches-py").mkdir(parents=True)
    return root


def cifar_folder_tree(root: Path) -> Path:
    planes, labels = cifar_images(20)
    for split in ("train", "test"):
        for index, label in enumerate(labels):
            folder = root / split / BENCHMARKS["ic"].labels[label]
            folder.mkdir(parents=True, exist_ok=True)
            pixels = planes[index].reshape(3, 32, 32).transpose(1, 2, 0)
            Image.fromarray(pixels).save(folder / f"{index:04}.png")
    return root


def huge_png() -> bytes:
    """A small picture whose header says 40,000 x 40,000."""
    whole = originals.png(np.zeros((2, 2, 3), np.uint8))
    header = b"IHDR" + struct.pack(">II", 40000, 40000) + whole[24:29]
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def toycar_tree(root: Path) -> Path:
    """20 clips: twelve normal ones to train on, four normal and four anomalous ones to test."""
    for index in range(12):
        write_wav(root / "ToyCar/train" / f"normal_id_{index % 4 + 1:02}_{index:08}.wav", sound(index, 130000))
    for index, kind in enumerate(("normal", "anomaly") * 4):
        write_wav(root / "ToyCar/test" / f"{kind}_id_01_{index:08}.wav", sound(30 + index, 130000))
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    "kws": speech_tree,
    "vww": coco_tree,
    "ic": cifar_binary_tree,
    "ad": toycar_tree,
}


def test_speech_commands_become_arrays_and_inputs(tmp_path: Path) -> None:
    made = api.data("kws", speech_tree(tmp_path / "in"), tmp_path / "out")
    with np.load(tmp_path / "out" / "kws_sc2_mfcc.npz") as held:
        names, split, y, mfcc = held["fname"].tolist(), held["split"], held["y"], held["mfcc"]
    assert mfcc.shape[1:] == (10, 98)
    assert (split[names.index("yes/bbbb0_nohash_1.wav")], split[names.index("bed/bbbb4_nohash_1.wav")]) == (
        "validation",
        "training",
    )
    assert (y[names.index("bed/bbbb4_nohash_1.wav")], y[names.index("yes/bbbb0_nohash_1.wav")]) == (11, 9)
    assert not any("aaaa1111" in name for name in names)
    assert {"training", "validation"} == set(split[y == 10])
    clip = np.zeros(16000, np.int16)
    clip[:14000] = sound(51, 14000)
    mine = mfcc[names.index("no/bbbb1_nohash_1.wav")]
    assert np.array_equal(mine[:, ::2].T, frontends.kws_features(clip))
    with np.load(tmp_path / "out" / "kws_noise.npz") as held:
        assert sorted(held.files) == ["pink_noise.wav", "running_tap.wav", "white_noise.wav"]
    assert (made.inputs, made.evaluation_samples, made.official) == ("user", 9, 0)
    assert sorted(s.label for s in layout.load(tmp_path / "out", benchmark("kws")).samples) == [
        1,
        3,
        8,
        9,
        9,
        10,
        11,
        11,
        11,
    ]
    assert any("no folder for the words down" in note for note in made.notes)


def test_official_clips_are_recognised_by_content(tmp_path: Path) -> None:
    with np.load(find("train/kws_frontend_pairs.npz")) as held:
        audio, names = held["audio"][:3], held["name"][:3].tolist()
    root = speech_tree(tmp_path / "in")
    for index, clip in enumerate(audio):
        write_wav(root / "speech_commands_test_set_v0.02" / "no" / f"dd_nohash_{index}.wav", clip)
    made = api.data("kws", root, tmp_path / "out")
    assert (made.inputs, made.evaluation_samples, made.official) == ("user", 12, 3)
    loaded = layout.load(tmp_path / "out", benchmark("kws"))
    assert {Path(n).stem for n in names} <= {Path(s.name).stem for s in loaded.samples}


def test_without_lists_clips_are_split_by_the_hash_rule(tmp_path: Path) -> None:
    root = speech_tree(tmp_path / "in")
    (root / "testing_list.txt").unlink()
    items, notes = speech_commands.find(root)
    assert any("split by the dataset's hash rule" in note for note in notes)
    assert all(
        i.split == speech_commands.split_by_hash(i.name) for i in items if "nohash_1" in i.name and "/bbbb" in i.name
    )
    # From the dataset's validation_list.txt and testing_list.txt.
    assert speech_commands.split_by_hash("bed/026290a7_nohash_0.wav") == "validation"
    assert speech_commands.split_by_hash("right/bb05582b_nohash_3.wav") == "test"


def test_coco_becomes_pictures_with_and_without_people(tmp_path: Path) -> None:
    made = api.data("vww", coco_tree(tmp_path / "in"), tmp_path / "out")
    with np.load(tmp_path / "out" / "vww_coco2014.npz") as held:
        labels, names, jpeg, offset = held["y"].tolist(), held["name"], held["jpeg"], held["offset"]
    assert labels == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]  # large, tiny and no person in turn
    assert names[0] == "train2014/COCO_train2014_000000000000.jpg"
    assert Image.open(io.BytesIO(jpeg[: offset[1]].tobytes())).size == (187, 112)
    assert (made.training_samples, made.evaluation_samples) == (10, 10)
    assert {s.name for s in layout.load(tmp_path / "out", benchmark("vww")).samples} >= {"000000000100.bin"}


def test_official_pictures_are_never_for_training(tmp_path: Path) -> None:
    root = coco_tree(tmp_path / "in")
    official = "COCO_train2014_000000343218.jpg"  # the first row of vww01
    (root / "train2014" / "COCO_train2014_000000000000.jpg").rename(root / "train2014" / official)
    text = (root / "annotations/instances_train2014.json").read_text()
    (root / "annotations/instances_train2014.json").write_text(
        text.replace("COCO_train2014_000000000000.jpg", official)
    )
    made = api.data("vww", root, tmp_path / "out")
    with np.load(tmp_path / "out" / "vww_coco2014.npz") as held:
        assert not any("343218" in name for name in held["name"])
    assert (made.training_samples, made.evaluation_samples, made.official) == (9, 11, 0)
    assert "000000343218.bin,2,1\n" in (tmp_path / "out/vww01/y_labels.csv").read_text()


@pytest.mark.parametrize("tree", [cifar_binary_tree, cifar_folder_tree])
def test_all_three_forms_of_cifar_give_the_same_images(tmp_path: Path, tree: Callable[[Path], Path]) -> None:
    made = api.data("ic", tree(tmp_path / "in"), tmp_path / "out")
    planes, labels = cifar_images(20)
    expected = {
        (label, row.reshape(3, 32, 32).transpose(1, 2, 0).tobytes()) for label, row in zip(labels, planes, strict=True)
    }
    with np.load(tmp_path / "out" / "cifar10_train_jpeg.npz") as held:
        data, offset, y = held["jpeg"].tobytes(), held["offset"], held["y"].tolist()
    pictures = [np.asarray(Image.open(io.BytesIO(data[a:b]))) for a, b in itertools.pairwise(offset)]
    assert {(label, p.tobytes()) for label, p in zip(y, pictures, strict=True)} == expected
    loaded = layout.load(tmp_path / "out", benchmark("ic"))
    assert {(s.label, s.read()) for s in loaded.samples} == expected
    assert made.evaluation_samples == 20
    assert "20 test images, CIFAR-10 has 10000" in made.notes


def test_official_images_are_recognised_by_content(tmp_path: Path) -> None:
    source = find("datasets/ic01")
    rows = [line.split(",") for line in (source / "y_labels.csv").read_text().split()]
    records = b"".join(
        bytes([int(label)]) + np.fromfile(source / name, np.uint8).reshape(32, 32, 3).transpose(2, 0, 1).tobytes()
        for name, _, label in rows
    )
    root = cifar_binary_tree(tmp_path / "in")
    (root / "test_batch.bin").write_bytes(records)
    made = api.data("ic", root, tmp_path / "out")
    assert (made.inputs, made.official) == ("official", 200)
    assert (tmp_path / "out/ic01/y_labels.csv").read_text() == (source / "y_labels.csv").read_text()


def test_calibration_images_are_the_official_ones() -> None:
    indices = cifar10.calibration_indices()
    assert (len(set(indices.tolist())), indices[0], indices[4]) == (500, 5802, 960)


def test_toycar_becomes_log_mel(tmp_path: Path) -> None:
    made = api.data("ad", toycar_tree(tmp_path / "in"), tmp_path / "out")
    with np.load(tmp_path / "out" / "ad_toycar_normal.npz") as held:
        x, names, machines = held["x"], held["name"], held["machine_id"]
    assert (x.shape, x.dtype) == ((12, 200, 128), np.float16)
    assert names[1] == "normal_id_01_00000004_hist_librosa.bin"
    assert machines.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    loaded = layout.load(tmp_path / "out", benchmark("ad"))
    # One clip of the official list is there, not all: it comes first, then the others, labels in turn.
    assert [s.label for s in loaded.samples] == [0, 1] * 4
    assert loaded.samples[0].read() != loaded.samples[2].read()
    assert (made.training_samples, made.evaluation_samples) == (12, 8)


def damage(kind: str) -> tuple[str, Callable[[Path], Path], Callable[[Path], object], str]:
    """Benchmark, tree, what is done to it, and words of the message."""
    cases: dict[str, tuple[str, Callable[[Path], Path], Callable[[Path], object], str]] = {
        "clip cut short": (
            "kws",
            speech_tree,
            lambda root: os.truncate(root / "no/bbbb1_nohash_1.wav", 9000),
            "no/bbbb1_nohash_1.wav: cut short, its header promises more",
        ),
        "clip of no bytes": (
            "kws",
            speech_tree,
            lambda root: os.truncate(root / "no/bbbb1_nohash_1.wav", 0),
            "no/bbbb1_nohash_1.wav: not a readable WAV file",
        ),
        "clip at another rate": (
            "kws",
            speech_tree,
            lambda root: write_wav(root / "up/bbbb2_nohash_1.wav", sound(1, 44100), rate=44100),
            "up/bbbb2_nohash_1.wav: 1 channels at 44100 Hz, expected one at 16000 Hz",
        ),
        "no words": (
            "kws",
            lambda root: write_wav(root / "bed/x_nohash_0.wav", sound(1, 100)) or root,  # type: ignore[func-returns-value]
            lambda _: None,
            "no folder of a word (down, go,",
        ),
        "list in another code": (
            "kws",
            speech_tree,
            lambda root: (root / "validation_list.txt").write_bytes(b"caf\xe9.wav"),
            "validation_list.txt is no list of clips",
        ),
        "link to nowhere": (
            "kws",
            speech_tree,
            lambda root: (root / "no/dead_nohash_0.wav").symlink_to(root / "gone"),
            "no/dead_nohash_0.wav: not a readable WAV file",
        ),
        "noise and a clip": (
            "kws",
            speech_tree,
            lambda root: [
                os.truncate(path, 9000)  # type: ignore[func-returns-value]  # called for what it does
                for path in (root / "no/bbbb1_nohash_1.wav", root / "_background_noise_/pink_noise.wav")
            ],
            "no/bbbb1_nohash_1.wav: cut short, its header promises more\n",  # and the other one
        ),
        "picture name without end": (
            "vww",
            coco_tree,
            lambda root: [
                path.write_text(path.read_text().replace("COCO_", "C" * 300)) for path in root.glob("annotations/*")
            ],
            "no annotated pictures in",
        ),
        "picture of a billion pixels": (
            "ic",
            cifar_folder_tree,
            lambda root: (root / "train/airplane/0000.png").write_bytes(huge_png()),
            "train/airplane/0000.png: not a readable picture (Image size",
        ),
        "picture cut short": (
            "vww",
            coco_tree,
            lambda root: os.truncate(root / "val2014/COCO_val2014_000000000103.jpg", 2000),
            "COCO_val2014_000000000103.jpg: not a readable picture",
        ),
        "annotations cut short": (
            "vww",
            coco_tree,
            lambda root: os.truncate(root / "annotations/instances_val2014.json", 500),
            "instances_val2014.json: not COCO's instances",
        ),
        "no person among the categories": (
            "vww",
            coco_tree,
            lambda root: (root / "annotations/instances_val2014.json").write_text(
                '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "dog"}]}'
            ),
            "instances_val2014.json: no category 'person'",
        ),
        "no pictures": ("vww", lambda root: root.mkdir() or root, lambda _: None, "no annotated pictures in"),  # type: ignore[func-returns-value]
        "batch cut short": (
            "ic",
            cifar_binary_tree,
            lambda root: os.truncate(root / "data_batch_3.bin", 3073 * 20 - 1),
            "data_batch_3.bin: 61459 bytes are no whole number of images",
        ),
        "label out of range": (
            "ic",
            cifar_binary_tree,
            lambda root: (root / "test_batch.bin").write_bytes(bytes([12]) + bytes(3072)),
            "test_batch.bin: label 12 of image 0 is out of range",
        ),
        "pickle that would run a program": (
            "ic",
            cifar_python_tree,
            lambda root: (root / "cifar-10-batches-py/data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR."),
            "data_batch_1 is of CIFAR-10's Python form, pickles, which are never read",
        ),
        "no batches": ("ic", lambda root: root.mkdir() or root, lambda _: None, "no CIFAR-10 in"),  # type: ignore[func-returns-value]
        "clip too short": (
            "ad",
            toycar_tree,
            lambda root: write_wav(root / "ToyCar/train/normal_id_01_00000000.wav", sound(1, 100000)),
            "normal_id_01_00000000.wav: the clip has 100000 samples, 128000 are needed",
        ),
        "no clips": ("ad", lambda root: root.mkdir() or root, lambda _: None, "no clips normal_id_01_00000000.wav in"),  # type: ignore[func-returns-value]
    }
    return cases[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "clip cut short",
        "clip of no bytes",
        "clip at another rate",
        "no words",
        "list in another code",
        "link to nowhere",
        "noise and a clip",
        "picture name without end",
        "picture of a billion pixels",
        "picture cut short",
        "annotations cut short",
        "no person among the categories",
        "no pictures",
        "batch cut short",
        "label out of range",
        "pickle that would run a program",
        "no batches",
        "clip too short",
        "no clips",
    ],
)
def test_damage_is_named(tmp_path: Path, kind: str) -> None:
    name, tree, spoil, words = damage(kind)
    root = tree(tmp_path / "in")
    spoil(root)
    with pytest.raises(DataError) as caught:
        api.data(name, root, tmp_path / "out")
    assert words in caught.value.seen
    assert caught.value.hint


def test_one_out_folder_for_several_benchmarks(tmp_path: Path) -> None:
    """A damaged part is made again, another benchmark's parts stay, and made-up inputs never pass for real ones."""
    out = tmp_path / "out"
    waiting = out / ".parts" / "kws" / "00000.npz"
    damaged = out / ".parts" / "ic" / "00000.npz"
    for path in (waiting, damaged):
        path.parent.mkdir(parents=True)
        path.write_text("cut short")
    assert api.data_synthetic("ic", out).inputs == "synthetic"
    assert api.data("ic", cifar_folder_tree(tmp_path / "cifar"), out).inputs == "user"
    assert waiting.is_file()
    assert not damaged.parent.exists()
    with pytest.raises(UsageError, match="is there, and not made up"):
        api.data_synthetic("ic", out)


def test_what_is_missing_but_not_needed_is_a_note(tmp_path: Path) -> None:
    root = coco_tree(tmp_path / "coco")
    (root / "train2014/COCO_train2014_000000000004.jpg").unlink()
    assert "train2014: 1 of 10 pictures are missing" in api.data("vww", root, tmp_path / "out").notes
    root = cifar_folder_tree(tmp_path / "cifar")
    (root / "train/airplane").rename(root / "train/plane")
    assert "train/plane is no class (airplane, automobile," in " ".join(api.data("ic", root, tmp_path / "out").notes)
    root = speech_tree(tmp_path / "speech")
    (root / "yes/bbbb0_nohash_1.wav").unlink()
    write_wav(root / "go/silent_nohash_0.wav", np.zeros(16000, np.int16))
    notes = api.data("kws", root, tmp_path / "out").notes
    assert "1 clips named in the split lists are missing, the first is yes/bbbb0_nohash_1.wav" in notes
    assert "1 clips are digital silence and were left out, the first is go/silent_nohash_0.wav" in notes


def test_a_second_run_takes_up_the_finished_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "PART_ITEMS", 5)
    root = toycar_tree(tmp_path / "in")
    good = (root / "ToyCar/test/normal_id_01_00000004.wav").read_bytes()
    os.truncate(root / "ToyCar/test/normal_id_01_00000004.wav", 50)  # in the fourth part of four
    with pytest.raises(DataError, match="cut short"):
        api.data("ad", root, tmp_path / "out")
    kept = sorted(p.name for p in (tmp_path / "out/.parts/ad").iterdir())
    assert kept == ["00000.npz", "00001.npz", "00002.npz"]
    (root / "ToyCar/test/normal_id_01_00000004.wav").write_bytes(good)
    read: list[Path] = []
    whole = originals.wav

    def spy(path: Path) -> np.ndarray[Any, np.dtype[np.int16]]:
        read.append(path)
        return whole(path)

    monkeypatch.setattr("tinyperf.datasets.toycar.wav", spy)
    api.data("ad", root, tmp_path / "out")
    assert len(read) == 5
    assert not (tmp_path / "out/.parts").exists()
    monkeypatch.undo()
    api.data("ad", root, tmp_path / "other")
    for file in ("ad_toycar_normal.npz", "ad01/y_labels.csv", "ad01/normal_id_01_00000004_hist_librosa.bin"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_synthetic_sets_have_the_shapes_and_can_be_learned(tmp_path: Path, name: str) -> None:
    made = api.data_synthetic(name, tmp_path / "out")
    data = layout.load(tmp_path / "out", BENCHMARKS[name])
    assert (data.kind, made.inputs) == ("synthetic", "synthetic")
    kind = {"float32": "<f4", "int8": "i1", "uint8": "u1"}[BENCHMARKS[name].element]
    x = np.array([np.frombuffer(s.read(), kind) for s in data.samples]).astype(float)
    y = np.array([s.label for s in data.samples])
    # Class means of the first half decide the second half; for ad the normal mean alone, by distance.
    first = np.arange(len(y)) < len(y) // 2
    means = np.array([x[first & (y == label)].mean(axis=0) for label in range(len(BENCHMARKS[name].labels))])
    distance = ((x[:, None] - means) ** 2).sum(axis=2)
    score = accuracy.auc(distance[~first, 0], y[~first]) if name == "ad" else np.mean(distance.argmin(axis=1) == y)
    assert score is not None
    assert score > 0.9


@pytest.mark.parametrize(
    ("name", "pattern"),
    [(name, pattern) for name, patterns in synthetic.TRAINING_FILES.items() for pattern in patterns],
)
def test_a_synthetic_set_does_not_take_the_place_of_a_real_one(tmp_path: Path, name: str, pattern: str) -> None:
    path = tmp_path / pattern.replace("*", "real")
    path.write_bytes(b"real")
    with pytest.raises(UsageError, match="is there, and not made up"):
        sources.make_synthetic(name, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"real"


def test_two_pictures_of_one_stem_are_two_inputs(tmp_path: Path) -> None:
    root = cifar_folder_tree(tmp_path / "in")
    Image.open(root / "test/airplane/0000.png").transpose(0).save(root / "test/airplane/0000.jpg")
    assert sources.prepare("ic", root, tmp_path / "out").evaluation_samples == 21


def test_a_recording_may_have_any_name(tmp_path: Path) -> None:
    root = speech_tree(tmp_path / "in")
    (root / "_background_noise_/pink_noise.wav").rename(root / "_background_noise_/file.wav")
    sources.prepare("kws", root, tmp_path / "out")
    with np.load(tmp_path / "out/kws_noise.npz") as stored:
        assert sorted(stored.files) == ["file.wav", "running_tap.wav", "white_noise.wav"]


def test_the_command_line_tells_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["data", "ic", "--from", str(cifar_binary_tree(tmp_path / "in")), "--out", str(tmp_path / "out")]
    assert cli.invoke([*argv, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["benchmark"], shown["training_samples"], shown["evaluation_samples"]) == ("ic", 100, 20)
    assert cli.invoke(argv) == 0
    assert "tinyperf train ic" in capsys.readouterr().out
    assert cli.invoke(["data", "ic", "--out", str(tmp_path)]) == 2
    assert cli.invoke([*argv, "--synthetic"]) == 2
    with pytest.raises(UsageError, match="unknown benchmark 'kwz'"):
        api.data("kwz", tmp_path, tmp_path)


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves `content` with byte ranges; hangs up after `limit` bytes."""

    content = b""
    limit = 1 << 30
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        type(self).ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        self.wfile.write(self.content[start : start + self.limit])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher() -> Iterator[tuple[str, type[Publisher]]]:
    kind = type("One", (Publisher,), {"ranges": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()
    thread.join()


def cifar_archive(root: Path) -> bytes:
    cifar_binary_tree(root / "cifar-10-batches-bin")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as packed:
        packed.add(root / "cifar-10-batches-bin", "cifar-10-batches-bin")
    return held.getvalue()


def test_a_download_goes_on_where_it_stopped_and_is_checked(
    tmp_path: Path, publisher: tuple[str, type[Publisher]]
) -> None:
    url, kind = publisher
    kind.content = cifar_archive(tmp_path / "whole")
    digest = hashlib.sha256(kind.content).hexdigest()
    archive = download.Archive(f"{url}/cifar.tar.gz?download=1", len(kind.content), "sha256", digest)
    kind.limit = 1000
    with pytest.raises(DeviceError) as caught:
        download.fetch(archive, tmp_path / "in")
    assert "1000 of" in caught.value.seen
    kind.limit = 1 << 30
    assert download.fetch(archive, tmp_path / "in").read_bytes() == kind.content
    assert download.fetch(archive, tmp_path / "in").name == "cifar.tar.gz"
    assert kind.ranges == [None, "bytes=1000-"]
    wrong = download.Archive(archive.url, len(kind.content), "sha256", "0" * 64)
    with pytest.raises(DeviceError, match="are not the pinned file"):
        download.fetch(wrong, tmp_path / "other")
    assert not list((tmp_path / "other").iterdir())


def test_pull_fetches_unpacks_and_converts(
    tmp_path: Path, publisher: tuple[str, type[Publisher]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, kind = publisher
    kind.content = cifar_archive(tmp_path / "whole")
    digest = hashlib.sha256(kind.content).hexdigest()
    archive = download.Archive(f"{url}/cifar-10-binary.tar.gz", len(kind.content), "sha256", digest)
    monkeypatch.setitem(sources.ORIGINALS, "ic", replace(cifar10.ORIGINAL, archives=(archive,)))
    for _ in range(2):
        made = api.data("ic", tmp_path / "in", tmp_path / "out", pull=True)
        assert made.training_samples == 100
    assert len(kind.ranges) == 1


def test_offline_is_told_at_once(tmp_path: Path) -> None:
    archive = download.Archive("http://127.0.0.1:9/x.zip", 10, "md5", "0" * 32)
    with pytest.raises(DeviceError, match="cannot be fetched") as caught:
        download.fetch(archive, tmp_path)
    assert "no network" in caught.value.means


def test_png_is_lossless() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    coded = originals.png(pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(coded))), pixels)
    assert struct.unpack(">II", coded[16:24]) == (5, 7)
