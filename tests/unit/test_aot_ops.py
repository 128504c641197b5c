"""Random small graphs, one per operator, against the tflite-micro wheel: portable C and, emulated, the DSP path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import graphs, m4
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE, arithmetic
from tinyperf.engines.aot.host import HostModel
from tinyperf.errors import ModelError
from tinyperf.wire import output_milli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


M4 = Target(cores.load("cortex-m4"))
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


class Draw:
    """The choices of one example, from hypothesis where they shape it, from a seed where they only fill it."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))

    def integer(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def pick(self, *choices: Any) -> Any:
        return self.data.draw(st.sampled_from(choices))

    def zero(self) -> int:
        return int(self.pick(-128, 0, 127, self.integer(-128, 127)))

    def scale(self, low: float = -6.0, high: float = 0.0) -> float:
        """Log-uniform, a float32 as in every file."""
        return float(np.float32(10 ** self.random.uniform(low, high)))

    def codes(self, *shape: int) -> Any:
        """int8, the ends more often than chance would have it."""
        drawn = self.random.integers(-128, 128, shape)
        ends = self.random.choice(np.array([-128, 127, 0]), shape)
        return np.where(self.random.random(shape) < 0.2, ends, drawn).astype(np.int8)

    def weights(self, *shape: int) -> Any:
        return np.maximum(self.codes(*shape), -127)

    def activation(self) -> int:
        return ACTIVATIONS[self.pick(*ACTIVATIONS)]

    def weight_scales(self, channels: int) -> float | list[float]:
        """Per tensor or per channel; now and then one so small that the multiplier is flushed."""
        if self.pick(False, True):
            return self.scale(-4, -1)
        scales = [self.scale(-4, -1) for _ in range(channels)]
        if self.pick(False, True):
            scales[-1] = 1e-12
        return scales

    def output_scale(self, given: float, weights: float | list[float], taps: int) -> float:
        """Such that outputs spread over the codes, give or take a factor of 30."""
        middle = float(np.median(weights))
        scale = given * middle * math.sqrt(taps) * 60 * 10 ** self.random.uniform(-1.5, 1.5)
        return float(np.float32(max(scale, 1e-8)))  # below that TFLM refuses some activations

    def bias(self, channels: int, taps: int) -> Any:
        """int32, as large as the sums; now and then as large as a dead channel's."""
        bias = self.random.integers(-4000 * taps, 4000 * taps + 1, channels).astype(np.int32)
        if self.pick(False, False, True):
            bias[0] = self.pick(2**30, -(2**30), 2**30 - 1)
        return bias


def windowed(draw: Draw, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[Any, dict[str, Any], Any]:
    """Input size, options, output size of a window that fits."""
    size = [draw.integer((k - 1) * d + 1, (k - 1) * d + 7) for k, d in zip(kernel, dilation, strict=True)]
    stride = draw.integer(1, 3), draw.integer(1, 3)
    same = draw.pick(True, False)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if same:
        made = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    else:
        made = [-(-(n - r + 1) // s) for n, r, s in zip(size, reach, stride, strict=True)]
    options = {"padding": 0 if same else 1, "strideH": stride[0], "strideW": stride[1]}
    return size, options, made


def conv_2d(draw: Draw) -> bytes:
    kernel = draw.integer(1, 3), draw.integer(1, 3)
    dilation = draw.pick((1, 1), (1, 1), (2, 1), (2, 3))
    in_c, out_c = draw.pick(1, 3, 4, 8, 16), draw.integer(1, 7)
    if draw.pick(True, False):
        kernel, dilation = (1, 1), (1, 1)
    (h, w), options, (out_h, out_w) = windowed(draw, kernel, dilation)
    taps = kernel[0] * kernel[1] * in_c
    given_scale, scales = draw.scale(), draw.weight_scales(out_c)
    tensors = [
        graphs.T((1, h, w, in_c), given_scale, draw.zero()),
        graphs.constant(draw.weights(out_c, *kernel, in_c), scales),
        graphs.T((1, out_h, out_w, out_c), draw.output_scale(given_scale, scales, taps), draw.zero()),
    ]
    inputs = [0, 1]
    if draw.pick(True, True, False):
        tensors.append(graphs.constant(draw.bias(out_c, taps), 1.0))
        inputs.append(3)
    options |= {
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": draw.activation(),
    }
    return bytes(graphs.build(tensors, [graphs.O("CONV_2D", inputs, [2], options)], [0], [2]))


def depthwise_conv_2d(draw: Draw) -> bytes:
    kernel = draw.pick((3, 3), (3, 3), (draw.integer(1, 4), draw.integer(1, 4)))
    dilation = draw.pick((1, 1), (1, 1), (2, 1), (2, 3))
    in_c, multiplier = draw.pick(1, 3, 4, 8), draw.pick(1, 1, 2, 3)
    out_c = in_c * multiplier
    (h, w), options, (out_h, out_w) = windowed(draw, kernel, dilation)
    taps = kernel[0] * kernel[1]
    given_scale, scales = draw.scale(), draw.weight_scales(out_c)
    tensors = [
        graphs.T((1, h, w, in_c), given_scale, draw.zero()),
        graphs.constant(draw.weights(1, *kernel, out_c), scales, axis=3),
        graphs.T((1, out_h, out_w, out_c), draw.output_scale(given_scale, scales, taps), draw.zero()),
        graphs.constant(draw.bias(out_c, taps), 1.0),
    ]
    options |= {
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "depthMultiplier": multiplier,
        "fusedActivationFunction": draw.activation(),
    }
    return bytes(graphs.build(tensors, [graphs.O("DEPTHWISE_CONV_2D", [0, 1, 3], [2], options)], [0], [2]))


def fully_connected(draw: Draw) -> bytes:
    inputs, outputs, rows = draw.pick(1, 3, 4, 8, 20, 64), draw.pick(1, 2, 4, 8, 9), draw.pick(1, 1, 3)
    given_scale, scales = draw.scale(), draw.weight_scales(outputs)
    output_scale = draw.output_scale(given_scale, scales, inputs)
    shape = draw.pick((rows, inputs), (1, rows, inputs)) if rows == 1 else (1, rows, inputs)
    product = given_scale * (scales if isinstance(scales, float) else scales[0])  # TFLM checks it, if per tensor
    tensors = [
        graphs.T(shape, given_scale, draw.zero()),
        graphs.constant(draw.weights(outputs, inputs), scales),
        graphs.T((*shape[:-1], outputs), output_scale, draw.zero()),
    ]
    used = [0, 1]
    if draw.pick(True, False):
        tensors.append(graphs.constant(draw.bias(outputs, inputs), float(np.float32(product))))
        used.append(3)
    options = {"fusedActivationFunction": draw.activation(), "keepNumDims": len(shape) > 2}
    return bytes(graphs.build(tensors, [graphs.O("FULLY_CONNECTED", used, [2], options)], [0], [2]))


def add(draw: Draw) -> bytes:
    """The model's input plus a constant (of a shape that broadcasts), or plus itself."""
    shape = (1, draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 5))
    other = tuple(n if draw.pick(True, True, False) else 1 for n in shape)[draw.integer(0, 3) :]
    scales = draw.scale(-3, 0), draw.scale(-3, 0)
    output = float(np.float32(max(scales) * 10 ** draw.random.uniform(-1.5, 1.5)))
    tensors = [
        graphs.T(shape, scales[0], draw.zero()),
        graphs.T(other, scales[1], draw.zero(), draw.codes(*other)),
        graphs.T(shape, output, draw.zero()),
    ]
    inputs = draw.pick([0, 1], [1, 0], [0, 0])
    op = graphs.O("ADD", inputs, [2], {"fusedActivationFunction": draw.activation()})
    return bytes(graphs.build(tensors, [op], [0], [2]))


def pool(draw: Draw) -> bytes:
    kernel = draw.integer(1, 4), draw.integer(1, 4)
    channels = draw.integer(1, 5)
    (h, w), options, (out_h, out_w) = windowed(draw, kernel, (1, 1))
    scale, zero = draw.scale(-2, 0), draw.zero()
    tensors = [graphs.T((1, h, w, channels), scale, zero), graphs.T((1, out_h, out_w, channels), scale, zero)]
    options |= {
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
        "fusedActivationFunction": draw.activation(),
    }
    kind = draw.pick("AVERAGE_POOL_2D", "MAX_POOL_2D")
    return bytes(graphs.build(tensors, [graphs.O(kind, [0], [1], options)], [0], [1]))


def softmax(draw: Draw) -> bytes:
    shape = draw.pick((1, draw.integer(1, 20)), (1, 3, draw.integer(1, 6)))
    tensors = [graphs.T(shape, draw.scale(-3, 1), draw.zero()), graphs.T(shape, 1 / 256, -128)]
    op = graphs.O("SOFTMAX", [0], [1], {"beta": draw.pick(1.0, 0.5, 2.0)})
    return bytes(graphs.build(tensors, [op], [0], [1]))


def pad(draw: Draw) -> bytes:
    shape = (1, draw.integer(1, 4), draw.integer(1, 4), draw.integer(1, 4))[: draw.integer(2, 4)]
    pairs = np.array([[0, 0]] + [[draw.integer(0, 2), draw.integer(0, 2)] for _ in shape[1:]], np.int32)
    made = tuple(n + int(a + b) for n, (a, b) in zip(shape, pairs, strict=True))
    scale, zero = draw.scale(), draw.zero()
    tensors = [graphs.T(shape, scale, zero), graphs.constant(pairs), graphs.T(made, scale, zero)]
    inputs, kind = [0, 1], "PAD"
    if draw.pick(True, False):
        tensors.append(graphs.T((1,), scale, zero, draw.codes(1)))
        inputs, kind = [0, 1, 3], "PADV2"
    return bytes(graphs.build(tensors, [graphs.O(kind, inputs, [2])], [0], [2]))


def mean(draw: Draw) -> bytes:
    shape = (1, draw.integer(1, 5), draw.integer(1, 5), draw.integer(1, 5))
    axes = draw.pick([1, 2], [1], [2], [3], [1, 3], [2, 3], [-1], [2, 1], [1, 2, 3])
    keep = draw.pick(True, False)
    reduced = {a % 4 for a in axes}
    made = tuple(1 if i in reduced else n for i, n in enumerate(shape) if keep or i not in reduced)
    scale = draw.scale(-3, 0)
    tensors = [
        graphs.T(shape, scale, draw.zero()),
        graphs.constant(np.array(axes, np.int32)),
        graphs.T(made, float(np.float32(scale * 10 ** draw.random.uniform(-1, 1))), draw.zero()),
    ]
    return bytes(graphs.build(tensors, [graphs.O("MEAN", [0, 1], [2], {"keepDims": keep})], [0], [2]))


def elementwise(draw: Draw) -> bytes:
    """QUANTIZE, RELU or RELU6, then RESHAPE."""
    n = draw.integer(1, 40)
    scale = draw.scale(-2, 0)
    tensors = [
        graphs.T((1, n), scale, draw.zero()),
        graphs.T((1, n), float(np.float32(scale * 10 ** draw.random.uniform(-1, 1))), draw.zero()),
        graphs.constant(np.array([1, 1, n], np.int32)),
    ]
    tensors.append(graphs.T((1, 1, n), tensors[1].scale, tensors[1].zero))
    ops = [
        graphs.O(draw.pick("QUANTIZE", "RELU", "RELU6"), [0], [1]),
        graphs.O("RESHAPE", [1, 2], [3], {"newShape": [1, 1, n]}),
    ]
    return bytes(graphs.build(tensors, ops, [0], [3]))


def block(draw: Draw) -> bytes:
    """A residual block with shared inputs: conv, depthwise, add, pool; several lives overlap in the arena."""
    size, c = draw.integer(3, 6), draw.pick(4, 8, 5)
    image = (1, size, size, c)
    s = [draw.scale(-2, -1) for _ in range(3)]
    w = draw.scale(-3, -2)
    tensors = [
        graphs.T(image, s[0], draw.zero()),
        graphs.constant(draw.weights(c, 1, 1, c), w),
        graphs.T(image, draw.output_scale(s[0], w, c), draw.zero()),
        graphs.constant(draw.weights(1, 3, 3, c), w, axis=3),
        graphs.T(image, s[1], draw.zero()),
        graphs.T(image, s[2], draw.zero()),
        graphs.T((1, 1, 1, c), s[2], 0),
    ]
    tensors[6].zero = tensors[5].zero
    window = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    whole = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": size, "filterWidth": size}
    ops = [
        graphs.O("CONV_2D", [0, 1], [2], window | {"fusedActivationFunction": draw.activation()}),
        graphs.O("DEPTHWISE_CONV_2D", [2, 3], [4], window | {"depthMultiplier": 1}),
        graphs.O("ADD", draw.pick([2, 4], [4, 2], [0, 4]), [5], {"fusedActivationFunction": draw.activation()}),
        graphs.O("AVERAGE_POOL_2D", [5], [6], whole),
    ]
    return bytes(graphs.build(tensors, ops, [0], [6]))


GRAPHS: dict[str, Callable[[Draw], bytes]] = {
    "conv_2d": conv_2d,
    "depthwise_conv_2d": depthwise_conv_2d,
    "fully_connected": fully_connected,
    "add": add,
    "pool": pool,
    "softmax": softmax,
    "pad": pad,
    "mean": mean,
    "elementwise": elementwise,
    "block": block,
}
DSP_GRAPHS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "add", "block")
RELAXED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking compiles hundreds of models; the graphs are small as they are
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


def compare_on_host(make: Callable[[Draw], bytes], data: st.DataObject) -> None:
    draw = Draw(data)
    file = make(draw)
    model = tflite.parse(file, "random")
    samples = draw.codes(8, *model.input.shape)
    expected = graphs.wheel(file, samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples), expected)


def compare_on_m4(make: Callable[[Draw], bytes], data: st.DataObject, folder: Path) -> None:
    draw = Draw(data)
    file = make(draw)
    model = tflite.parse(file, "random")
    samples = draw.codes(3, *model.input.shape)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), folder), model, count=False)
    made = np.stack([machine.infer(sample) for sample in samples])
    np.testing.assert_array_equal(made, graphs.wheel(file, samples))


