from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.data import find
from tinyperf.benchmark import BENCHMARKS, benchmark
from tinyperf.datasets import layout, official, own
from tinyperf.errors import DataError
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.wire import to_tensors

if TYPE_CHECKING:
    from pathlib import Path

KWS, IC, AD = benchmark("kws"), benchmark("ic"), benchmark("ad")


def tensor(scale: float, zero_point: int, shape: tuple[int, ...]) -> Tensor:
    return Tensor(0, "in", shape, "int8", Quantization((scale,), (zero_point,)))


def model(shape: tuple[int, ...], outputs: int) -> Model:
    tensors = (tensor(1.0, 0, shape), Tensor(1, "out", (1, outputs), "int8", Quantization((1 / 256,), (-128,))))
    return Model("own", "0" * 64, 0, tensors, (), (0,), (1,))


def kws_folder(folder: Path, rows: str, sizes: dict[str, int]) -> Path:
    (folder / "kws01").mkdir()
    for name, size in sizes.items():
        (folder / "kws01" / name).write_bytes(bytes(size))
    (folder / "kws01" / "y_labels.csv").write_text(rows)
    return folder


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param("a.bin,12,3\nb.bin,12,3\n", "y_labels.csv:2: b.bin is missing", id="missing file"),
        pytest.param("short.bin,12,3\n", "short.bin has 489 bytes, expected 490", id="short file"),
        pytest.param("a.bin,12,12\n", "a.bin: label 12 is out of range 0 to 11", id="label out of range"),
        pytest.param("a.bin,12,-1\n", "must be whole numbers, found '12,-1'", id="negative label"),
        pytest.param("a.bin,10,3\n", "a.bin: 10 classes, expected 12", id="list of another benchmark"),
        pytest.param("a.bin,12," + "9" * 5000, "must be whole numbers", id="number without end"),
        pytest.param("a" * 300 + ".bin,12,3\n", f"{'a' * 60} is missing", id="name too long for a file"),
        pytest.param("a.bin,12\n", "2 columns in 'a.bin,12'", id="missing column"),
        pytest.param("../a.bin,12,3\n", "'../a.bin' is not a plain file name", id="path that climbs"),
        pytest.param("a.bin,12,3\na.bin,12,3\n", "y_labels.csv:2: a.bin is listed twice", id="listed twice"),
        pytest.param("\n", "lists no files", id="empty list"),
        pytest.param("x,12,1\n" * 12, "... and 2 more", id="many problems are cut short"),
    ],
)
def test_damaged_folders_are_refused_before_use(tmp_path: Path, rows: str, words: str) -> None:
    folder = kws_folder(tmp_path, rows, {"a.bin": 490, "short.bin": 489})
    with pytest.raises(DataError) as caught:
        layout.load(folder, KWS)
    assert words in caught.value.seen


def test_a_folder_without_a_list_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    with pytest.raises(DataError, match="it holds wav"):
        layout.load(tmp_path, KWS)
    with pytest.raises(DataError, match="does not exist"):
        layout.load(tmp_path / "nowhere", KWS)


def test_the_folder_may_be_the_benchmark_or_hold_it(tmp_path: Path) -> None:
    folder = kws_folder(tmp_path, "\ufeffa.bin, 12, 3\r\n", {"a.bin": 490})
    held, itself = layout.load(folder, KWS), layout.load(folder / "kws01", KWS)
    assert held == itself
    assert (held.kind, held.samples[0].label) == ("user", 3)
    assert held.samples[0].windows() == [bytes(490)]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_not_a_number_in_an_ad_file_is_refused(value: float, tmp_path: Path) -> None:
    values = np.zeros(25600, "<f4")
    values[7] = value
    (tmp_path / "a.bin").write_bytes(values.tobytes())
    (tmp_path / "y_labels.csv").write_text("a.bin,2,0,2560,512\n")
    with pytest.raises(DataError, match=r"a\.bin holds values that are not finite"):
        layout.load(tmp_path, AD)
    (tmp_path / "y_labels.csv").write_text("a.bin,2,0,2560,2560\n")
    with pytest.raises(DataError, match="expected 2560 and 512"):
        layout.load(tmp_path, AD)


def test_an_ad_file_has_196_windows_oldest_first(tmp_path: Path) -> None:
    data = np.arange(25600, dtype="<f4")
    (tmp_path / "a.bin").write_bytes(data.tobytes())
    (tmp_path / "y_labels.csv").write_text("a.bin,2,1,2560,512\n")
    windows = layout.load(tmp_path, AD).samples[0].windows()
    assert len(windows) == AD.windows_per_file == 196
    assert np.frombuffer(windows[195], "<f4").tolist() == data[195 * 128 : 200 * 128].tolist()


