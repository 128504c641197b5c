"""A PAD before a convolution or a maximum becomes its padding; no output may change by a bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs, m4
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators.pad import PadImage
from tinyperf.engines.aot.passes import compiled

if TYPE_CHECKING:
    from pathlib import Path

Pads = tuple[tuple[int, int], tuple[int, int]]

M4 = Target(cores.load("cortex-m4"))
SCALE, ZERO = 0.05, -5
HEIGHT, WIDTH = 6, 7
STRIDES = {"strideH": 2, "strideW": 1, "padding": 1}


@dataclass
class Branches:
    """One image; layers with a window of 3 x 3 over paddings of it, all outputs in one row."""

    channels: int
    tensors: list[T] = field(default_factory=list)
    ops: list[O] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def __post_init__(self) -> None:
        self.activation(1, HEIGHT, WIDTH, self.channels)

    def add(self, tensor: T) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(self, *shape: int) -> int:
        return self.add(T(shape, SCALE, ZERO))

    def padded(self, pads: Pads, value: int = ZERO) -> int:
        """The image with `value` around it."""
        given = [0, self.add(constant(np.array([(0, 0), *pads, (0, 0)], np.int32)))]
        if value != ZERO:
            given.append(self.add(T((1,), SCALE, ZERO, np.array([value], np.int8))))
        made = self.activation(1, HEIGHT + sum(pads[0]), WIDTH + sum(pads[1]), self.channels)
        self.ops.append(O("PADV2" if value != ZERO else "PAD", given, [made]))
        return made

    def layer(self, kind: str, given: int) -> None:
        _, height, width, channels = self.tensors[given].shape
        made = self.activation(1, (height - 3) // 2 + 1, width - 2, channels)
        options: dict[str, Any] = STRIDES | {"filterHeight": 3, "filterWidth": 3}
        inputs = [given]
        if kind != "MAX_POOL_2D":
            dense = kind == "CONV_2D"
            shape = (channels, 3, 3, channels) if dense else (1, 3, 3, channels)
            weights = self.rng.integers(-127, 128, shape, np.int8)
            bias = self.rng.integers(-900, 900, channels, np.int32)
            inputs.append(self.add(constant(weights, [0.003] * channels, 0 if dense else 3)))
            inputs.append(self.add(constant(bias, [0.003 * SCALE] * channels)))
            options = STRIDES | {"dilationHFactor": 1, "dilationWFactor": 1} | ({} if dense else {"depthMultiplier": 1})
        self.ops.append(O(kind, inputs, [made], options))
        self.rows.append(self.activation(1, math.prod(self.tensors[made].shape)))
        self.ops.append(O("RESHAPE", [made], [self.rows[-1]]))

    def data(self) -> bytes:
        made = self.activation(1, sum(self.tensors[i].shape[1] for i in self.rows))
        joined = O("CONCATENATION", self.rows, [made], {"axis": 1})
        return graphs.build(self.tensors, [*self.ops, joined], [0], [made])


def paddings(data: bytes) -> int:
    return sum(isinstance(node.work, PadImage) for node in compiled(tflite.parse(data, "padded"), M4).nodes)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [4, 5, 1])
def test_a_folded_padding_equals_the_wheel(channels: int, tmp_path: Path) -> None:
    branches = Branches(channels)
    for pads in (((1, 1), (1, 1)), ((2, 0), (0, 2)), ((1, 0), (2, 1))):
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"):
            branches.layer(kind, branches.padded(pads, -128 if kind == "MAX_POOL_2D" else ZERO))
    data = branches.data()
    model = tflite.parse(data, "padded")
    assert paddings(data) == 0
    samples = branches.rng.integers(-128, 128, (6, *model.input.shape), np.int8)
    wanted = graphs.wheel(data, samples).reshape(6, -1)
    (interpreted,) = interpret(compiled(model, M4), samples)
    np.testing.assert_array_equal(interpreted.reshape(6, -1), wanted)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0].reshape(6, -1), wanted)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(machine.infer(samples[0].ravel()).ravel(), wanted[0])


def read_twice() -> Branches:
    branches = Branches(4)
    image = branches.padded(((1, 1), (1, 1)))
    branches.layer("CONV_2D", image)
    branches.rows.append(branches.activation(1, math.prod(branches.tensors[image].shape)))
    branches.ops.append(O("RESHAPE", [image], [branches.rows[-1]]))
    return branches


def of(kind: str, pads: Pads, value: int) -> Branches:
    branches = Branches(4)
    branches.layer(kind, branches.padded(pads, value))
    return branches


@pytest.mark.parametrize(
    "branches",
    [
        pytest.param(of("CONV_2D", ((3, 3), (0, 0)), ZERO), id="a window lies outside altogether"),
        pytest.param(of("CONV_2D", ((1, 1), (1, 1)), ZERO + 1), id="what stands outside is not zero"),
        pytest.param(of("MAX_POOL_2D", ((1, 1), (1, 1)), ZERO), id="what stands outside may be the largest"),
        pytest.param(read_twice(), id="somebody else reads the padded image"),
    ],
)
def test_a_padding_that_others_need_stays(branches: Branches) -> None:
    assert paddings(branches.data()) == 1
