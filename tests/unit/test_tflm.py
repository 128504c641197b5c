"""Engine tflm: what is rendered, what a tree must hold, and what is said where there is no TFLM."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2.meta
import numpy as np
import pytest

from tests.data import DATA, needs
from tests.unit.test_aot_types import PAIRS, drawn
from tinyperf import __version__, content, cores, engines, tflite
from tinyperf import benchmark as benchmarks
from tinyperf import board as boards
from tinyperf.engines import Target, Workshop, parse_engine
from tinyperf.engines import tflm as engine
from tinyperf.engines.tflm import arena, library, ops, registered
from tinyperf.errors import BuildError, ContentError, ModelError, UsageError
from tinyperf.firmware import build
from tinyperf.tflite import Model, Op, Quantization, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

M4, HOST = Target(cores.load("cortex-m4")), Target(cores.load("host"))
BOARD = boards.load("nucleo-l4r5zi")
TREE = library.PINNED.as_text()


def tensor(index: int, *shape: int, dtype: str = "int8", channels: int = 1) -> Tensor:
    scale = Quantization((0.5,) * channels, (0,) * channels)
    return Tensor(index, f"t{index}", shape, dtype, scale, np.zeros(shape, np.int8) if channels > 1 else None)


def small(*, weights: str = "int8", channels: int = 1, kind: str = "FULLY_CONNECTED") -> Model:
    """input 16 -> dense 4 -> softmax 4."""
    tensors = (
        tensor(0, 1, 16),
        tensor(1, 4, 16, dtype=weights, channels=channels),
        tensor(2, 1, 4),
        tensor(3, 1, 4),
    )
    layers = (Op(0, kind, (0, 1), (2,), {}), Op(1, "SOFTMAX", (2,), (3,), {}))
    return Model("small.tflite", "ab" * 32, 5, tensors, layers, (0,), (3,), data=bytes(range(1, 6)))


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("AVERAGE_POOL_2D", "AddAveragePool2D"),
        ("FULLY_CONNECTED", "AddFullyConnected"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("RELU6", "AddRelu6"),
        ("PADV2", "AddPadV2"),
        ("SPACE_TO_BATCH_ND", "AddSpaceToBatchNd"),
        ("BATCH_MATMUL", "AddBatchMatMul"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
    ],
)
def test_resolver_method(kind: str, method: str) -> None:
    assert ops.method(kind) == method


def test_every_method_exists_in_the_registered_tree() -> None:
    header = next(
        (Path(t.path) / "tensorflow/lite/micro/micro_mutable_op_resolver.h" for t in registered.registered()), None
    )
    if header is None or not header.is_file():
        pytest.skip("no TFLM tree is registered ('tinyperf tflm use PATH')")
    there = set(re.findall(r"TfLiteStatus (Add\w+)\(", header.read_text()))
    assert {ops.method(kind) for kind in ops.known()} - there <= {"AddBatchMatMul"}  # the snapshot of 2023 lacks it


def test_exactly_the_model_s_operators() -> None:
    text = engine.ENGINE.generate(small(), M4, {}).sources["model/tp_model.cpp"]
    assert "MicroMutableOpResolver<2>" in text
    assert re.findall(r"resolver\.(\w+\(.*?\)) !=", text) == [
        "AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8())",
        "AddSoftmax(tflite::Register_SOFTMAX_INT8())",
    ]


def test_the_general_kernel_where_int8_is_not_enough() -> None:
    generated = engine.ENGINE.generate(small(weights="int16"), M4, {})
    assert "resolver.AddFullyConnected()" in generated.sources["model/tp_model.cpp"]
    assert "kernels/fully_connected.h" not in generated.sources["model/tp_tflm.h"]
    assert "kernels/softmax.h" in generated.sources["model/tp_tflm.h"]


def test_the_general_kernel_where_the_library_has_no_other() -> None:
    old = replace(library.PINNED, int8=False).as_text()
    generated = engine.ENGINE.generate(small(), M4, {"library": old})
    assert "_INT8" not in generated.sources["model/tp_model.cpp"]


def test_model_is_aligned_and_in_flash() -> None:
    text = engine.ENGINE.generate(small(), M4, {}).sources["model/tp_model_data.c"]
    assert "const uint8_t tp_model_data[] __attribute__((aligned(16))) = {\n    1, 2, 3, 4, 5,\n};" in text


@pytest.mark.parametrize(
    ("options", "bytes_", "note"),
    [
        pytest.param({"arena": "1000"}, 1008, "measured, margin included", id="rounded-up"),
        pytest.param({"arena": "1008", "measure": "yes"}, 1008, "not measured", id="measuring"),
        pytest.param({}, 16992, "not measured: a starting value", id="nobody-measured"),
    ],
)
def test_arena(options: dict[str, str], bytes_: int, note: str) -> None:
    generated = engine.ENGINE.generate(small(), M4, options)
    assert generated.arena_bytes == bytes_ + 16  # and the input that survives
    assert f"kArenaBytes = {bytes_};" in generated.sources["model/tp_model.cpp"]
    assert note in generated.sources["model/tp_model.cpp"]
    assert ("arena_used_bytes=" in generated.sources["model/tp_model.cpp"]) == ("measure" in options)


def test_the_pinned_snapshot_is_the_default() -> None:
    generated = engine.ENGINE.generate(small(), M4, {})
    assert generated.libraries == (
        "https://github.com/tensorflow/tflite-micro-arduino-examples.git#7948b85e020470a30a83bf00e10fc43b486bfcba",
    )
    assert generated.build_flags == ("-DARDUINO=100",)
    assert generated.project_options == {"lib_compat_mode": "off", "lib_ignore": "ArduinoBLE, Arduino_LSM9DS1"}
    assert generated.skipped_sources == ("*/src/peripherals/*",)
    assert generated.details.kernels == "cmsis_nn"
    assert generated.details.version == "tflite-micro-arduino-examples 7948b85e0204"
    assert 'extern "C" void DebugLog' in generated.sources["model/tp_model.cpp"]


def test_reference_kernels_render_without_a_library() -> None:
    generated = engine.ENGINE.generate(small(), M4, {"kernels": "reference"})
    assert generated.libraries == ()
    assert generated.warnings[0].startswith("no TFLM with reference kernels is registered")


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        pytest.param({"kernel": "x"}, "engine 'tflm' has no option 'kernel'", id="option"),
        pytest.param({"kernels": "xtensa"}, "engine 'tflm' has no kernels 'xtensa'", id="kernels"),
        pytest.param({"arena": "64k"}, "engine 'tflm': arena=64k is no number of bytes", id="arena"),
        pytest.param({"library": "{}"}, "engine 'tflm': option 'library' is not one", id="library"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, str], seen: str) -> None:
    with pytest.raises(UsageError, match=seen):
        engine.ENGINE.generate(small(), M4, options)


@pytest.mark.parametrize(
    ("model", "target", "error", "seen"),
    [
        pytest.param(small(kind="FFT"), M4, ModelError, "op 0 FFT: TensorFlow Lite Micro has no such", id="operator"),
        pytest.param(small(channels=4), M4, ModelError, "op 0 FULLY_CONNECTED has one scale per output", id="dense"),
        pytest.param(small(), HOST, UsageError, "engine 'tflm' does not run on board 'host'", id="host"),
    ],
)
def test_models_that_cannot_run(model: Model, target: Target, error: type[Exception], seen: str) -> None:
    with pytest.raises(error, match=seen):
        engine.ENGINE.generate(model, target, {})


def test_a_newer_tree_takes_per_channel_dense_layers() -> None:
    newer = replace(library.PINNED, per_channel_dense=True).as_text()
    assert engine.ENGINE.generate(small(channels=4), M4, {"library": newer}).libraries


@pytest.mark.parametrize("name", list(engine.TEMPLATES))
def test_context_is_what_the_template_uses(name: str) -> None:
    folder = content.shipped("firmware_templates") / "engines" / "tflm"
    used = jinja2.meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse((folder / name).read_text()))
    assert used == {field.name for field in fields(engine.TEMPLATES[name])}


@pytest.mark.parametrize("kernels", library.KERNELS)
def test_rendered_twice_is_equal(kernels: str) -> None:
    first, second = (engine.ENGINE.generate(small(), M4, {"kernels": kernels}).sources for _ in range(2))
    assert first == second
    for text in first.values():
        assert text.startswith("/* SPDX-License-Identifier: 0BSD */\n")


def test_c_parts_compile(tmp_path: Path) -> None:
    compiler = shutil.which("arm-none-eabi-gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    for name, text in engine.ENGINE.generate(small(), M4, {}).sources.items():
        (tmp_path / Path(name).name).write_text(text)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wmissing-prototypes", "-c"]
    done = subprocess.run(
        [compiler, *flags, "tp_model_data.c", "-o", "out.o"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def golden_model() -> Model:
    return small()


def test_golden(request: pytest.FixtureRequest) -> None:
    golden = Path(__file__).parents[1] / "golden" / "tflm_model.cpp"
    text = engine.ENGINE.generate(golden_model(), M4, {"arena": "4096"}).sources["model/tp_model.cpp"]
    text = text.replace(f"tinyperf {__version__} ", "tinyperf VERSION ")
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text(), request.node.name


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("aot", ("aot", {})),
        ("tflm:kernels=reference", ("tflm", {"kernels": "reference"})),
        ("tflm:kernels=cmsis_nn,arena=65536", ("tflm", {"kernels": "cmsis_nn", "arena": "65536"})),
    ],
)
def test_engine_with_options(text: str, parsed: tuple[str, dict[str, str]]) -> None:
    assert parse_engine(text) == parsed


def test_engine_option_without_a_value() -> None:
    with pytest.raises(UsageError, match="engine option 'kernels' in 'tflm:kernels' is not OPTION=VALUE"):
        parse_engine("tflm:kernels")


# Trees.

PARTS = {
    "tensorflow/lite/micro/micro_interpreter.h": "",
    "tensorflow/lite/micro/micro_interpreter.cc": "",
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": "",
    "tensorflow/lite/micro/kernels/conv.h": "TFLMRegistration Register_CONV_2D_INT8();",
    "tensorflow/lite/micro/kernels/fully_connected.h": "bool is_per_channel;",
    "third_party/flatbuffers/include/flatbuffers/flatbuffers.h": "",
    "third_party/gemmlowp/fixedpoint/fixedpoint.h": "",
    "third_party/ruy/ruy/profiler/instrumentation.h": "",
    "third_party/kissfft/kiss_fft.h": "",
}
CMSIS_NN = {
    "tensorflow/lite/micro/kernels/cmsis_nn/conv.cc": "",
    "third_party/cmsis_nn/Include/arm_nnfunctions.h": "",
    "third_party/cmsis/CMSIS/Core/Include/cmsis_compiler.h": "",
}


def plant(folder: Path, parts: dict[str, str]) -> Path:
    for name, text in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINYPERF_CONFIG", str(tmp_path / "settings"))
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "settings"


def test_generated_tree_is_registered_and_not_touched(tmp_path: Path, settings: Path) -> None:
    tree = plant(tmp_path / "a tree", PARTS | CMSIS_NN)
    before = sorted(tree.rglob("*"))
    found = registered.use(tree)
    assert (found.form, found.kernels, found.int8, found.per_channel_dense) == ("tree", "cmsis_nn", True, True)
    assert found.defines == (
        "-DTF_LITE_STATIC_MEMORY",
        "-DTF_LITE_STRIP_ERROR_STRINGS",
        "-DNDEBUG",
        "-DPROJECT_GENERATION",
        "-DCMSIS_NN",
    )
    assert sorted(tree.rglob("*")) == before
    wrapper = (settings / "tflm" / "cmsis_nn" / "library.json").read_text()
    assert f'"srcDir": "{tree}"' in wrapper
    assert f"\"'-I{tree}/third_party/flatbuffers/include'\"" in wrapper  # quoted: PlatformIO splits flags at blanks
    assert registered.registered() == [found]


@pytest.mark.usefixtures("settings")
def test_a_tree_with_a_dead_link_is_named(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", PARTS)
    (tree / "tensorflow/lite/micro/dead.h").symlink_to(tmp_path / "gone")
    with pytest.raises(ContentError, match=r"dead\.h cannot be read: No such file"):
        registered.use(tree)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"path": null, "defines": [], "headers": []}'])
def test_a_damaged_record_registers_nothing(content: bytes, tmp_path: Path, settings: Path) -> None:
    registered.use(plant(tmp_path / "a tree", PARTS))
    (record,) = settings.rglob(registered.RECORD)
    flags = json.loads((record.parent / "library.json").read_text())["build"]["flags"]
    assert shlex.split(flags[0])[0].startswith(f"-I{tmp_path / 'a tree'}")
    record.write_bytes(content)
    assert registered.registered() == []


def test_models_at_the_edge_of_what_is_read() -> None:
    assert ops.peak_bytes(replace(small(), ops=())) == 0
    lame = replace(small().ops[0], kind="FULLY_CONNECTED", inputs=(0,))
    assert ops.per_channel_dense(replace(small(), ops=(lame,))) is None


def test_kernels_are_registered_side_by_side(tmp_path: Path, settings: Path) -> None:
    assert not settings.exists()
    reference = registered.use(plant(tmp_path / "r", PARTS))
    cmsis_nn = registered.use(plant(tmp_path / "c", PARTS | CMSIS_NN))
    assert reference.kernels == "reference"
    assert "-DCMSIS_NN" not in reference.defines
    assert registered.registered() == [cmsis_nn, reference]
    options = registered.resolve(BOARD, {"kernels": "reference"}, need=True)
    assert library.from_text(options["library"]) == reference


def test_a_tree_that_is_gone_is_not_offered(tmp_path: Path, settings: Path) -> None:
    registered.use(plant(tmp_path / "c", PARTS))
    shutil.rmtree(tmp_path / "c")
    assert registered.registered() == []
    assert settings.exists()


def test_arduino_snapshot(tmp_path: Path, settings: Path) -> None:
    plant(tmp_path / "snapshot" / "src", PARTS | CMSIS_NN)
    (tmp_path / "snapshot" / "library.properties").write_text("name=Arduino_TensorFlowLite\nversion=2.4.0-ALPHA\n")
    found = registered.use(tmp_path / "snapshot")
    assert (found.form, found.defines, found.debug_log) == ("arduino", ("-DARDUINO=100",), False)
    assert found.version.startswith("2.4.0-ALPHA tree ")
    assert '"-<peripherals>"' in (settings / "tflm" / "cmsis_nn" / "library.json").read_text()


@pytest.mark.parametrize(
    ("parts", "error", "seen"),
    [
        pytest.param(None, UsageError, "does not exist", id="nothing"),
        pytest.param({"x": ""}, ContentError, "no headers of TensorFlow Lite Micro, flatbuffers, gemmlowp", id="other"),
        pytest.param(
            {k: v for k, v in PARTS.items() if "ruy" not in k and "gemmlowp" not in k},
            ContentError,
            "no headers of gemmlowp, ruy",
            id="third-party",
        ),
        pytest.param(
            PARTS | {"tensorflow/lite/micro/kernels/cmsis_nn/conv.cc": ""},
            ContentError,
            "no headers of CMSIS, CMSIS-NN",
            id="cmsis",
        ),
        pytest.param(
            {k: v for k, v in PARTS.items() if not k.endswith(".cc")}, ContentError, "but neither its sources", id="src"
        ),
        pytest.param(
            PARTS | {"tensorflow/lite/micro/tools/make/Makefile": ""}, ContentError, "is a clone of", id="clone"
        ),
        pytest.param(
            PARTS | {"lib/libtensorflow-microlite.a": "text"},
            ContentError,
            "is not an archive of objects",
            id="archive",
        ),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, parts: dict[str, str] | None, error: type[Exception], seen: str
) -> None:
    if parts is not None:
        plant(tmp_path / "tree", parts)
    with pytest.raises(error, match=seen):
        library.inspect(tmp_path / "tree")


def make_archive(folder: Path, compiler: str, *flags: str) -> None:
    (folder / "x.c").write_text("float f(float x) { return x; }\n")
    archiver = compiler.replace("gcc", "ar") if "none" in compiler else "ar"
    subprocess.run([compiler, *flags, "-c", "x.c", "-o", "x.o"], cwd=folder, check=True)
    subprocess.run([archiver, "rc", "libtensorflow-microlite.a", "x.o"], cwd=folder, check=True)


def test_archive_for_the_board(tmp_path: Path, settings: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    tree = plant(tmp_path / "lib", {k: v for k, v in PARTS.items() if not k.endswith(".cc")})
    make_archive(tree, "arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
    found = registered.use(tree / "libtensorflow-microlite.a")
    assert (found.form, found.abi) == ("archive", "v7E-M hard")
    assert "-ltensorflow-microlite" in (settings / "tflm" / "reference" / "library.json").read_text()
    registered.resolve(BOARD, {"kernels": "reference"}, need=True)
    m33 = BOARD.model_copy(update={"chip": boards.load("nucleo-u575zi-q").chip})
    with pytest.raises(BuildError, match=r"was compiled for v7E-M hard float; nucleo-l4r5zi is v8-M\.main hard float"):
        registered.resolve(m33, {"kernels": "reference"}, need=True)


def test_archive_for_this_computer_is_refused(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed")
    tree = plant(tmp_path / "lib", {k: v for k, v in PARTS.items() if not k.endswith(".cc")})
    make_archive(tree, "cc")
    with pytest.raises(ContentError, match="holds no objects for Arm"):
        library.inspect(tree)


# Without TFLM.


@pytest.mark.usefixtures("settings")
def test_rendering_needs_no_tflm(tmp_path: Path) -> None:
    project = build.generate(BOARD, small(), benchmark=None, engine="tflm", folder=tmp_path / "project")
    ini = project.files["platformio.ini"]
    assert f"lib_deps =\n    {library.SNAPSHOT}#{library.COMMIT}\n" in ini
    assert "lib_compat_mode = off\nlib_ignore = ArduinoBLE, Arduino_LSM9DS1\n" in ini
    assert "-DARDUINO=100" in ini
    assert "['*/src/peripherals/*']" in project.files["extra.py"]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        pytest.param("tflm", "TensorFlow Lite Micro is not on this machine, and cannot be fetched", id="cmsis_nn"),
        pytest.param("tflm:kernels=reference", "no TFLM with reference kernels is registered", id="reference"),
    ],
)
def test_building_without_tflm_and_network(name: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    # A URL that no machine can reach, so that the test says the same with a network.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.https://localhost:1/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    with pytest.raises(BuildError, match=seen) as caught:
        build.build(BOARD, small(), benchmark=None, engine=name)
    assert caught.value.exit_code == 3
    assert "tinyperf tflm use PATH" in caught.value.hint


@pytest.mark.usefixtures("settings")
def test_the_host_is_refused_before_a_library_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "installed", lambda _: pytest.fail("looked for git"))
    with pytest.raises(UsageError, match="engine 'tflm' does not run on board 'host'"):
        build.build(boards.load("host"), small(), benchmark=None, engine="tflm")


@pytest.mark.usefixtures("settings")
def test_an_unknown_option_is_told_before_anything_is_fetched() -> None:
    with pytest.raises(UsageError, match="has no kernels 'fast'"):
        build.generate(BOARD, small(), benchmark=None, engine="tflm:kernels=fast", folder=Path("unused"))


# The arena, measured.


def test_arena_is_measured_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def measure() -> str:
        asked.append("built")
        return "m-\r\ne-[arena_used_bytes=0000022820 arena_least_bytes=0000022832]\r\nm-ready\r\n"

    sizes = [
        arena.measured_arena(small(), "cortex-m4", {"library": TREE}, cache=tmp_path, measure=measure) for _ in range(2)
    ]
    assert sizes == [22832 + arena.MARGIN_BYTES] * 2
    assert asked == ["built"]


def test_a_record_cut_short_is_measured_again(tmp_path: Path) -> None:
    said = "e-[arena_used_bytes=0000022820 arena_least_bytes=0000022832]\r\nm-ready\r\n"
    for _ in range(2):
        made = arena.measured_arena(small(), "cortex-m4", {"library": TREE}, cache=tmp_path, measure=lambda: said)
        assert made == 22832 + arena.MARGIN_BYTES
        (record,) = (path for path in tmp_path.rglob("*") if path.is_file())
        record.write_text('{"model"')


def test_arena_that_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"the firmware said: TFLM: AllocateTensors failed"):
        arena.measured_arena(
            small(), "m4", {}, cache=tmp_path, measure=lambda: "e-[TFLM: AllocateTensors failed]\r\nm-ready\r\n"
        )


SAID = "m-\r\ne-[arena_used_bytes=0000022820 arena_least_bytes=0000022832]\r\nm-ready\r\n"


@pytest.mark.parametrize(
    ("on", "note", "warned"),
    [
        pytest.param("nucleo-l4r5zi", "measured, margin included", 0, id="on itself"),
        pytest.param("nucleo-h7a3zi-q", "measured on disco-f746ng, margin included", 1, id="one Cortex-M7 for another"),
    ],
)
def test_the_bench_that_stood_in_is_named(on: str, note: str, warned: int, tmp_path: Path) -> None:
    board = boards.load(on)
    if warned:
        board = board.model_copy(update={"chip": board.chip.model_copy(update={"emulator": None})})
    asked: list[dict[str, str]] = []

    def start(options: Mapping[str, str]) -> str:
        asked.append(dict(options))
        return SAID

    workshop = Workshop(board, builds=False, cache=tmp_path, bench=build.bench_for(board), start=start)
    options = engine.ENGINE.prepare(small(), {"library": TREE}, workshop)
    assert options["arena"] == str(22832 + arena.MARGIN_BYTES)
    assert asked == [{"library": TREE, "arena": asked[0]["arena"], "measure": "yes"}]
    assert int(asked[0]["arena"]) > 100_000
    generated = engine.ENGINE.generate(small(), Target(board.core), options)
    assert note in generated.sources["model/tp_model.cpp"]
    assert len(generated.warnings) == warned


def test_no_board_of_other_kernels_stands_in(tmp_path: Path) -> None:
    """Helium's kernels take other scratch memory than a Cortex-M4's."""
    board = BOARD.model_copy(
        update={"chip": BOARD.chip.model_copy(update={"core": cores.load("cortex-m55"), "emulator": None})}
    )
    assert build.bench_for(board) is None
    workshop = Workshop(board, builds=False, cache=tmp_path, start=lambda _: SAID)
    with pytest.raises(BuildError, match=r"arena for nucleo-l4r5zi cannot be measured"):
        engine.ENGINE.prepare(small(), {"library": TREE}, workshop)


@pytest.mark.parametrize("text", ["tflm:library=x", "tflm:measure=yes", "tflm:kernel=reference", "aot:fast=yes"])
def test_options_that_no_user_has(text: str) -> None:
    with pytest.raises(UsageError, match="has no option"):
        parse_engine(text)


@pytest.mark.parametrize(
    ("name", "on"), [("kws", None), *((name, "nucleo-l4r5zi") for name in ("vww", "ic", "ad"))], ids=str
)
@pytest.mark.parametrize("kernels", library.KERNELS)
@pytest.mark.usefixtures("settings")
def test_every_board_and_model_renders(name: str, on: str | None, kernels: str, tmp_path: Path) -> None:
    """One model for every board, and every model for one of them."""
    shipped = content.names("models", ".tflite")
    if name not in shipped:
        pytest.skip(f"no {name} model is shipped yet")
    model = tflite.load(shipped[name])
    newer = replace(library.PINNED, per_channel_dense=True, kernels=kernels).as_text()
    for path in content.names("boards", ".yaml").values():
        board = boards.read(path)
        if board.core.architecture == "host" or board.verified == "images" or on not in {None, board.name}:
            continue
        options = {"kernels": kernels, "library": newer}
        project = build.generate(
            board,
            model,
            benchmark=benchmarks.benchmark(name),
            engine="tflm",
            engine_options=options,
            folder=tmp_path / board.name,
        )
        assert "src/model/tp_model.cpp" in project.files


def test_registry_finds_the_engine() -> None:
    assert engines.engine("tflm") is engine.ENGINE


@pytest.mark.slow
@needs("zoo")
def test_the_table_of_operators_and_types_is_what_the_wheel_runs() -> None:
    """Of 68 real models: those that the wheel ran on the day that the list was made, and no other."""
    with (DATA / "zoo" / "index.csv").open(encoding="utf-8", newline="") as file:
        runs = {row["file"]: row["tflm_wheel"] == "runs" for row in csv.DictReader(file)}
    accepted = {name: not ops.missing(tflite.load(DATA / "zoo" / name)) for name in runs}
    assert accepted == runs


def test_every_operator_and_type_that_the_wheel_runs_is_accepted() -> None:
    """Those that test_aot_types.py runs on it."""
    refused = [ops.missing(tflite.parse(drawn(operator, typed, 0)[0], "use")) for operator, typed in PAIRS]
    assert [why for why in refused if why] == []


@needs("zoo")
def test_a_streaming_model_gets_its_variables() -> None:
    """Six, each named in the graph and in the one that sets it up."""
    model = tflite.load(DATA / "zoo" / "micro-wake-word-models.okay_nabu.0689ab.tflite")
    assert sum(op.kind == "VAR_HANDLE" for graph in (model, *model.called.values()) for op in graph.ops) == 12
    source = engine.ENGINE.generate(model, M4, {"library": TREE}).sources["model/tp_model.cpp"]
    assert "MicroResourceVariables::Create(allocator, 6)" in source
    assert "resolver.AddCallOnce()" in source