def test_own_inputs_for_an_own_model(tmp_path: Path) -> None:
    (tmp_path / "x.raw").write_bytes(bytes(range(6)))
    (tmp_path / "y_labels.csv").write_text("x.raw,3,2\n")
    mine = model((1, 2, 3), 3)
    data = layout.load_custom(tmp_path, mine, classes=3)
    assert (data.kind, data.labels, data.samples[0].label) == ("user", ("0", "1", "2"), 2)
    (given,) = to_tensors(None, data.samples[0].windows()[0], mine)
    assert given.tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    with pytest.raises(DataError, match="has 6 bytes, expected 8"):
        layout.load_custom(tmp_path, model((1, 8), 3), classes=3)
    (tmp_path / "labels.txt").write_bytes("caf\u00e9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"labels\.txt cannot be read as UTF-8"):
        layout.load_custom(tmp_path, mine, classes=3)
    (tmp_path / "labels.txt").write_text("a\nb\na\n")
    with pytest.raises(DataError, match=r"labels\.txt names a class twice"):
        layout.load_custom(tmp_path, mine, classes=3)


def test_time_alone_wants_no_classes(tmp_path: Path) -> None:
    (tmp_path / "x.raw").write_bytes(bytes(6))
    (tmp_path / "y_labels.csv").write_text("x.raw,2,0\n")
    assert len(own.load(tmp_path, model((1, 2, 3), 1), own.Asked(scored=False)).samples) == 1


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        pytest.param("kws", "50aa79bc6989350a", id="kws"),
        pytest.param("vww", "fe38c55b7156a10d", id="vww"),
        pytest.param("ic", "ff49053bd2af9295", id="ic"),
        pytest.param("ad", "c8eafa3aba69a5d0", id="ad"),
    ],
)
def test_synthetic_bytes_never_change(name: str, digest: str) -> None:
    made = layout.synthetic(BENCHMARKS[name])
    assert made.kind == "synthetic"
    assert all(len(s.read()) == BENCHMARKS[name].file_bytes for s in made.samples)
    assert hashlib.sha256(b"".join(s.read() for s in made.samples)).hexdigest()[:16] == digest


def test_synthetic_inputs_fit_an_own_model() -> None:
    made = layout.synthetic(None, model((1, 4, 5), 7))
    assert [len(s.windows()[0]) for s in made.samples[:5]] == [20] * 5
    assert made.samples[9].label == 2


def test_fewer_samples_are_the_first_ones_and_a_subset(tmp_path: Path) -> None:
    data = layout.load(kws_folder(tmp_path, "a.bin,12,3\nb.bin,12,4\n", {"a.bin": 490, "b.bin": 490}), KWS)
    assert [s.name for s in data.first(1).samples] == ["a.bin"]
    assert (data.first(1).kind, data.first(2).kind, data.first(None).kind) == ("subset", "user", "user")
    assert layout.synthetic(KWS).first(5).kind == "synthetic"


def test_digests_of_the_official_inputs_are_shipped() -> None:
    counts = {"kws": 1000, "vww": 1000, "ic": 200, "ad": 248, "ic2": 200}
    assert {name: len(official.inputs(name)) for name in BENCHMARKS if name != "sww"} == counts
    assert len(official.digests("kws")) == 994  # six of the silence clips are alike
    assert len(official.digests("ad")) == 496  # float32 and float16


@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ic2", "ad"])
def test_the_official_folders_are_official(name: str) -> None:
    data = layout.load(find("datasets"), BENCHMARKS[name])
    assert (data.kind, len(data.samples)) == ("official", BENCHMARKS[name].samples)


def test_an_official_subset_and_a_changed_label_are_told_apart(tmp_path: Path) -> None:
    source = find("datasets/ic01")
    names = ["accentor_s_000166.bin", "airbus_s_002266.bin"]
    for name in names:
        (tmp_path / name).write_bytes((source / name).read_bytes())
    (tmp_path / "y_labels.csv").write_text(f"{names[0]},10,2\n{names[1]},10,0\n")
    assert layout.load(tmp_path, IC).kind == "subset"
    (tmp_path / "y_labels.csv").write_text(f"{names[0]},10,2\n{names[1]},10,1\n")
    assert layout.load(tmp_path, IC).kind == "user"


def test_a_list_without_end_is_not_read(tmp_path: Path) -> None:
    """Six gigabytes that take no room on disk."""
    with (tmp_path / "y_labels.csv").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(DataError, match=r"y_labels\.csv has 6,442,450,944 bytes"):
        layout.load(tmp_path, KWS)
