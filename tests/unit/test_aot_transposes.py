"""TRANSPOSEs that meet their reverse, or somebody who does not mind, are gone; no output may change by a bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import graphs, m4
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.passes import _order, compiled, stages

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

M4 = Target(cores.load("cortex-m4"))
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
STRIDES = {"strideH": 1, "strideW": 1, "padding": 0}


@dataclass
class Network:
    """Layers, one after another or side by side; every activation has the same scale and zero point."""

    shape: tuple[int, ...]
    seed: int = 0
    tensors: list[T] = field(default_factory=list)
    ops: list[O] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.activation(*self.shape)

    def add(self, tensor: T) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(self, *shape: int, scale: float = 0.05, zero: int = -3) -> int:
        return self.add(T(shape, scale, zero))

    def of(self, i: int) -> tuple[int, ...]:
        return self.tensors[i].shape

    def codes(self, *shape: int) -> npt.NDArray[np.int8]:
        return self.rng.integers(-128, 128, shape, np.int8)

    def numbers(self, values: Any) -> int:
        return self.add(constant(np.array(values, np.int32)))

    def op(self, kind: str, inputs: list[int], made: int, options: dict[str, Any] | None = None) -> int:
        self.ops.append(O(kind, inputs, [made], options or {}))
        return made

    def transpose(self, i: int, order: tuple[int, ...]) -> int:
        made = self.activation(*(self.of(i)[axis] for axis in order))
        return self.op("TRANSPOSE", [i, self.numbers(order)], made)

    def relu(self, i: int) -> int:
        return self.op("RELU", [i], self.activation(*self.of(i)))

    def plus(self, kind: str, i: int, other: int) -> int:
        return self.op(kind, [i, other], self.activation(*self.of(i)))

    def constant(self, *shape: int) -> int:
        return self.add(T(shape, 0.05, -3, self.codes(*shape)))

    def reduced(self, kind: str, i: int, axes: list[int], *, keep: bool) -> int:
        sizes = self.of(i)
        left = tuple(1 if a in axes else n for a, n in enumerate(sizes) if keep or a not in axes)
        return self.op(kind, [i, self.numbers(axes)], self.activation(*left), {"keepDims": keep})

    def joined(self, parts: list[int], axis: int) -> int:
        sizes = list(self.of(parts[0]))
        sizes[axis] = sum(self.of(part)[axis] for part in parts)
        return self.op("CONCATENATION", parts, self.activation(*sizes), {"axis": axis})

    def halves(self, i: int, axis: int) -> list[int]:
        sizes = list(self.of(i))
        sizes[axis] //= 2
        made = [self.activation(*sizes) for _ in range(2)]
        self.ops.append(O("SPLIT", [self.numbers(axis), i], made, {"numSplits": 2}))
        return made

    def padded(self, i: int) -> int:
        pairs = [(0, 0), *(tuple(self.rng.integers(0, 3, 2).tolist()) for _ in self.of(i)[1:])]
        made = self.activation(*(n + sum(pair) for n, pair in zip(self.of(i), pairs, strict=True)))
        return self.op("PAD", [i, self.numbers(pairs)], made)

    def reshaped(self, i: int, *shape: int) -> int:
        return self.op("RESHAPE", [i], self.activation(*shape))

    def softmax(self, i: int) -> int:
        return self.op("SOFTMAX", [i], self.activation(*self.of(i), scale=1 / 256, zero=-128), {"beta": 1.0})

    def rescaled(self, i: int) -> int:
        return self.op("QUANTIZE", [i], self.activation(*self.of(i)))

    def dense(self, i: int, outputs: int) -> int:
        inputs = self.of(i)[-1]
        weights = self.add(constant(self.rng.integers(-127, 128, (outputs, inputs), np.int8), 0.003))
        bias = self.add(constant(self.rng.integers(-900, 900, outputs, np.int32), 0.003 * 0.05))
        made = self.activation(*self.of(i)[:-1], outputs)
        return self.op("FULLY_CONNECTED", [i, weights, bias], made, {"keepNumDims": len(self.of(i)) > 2})

    def conv(self, i: int, outputs: int) -> int:
        _, height, width, channels = self.of(i)
        weights = self.rng.integers(-127, 128, (outputs, 3, 3, channels), np.int8)
        given = [i, self.add(constant(weights, [0.002] * outputs, 0))]
        given.append(self.add(constant(self.rng.integers(-900, 900, outputs, np.int32), [0.002 * 0.05] * outputs)))
        options = STRIDES | {"dilationHFactor": 1, "dilationWFactor": 1}
        return self.op("CONV_2D", given, self.activation(1, height, width, outputs), options)

    def data(self, *outputs: int) -> bytes:
        return graphs.build(self.tensors, self.ops, [0], list(outputs))


def moved(data: bytes) -> list[str]:
    """The nodes that put elements into another order."""
    graph = dict(stages(tflite.parse(data, "m"), M4))["transposes"]
    return [node.name for node in graph.nodes if isinstance(node.work, Strided)]


def image() -> Network:
    return Network((1, 4, 5, 6))


def test_a_transpose_and_its_reverse_are_gone() -> None:
    net = image()
    net.relu(net.transpose(net.relu(net.transpose(0, FIRST)), LAST))
    assert moved(net.data(len(net.tensors) - 1)) == []


@pytest.mark.parametrize("shape", [(1, 6, 1, 1), (6,), (1, 6, 4, 5), (1, 1, 4, 5), (1, 1)])
def test_a_constant_is_put_into_the_other_order(shape: tuple[int, ...]) -> None:
    net = image()
    made = net.plus("ADD", net.transpose(0, FIRST), net.constant(*shape[-4:]) if shape != (6,) else net.constant(5))
    assert moved(net.data(net.transpose(made, LAST))) == []


def test_flattened_channels_first_are_other_weights() -> None:
    net = image()
    net.dense(net.reshaped(net.transpose(0, FIRST), 1, 120), 7)
    assert moved(net.data(len(net.tensors) - 1)) == []


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("kind", ["MEAN", "REDUCE_MAX"])
def test_sums_over_an_image_take_its_other_axes(kind: str, keep: bool) -> None:
    net = image()
    net.reduced(kind, net.transpose(0, FIRST), [2, 3], keep=keep)
    assert moved(net.data(len(net.tensors) - 1)) == []


def test_joined_and_parted_channels_first() -> None:
    net = image()
    one, other = (net.relu(net.transpose(net.conv(0, n), FIRST)) for n in (4, 6))
    parts = net.halves(net.joined([one, other], 1), 1)
    ends = [net.conv(net.transpose(part, LAST), 3) for part in parts]
    assert moved(net.data(*ends)) == []


def test_what_is_needed_in_both_orders_is_moved_once() -> None:
    net = image()
    first = net.transpose(0, FIRST)
    rows = net.reshaped(net.softmax(first), 1, 120)
    again = net.reshaped(net.rescaled(net.softmax(net.transpose(net.relu(0), FIRST))), 1, 120)
    assert len(moved(net.data(net.rescaled(rows), again))) == 2
    net = image()
    first = net.transpose(0, FIRST)
    ends = [net.softmax(first), net.softmax(first)]
    assert len(moved(net.data(*ends))) == 1


def drawn(seed: int) -> bytes:
    """A random network of layers that can, and cannot, do with another order."""
    rng = np.random.default_rng(seed)
    net = Network((1, *(int(n) for n in rng.integers(1, 5, 3))), seed)
    alive = [0]
    for _ in range(int(rng.integers(3, 12))):
        i = alive[int(rng.integers(0, len(alive)))]
        sizes = net.of(i)
        axis = int(rng.integers(0, len(sizes)))
        kind = rng.choice(
            ["t", "t", "t", "relu", "add", "mul", "self", "mean", "max", "cat", "split", "pad", "flat", "fc", "soft"]
        )
        if kind == "t":
            i = net.transpose(i, tuple(int(a) for a in rng.permutation(len(sizes))))
        elif kind == "relu":
            i = net.relu(i)
        elif kind in ("add", "mul"):
            other = tuple(n if rng.random() < 0.6 else 1 for n in sizes)
            i = net.plus(kind.upper(), i, net.constant(*other))
        elif kind == "self":
            i = net.plus("ADD", i, next((j for j in alive[::-1] if net.of(j) == sizes), i))
        elif kind in ("mean", "max"):
            axes = sorted({int(a) for a in rng.integers(0, len(sizes), 2)})
            i = net.reduced("MEAN" if kind == "mean" else "REDUCE_MAX", i, axes, keep=True)
        elif kind == "cat":
            i = net.joined([i, next((j for j in alive[::-1] if net.of(j) == sizes), i)], axis)
        elif kind == "split" and sizes[axis] % 2 == 0:
            alive += net.halves(i, axis)
            continue
        elif kind == "pad" and math.prod(sizes) < 400:
            i = net.padded(i)
        elif kind == "flat":
            i = net.reshaped(i, 1, math.prod(sizes))
            i = net.reshaped(net.dense(i, 24), 1, 2, 3, 4) if rng.random() < 0.5 else net.reshaped(i, *sizes)
        elif kind == "fc":
            i = net.dense(i, int(rng.integers(1, 5)))
        elif kind == "soft":
            i = net.rescaled(net.softmax(i))
        alive.append(i)
    ends = {alive[-1], alive[len(alive) // 2]} - {0}
    return net.data(*sorted(ends) or [net.relu(0)])


def outputs_after(data: bytes, seed: int) -> dict[str, list[Any]]:
    model = tflite.parse(data, "drawn")
    samples = np.random.default_rng(seed).integers(-128, 128, (3, *model.input.shape), np.int8)
    return {
        name: [made.reshape(3, -1) for made in interpret(graph, samples)]
        for name, graph in stages(model, M4)
        if name in ("fold", "transposes")
    }


@pytest.mark.parametrize("seed", [16, 154, 455, 566])
def test_a_constant_that_would_be_read_crosswise_is_put_in_order(seed: int) -> None:
    unchanged(seed)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_no_output_changes(seed: int) -> None:
    unchanged(seed)


def unchanged(seed: int) -> None:
    made = outputs_after(drawn(seed), seed)
    for before, after in zip(made["fold"], made["transposes"], strict=True):
        np.testing.assert_array_equal(before, after)


@given(st.permutations(range(4)), st.permutations(range(4)), st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_an_order_is_walked_by_its_dimensions(a: list[int], b: list[int], sizes: list[int]) -> None:
    array = np.arange(math.prod(sizes)).reshape(sizes)
    order = array.transpose(a).transpose(b).ravel()
    dims = _order.dimensions([order], 5)
    assert dims is not None
    np.testing.assert_array_equal(_order.walk(dims, 0, 0), order)
    np.testing.assert_array_equal(order[_order.inverse(order)], np.arange(len(order)))


def test_an_order_without_dimensions() -> None:
    assert _order.dimensions([np.array([0, 2, 1, 4, 3, 5])], 5) is None


@pytest.mark.slow
def test_a_network_that_counts_channels_first_equals_the_wheel(tmp_path: Path) -> None:
    """A transpose before and behind each convolution, as converters leave them."""
    net = Network((1, 3, 6, 5))
    x = net.transpose(net.conv(net.transpose(0, LAST), 8), FIRST)
    x = net.plus("MUL", net.plus("ADD", net.relu(x), net.constant(1, 8, 1, 1)), net.constant(8, 1, 1))
    y = net.transpose(net.conv(net.transpose(x, LAST), 8), FIRST)
    x = net.plus("ADD", y, x)
    scale = net.reduced("MEAN", x, [2, 3], keep=True)
    x = net.joined([net.plus("MUL", x, scale), x], 1)
    x = net.dense(net.reshaped(x, 1, 480), 10)
    data = net.data(x)
    assert moved(data) == ["op 0 TRANSPOSE"]
    model = tflite.parse(data, "channels first")
    samples = net.rng.integers(-128, 128, (8, *model.input.shape), np.int8)
    wanted = graphs.wheel(data, samples)
    np.testing.assert_array_equal(interpret(compiled(model, M4), samples)[0].reshape(8, -1), wanted)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0].reshape(8, -1), wanted)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(machine.infer(samples[0].ravel()).ravel(), wanted[0])