@pytest.mark.parametrize("name", GRAPHS)
def test_operator_equals_the_wheel(name: str) -> None:
    @settings(RELAXED, max_examples=5)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        compare_on_host(GRAPHS[name], data)

    check()


@pytest.mark.parametrize("name", DSP_GRAPHS)
def test_operator_with_dsp_equals_the_wheel(name: str, tmp_path: Path) -> None:
    @settings(RELAXED, max_examples=3)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        compare_on_m4(GRAPHS[name], data, tmp_path)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_operator_equals_the_wheel_in_many_cases(name: str) -> None:
    @settings(RELAXED, max_examples=20)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        compare_on_host(GRAPHS[name], data)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", DSP_GRAPHS)
def test_operator_with_dsp_equals_the_wheel_in_many_cases(name: str, tmp_path: Path) -> None:
    @settings(RELAXED, max_examples=20)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        compare_on_m4(GRAPHS[name], data, tmp_path)

    check()


def test_a_constant_that_is_reshaped_is_a_constant() -> None:
    row = np.arange(8, dtype=np.int8)[None]
    tensors = [graphs.T((1, 2, 4), 0.1), graphs.constant(row, 0.1), graphs.T((1, 2, 4), 0.1), graphs.T((1, 2, 4), 0.1)]
    ops = [graphs.O("RESHAPE", [1], [2], {"newShape": [1, 2, 4]}), graphs.O("ADD", [0, 2], [3])]
    file = graphs.build(tensors, ops, [0], [3])
    samples = np.random.default_rng(0).integers(-128, 128, (6, 1, 2, 4), np.int8)
    with HostModel(tflite.parse(file, "constant")) as host:
        np.testing.assert_array_equal(host.run(samples[:, 0]), graphs.wheel(file, samples))


