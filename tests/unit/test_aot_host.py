"""The generated C on this computer: warnings, the compiler that is missing or fails, the cache."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tinyperf import content, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel, compiler
from tinyperf.errors import BuildError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def model() -> tflite.Model:
    """Every kind of kernel once: conv, depthwise, add, pad, pool, mean, rescale, clamp, fully connected, softmax."""
    window = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    pool = {"padding": 0, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    image = (1, 5, 5, 4)
    weights = np.arange(-18, 18, dtype=np.int8).reshape(1, 3, 3, 4)
    tensors = [
        graphs.T(image, 0.5, 3),
        graphs.constant(np.arange(64, dtype=np.int8).reshape(4, 2, 2, 4), 0.01),
        graphs.T(image, 0.5, -7),
        graphs.constant(weights, 0.02, axis=3),
        graphs.T(image, 0.5, 5),
        graphs.T(image, 0.7, 1),
        graphs.constant(np.array([[0, 0], [1, 1], [1, 0], [0, 0]], np.int32)),
        graphs.T((1, 7, 6, 4), 0.7, 1),
        graphs.T((1, 4, 3, 4), 0.7, 1),
        graphs.constant(np.array([1, 2], np.int32)),
        graphs.T((1, 4), 0.5, 0),
        graphs.T((1, 4), 0.25, 0),
        graphs.T((1, 4), 0.25, 0),
        graphs.constant(np.arange(16, dtype=np.int8).reshape(4, 4), 0.1),
        graphs.T((1, 4), 0.25, 0),
        graphs.T((1, 4), 1 / 256, -128),
    ]
    ops = [
        graphs.O("CONV_2D", [0, 1], [2], window),
        graphs.O("DEPTHWISE_CONV_2D", [2, 3], [4], window | {"depthMultiplier": 1}),
        graphs.O("ADD", [2, 4], [5]),
        graphs.O("PAD", [5, 6], [7]),
        graphs.O("MAX_POOL_2D", [7], [8], pool),
        graphs.O("MEAN", [8, 9], [10], {"keepDims": False}),
        graphs.O("QUANTIZE", [10], [11]),
        graphs.O("RELU6", [11], [12]),
        graphs.O("FULLY_CONNECTED", [12, 13], [14]),
        graphs.O("SOFTMAX", [14], [15], {"beta": 1.0}),
    ]
    return tflite.parse(graphs.build(tensors, ops, [0], [15]), "every */ kernel")


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_every_warning_is_an_error(name: str, tmp_path: Path) -> None:
    if not shutil.which(name):
        pytest.skip(f"{name} is not on PATH")
    m4.write_sources(ENGINE.generate(model(), Target(cores.load("host")), {}), tmp_path)
    argv = [name, *m4.STRICT, "-O2", f"-I{m4.APP}", "-c", "model.c", "-o", "model.o"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", [Target(cores.load("host")), Target(cores.load("cortex-m4"))])
def test_sources_are_pleasant_to_keep(target: Target) -> None:
    made = ENGINE.generate(model(), target, {})
    for name, text in made.sources.items():
        assert text.startswith("/* SPDX-License-Identifier: 0BSD */\n"), name
        assert text.isascii(), name
        assert not any(line != line.rstrip() for line in text.splitlines()), name
        if name in {"model.c", "model_weights.h"}:
            assert max(map(len, text.splitlines())) <= 100, name
    symbols = [layer.symbol for layer in made.layers if layer.kernel != "none"]
    assert symbols[:2] == ["tp_layer_00_conv_2d", "tp_layer_01_depthwise_conv_2d"]
    for symbol in symbols:
        assert f"TP_LAYER {symbol}(void)" in made.sources["model.c"]


def test_kernels_are_at_most_120_columns_wide() -> None:
    headers = content.shipped("firmware_templates") / "engines" / "aot"
    wide = [path.name for path in headers.glob("tp_*.h") if max(map(len, path.read_text().splitlines())) > 120]
    assert not wide


def test_the_map_counts_layers_as_the_titles_do() -> None:
    """A QUANTIZE from float that is cut off shifts no number: the first layer is operator 1 of the file."""
    tensors = [
        graphs.T((1, 4), dtype="float32"),
        graphs.T((1, 4), 0.5, 3),
        graphs.constant(np.ones((2, 4), np.int8), 0.25),
        graphs.T((1, 2), 0.75, -4),
        graphs.T((1, 2), 1 / 256, -128),
    ]
    ops = [
        graphs.O("QUANTIZE", [0], [1]),
        graphs.O("FULLY_CONNECTED", [1, 2], [3]),
        graphs.O("SOFTMAX", [3], [4], {"beta": 1.0}),
    ]
    made = ENGINE.generate(tflite.parse(graphs.build(tensors, ops, [0], [4]), "float"), Target(cores.load("host")), {})
    text = made.sources["model.c"]
    assert "/* Layer 1, FULLY_CONNECTED" in text
    assert re.search(r"4 \.\. +6 +layers 1 to end +tensor 3 t3\n", text)
    assert re.search(r"0 \.\. +4 +throughout +tensor 1 t1\n", text)


def test_every_kernel_on_both_paths(tmp_path: Path) -> None:
    compiled = model()
    samples = np.random.default_rng(3).integers(-128, 128, (4, *compiled.input.shape), np.int8)
    expected = graphs.wheel(compiled.data, samples)
    with HostModel(compiled) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    m4_target = Target(cores.load("cortex-m4"))
    machine = m4.Machine(m4.build(ENGINE.generate(compiled, m4_target, {}), tmp_path), compiled)
    np.testing.assert_array_equal(np.stack([machine.infer(s) for s in samples]), expected)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(BuildError, match="no C compiler on PATH"):
        compiler()


@pytest.mark.parametrize(
    ("command", "seen"), [("no-such-compiler", "'no-such-compiler' cannot be started"), ("false", "failed with code 1")]
)
def test_compiler_that_does_not_work(command: str, seen: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", command)
    with pytest.raises(BuildError, match=seen):
        HostModel(model())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_compiled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path))
    HostModel(model())
    (library,) = tmp_path.rglob("*.so")
    stamp = library.stat().st_mtime_ns
    HostModel(model())
    assert library.stat().st_mtime_ns == stamp


def test_unknown_option() -> None:
    with pytest.raises(UsageError, match="no option 'fast'"):
        ENGINE.generate(model(), Target(cores.load("host")), {"fast": "1"})
