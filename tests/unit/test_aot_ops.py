"""Random small graphs, one per operator, against the tflite-micro wheel: portable C and, emulated, the DSP path."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.some import some
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE, arithmetic, kernels, operators
from tinyperf.engines.aot.host import HostModel, compiler
from tinyperf.engines.aot.kernels import all_kernels
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from types import ModuleType


M4 = Target(cores.load("cortex-m4"))
KINDS = graphs.kinds_in_int8()


def sampled(kind: str, random: Random) -> bytes:
    sample = all_operators()[kind].sample
    assert sample is not None
    return graphs.sampled(sample(random))


def activation(random: Random) -> dict[str, int]:
    return {"fusedActivationFunction": random.integer(0, 3)}


def block(random: Random) -> bytes:
    """A residual block with shared inputs: conv, depthwise, add, pool; several lives overlap in the arena."""
    size, c = random.integer(3, 6), random.pick(4, 8, 5)
    image = (1, size, size, c)
    s = [random.scale(-2, -1) for _ in range(3)]
    w = random.scale(-3, -2)
    tensors = [
        graphs.T(image, s[0], random.zero()),
        graphs.constant(random.weights(c, 1, 1, c), w),
        graphs.T(image, random.output_scale(s[0], w, c), random.zero()),
        graphs.constant(random.weights(1, 3, 3, c), w, axis=3),
        graphs.T(image, s[1], random.zero()),
        graphs.T(image, s[2], random.zero()),
        graphs.T((1, 1, 1, c), s[2], 0),
    ]
    tensors[6].zero = tensors[5].zero
    window = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    whole = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": size, "filterWidth": size}
    ops = [
        graphs.O("CONV_2D", [0, 1], [2], window | activation(random)),
        graphs.O("DEPTHWISE_CONV_2D", [2, 3], [4], window | {"depthMultiplier": 1}),
        graphs.O("ADD", random.pick([2, 4], [4, 2], [0, 4]), [5], activation(random)),
        graphs.O("AVERAGE_POOL_2D", [5], [6], whole),
    ]
    return bytes(graphs.build(tensors, ops, [0], [6]))


def with_dsp(kind: str) -> bool:
    """A kernel with the DSP instructions does that operator."""
    graph = lower(tflite.parse(sampled(kind, Random(0)), kind))
    return any(kernel.work is type(graph.nodes[0].work) and kernel.needs for kernel in all_kernels())


DSP_KINDS = [kind for kind in KINDS if with_dsp(kind)]


def compare_on_host(file: bytes, random: Random) -> None:
    model = tflite.parse(file, "random")
    samples = [random.codes(8, *model.tensors[i].shape) for i in model.inputs]
    expected = graphs.wheel(file, *samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(*samples)[0], expected)


def compare_on_m4(file: bytes, random: Random, folder: Path) -> None:
    model = tflite.parse(file, "random")
    samples = [random.codes(3, *model.tensors[i].shape) for i in model.inputs]
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), folder), model)
    made = np.stack([machine.infer(*sample) for sample in zip(*samples, strict=True)])
    np.testing.assert_array_equal(made, graphs.wheel(file, *samples))


@pytest.mark.parametrize("kind", some(KINDS, 4))
def test_operator_equals_the_wheel(kind: str) -> None:
    random = Random(0)
    compare_on_host(sampled(kind, random), random)


@pytest.mark.parametrize("kind", some([kind for kind in KINDS if kind not in DSP_KINDS], 6))
def test_operator_in_portable_c_equals_the_wheel_on_the_core(kind: str, tmp_path: Path) -> None:
    random = Random(0)
    compare_on_m4(sampled(kind, random), random, tmp_path)


def test_a_file_is_named_for_its_operator_or_kernel() -> None:
    assert [kind.removeprefix("CUSTOM ").lower() for kind in all_operators()] == registered(operators)
    assert [kernel.name for kernel in all_kernels()] == registered(kernels)


def registered(package: ModuleType) -> list[str]:
    assert package.__file__ is not None
    return sorted(path.stem for path in Path(package.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_portable_kernel_lacks_nothing(kind: str) -> None:
    """So that every work has code on every core, whatever its numbers."""
    (node,) = lower(tflite.parse(sampled(kind, Random(0)), kind)).nodes
    portable = [k for k in all_kernels() if k.work is type(node.work) and not k.needs and k.lacks is kernels.nothing]
    assert portable or len(node.work.shared) == len(node.inputs) == len(node.outputs) == 1


@pytest.mark.parametrize("kind", some(KINDS, 4))
def test_every_warning_is_an_error(kind: str, tmp_path: Path) -> None:
    made = ENGINE.generate(tflite.parse(sampled(kind, Random(0)), kind), Target(cores.load("host")), {})
    m4.write_sources(made, tmp_path)
    argv = [*compiler(), *m4.STRICT, "-O2", f"-I{m4.APP}", "-c", "model.c", "-o", "model.o"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", DSP_KINDS)
def test_operator_with_dsp_equals_the_wheel(kind: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    compare_on_m4(sampled(kind, random), random, tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_block_equals_the_wheel(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    file = block(random)
    compare_on_host(file, random)
    compare_on_m4(file, random, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("kind", KINDS)
def test_operator_equals_the_wheel_in_many_cases(kind: str, seed: int) -> None:
    random = Random(seed)
    compare_on_host(sampled(kind, random), random)


def test_a_constant_that_is_reshaped_is_a_constant() -> None:
    row = np.arange(8, dtype=np.int8)[None]
    tensors = [graphs.T((1, 2, 4), 0.1), graphs.constant(row, 0.1), graphs.T((1, 2, 4), 0.1), graphs.T((1, 2, 4), 0.1)]
    ops = [graphs.O("RESHAPE", [1], [2], {"newShape": [1, 2, 4]}), graphs.O("ADD", [0, 2], [3])]
    file = graphs.build(tensors, ops, [0], [3])
    samples = np.random.default_rng(0).integers(-128, 128, (6, 1, 2, 4), np.int8)
    with HostModel(tflite.parse(file, "constant")) as host:
        np.testing.assert_array_equal(host.run(samples[:, 0])[0], graphs.wheel(file, samples))


def test_an_output_that_is_a_constant_is_given() -> None:
    row = np.arange(8, dtype=np.int8)[None]
    tensors = [graphs.T((1, 8), 0.1), graphs.constant(row, 0.1), graphs.T((1, 2, 4), 0.1)]
    file = graphs.build(tensors, [graphs.O("RESHAPE", [1], [2], {"newShape": [1, 2, 4]})], [0], [2])
    with HostModel(tflite.parse(file, "constant")) as host:
        np.testing.assert_array_equal(host.run(row)[0], row)


def test_a_softmax_whose_sum_leaves_its_range_is_refused() -> None:
    tensors = [graphs.T((1, 4096), 0.1), graphs.T((1, 4096), 1 / 256, -128)]
    file = graphs.build(tensors, [graphs.O("SOFTMAX", [0], [1], {"beta": 1.0})], [0], [1])
    with pytest.raises(ModelError, match="4096 entries"):
        ENGINE.generate(tflite.parse(file, "wide"), M4, {})


def test_relu6_of_a_scale_near_zero() -> None:
    assert arithmetic.activation_range("RELU6", 1e-42, 0) == (0, 127)


def test_no_layer_is_taken_for_one_without_effects(tmp_path: Path) -> None:
    """GCC 12 drops calls of functions whose stores it takes for NULL's: where input and output differ in steps."""
    bounds = [graphs.constant(np.array(ends, np.int32)) for ends in ([0, 0], [1, 140], [1, 4])]
    tensors = [graphs.T((1, 140), 0.1), *bounds, graphs.T((1, 35), 0.1)]
    file = graphs.build(tensors, [graphs.O("STRIDED_SLICE", [0, 1, 2, 3], [4])], [0], [4])
    random = Random(0)
    compare_on_host(file, random)
    compare_on_m4(file, random, tmp_path)