def test_an_output_that_is_a_constant_is_refused() -> None:
    tensors = [graphs.T((1, 8), 0.1), graphs.constant(np.zeros((1, 8), np.int8), 0.1), graphs.T((1, 2, 4), 0.1)]
    file = graphs.build(tensors, [graphs.O("RESHAPE", [1], [2], {"newShape": [1, 2, 4]})], [0], [2])
    with pytest.raises(ModelError, match="its output is a constant"):
        ENGINE.generate(tflite.parse(file, "constant"), M4, {})


def test_a_softmax_whose_sum_may_leave_its_range_is_refused() -> None:
    tensors = [graphs.T((1, 512), 0.1), graphs.T((1, 512), 1 / 256, -128)]
    file = graphs.build(tensors, [graphs.O("SOFTMAX", [0], [1], {"beta": 1.0})], [0], [1])
    with pytest.raises(ModelError, match="512 entries"):
        ENGINE.generate(tflite.parse(file, "wide"), M4, {})


def test_results_too_large_to_print_are_refused() -> None:
    with pytest.raises(ModelError, match=r"output scale 1e\+30 is too large"):
        output_milli(tflite.Tensor(0, "out", (1, 2), "int8", tflite.Quantization((1e30,), (0,))))


def test_relu6_of_a_scale_near_zero() -> None:
    assert arithmetic.activation_range("RELU6", 1e-42, 0) == (0, 127)
