"""Kernels for the DSP instructions, forced one by one, on random layers side by side: against numpy's meaning of them.

A layer's work is drawn, not read from a file: multipliers of exactly 2^30 meet ties, biases push sums to both ends, and
shifts differ by channel. The interpreter that judges is itself held against the wheel (test_aot_interpret.py).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import m4
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Graph, Node, Origin, Value
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.kernels import all_kernels
from tinyperf.engines.aot.layouts import NHWC, ROWS
from tinyperf.engines.aot.operators._broadcast import broadcast
from tinyperf.engines.aot.operators._weighted import Channels
from tinyperf.engines.aot.operators._window import Window
from tinyperf.engines.aot.operators.add import Add
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes.bounds import accumulators
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.engines.aot.graph import Work

ASSEMBLY = ("tp_fully_connected_eights", "tp_winograd_", "tp_pairs_", "tp_direct_", "tp_add_exact", "tp_add_relu")
CACHE_BYTES = 1024
"""Of the instructions, in the STM32L4's flash accelerator."""

M4 = Target(cores.load("cortex-m4"))


@dataclass(frozen=True)
class Layer:
    """A convolution: [height, width, channels] in, channels out, kernel, stride, rows and columns of padding before and
    behind; how far apart the shifts are, whether the last channel's is far from all others; zero points, clamp.
    """

    given: tuple[int, int, int]
    made: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    spread: int = 0
    alone: bool = False
    zeros: tuple[int, int] = (-128, -128)
    clamp: tuple[int, int] = (-128, 127)

    @property
    def window(self) -> Window:
        height, width, channels = self.given
        top, left, bottom, right = self.pad
        rows = (height + top + bottom - self.kernel[0]) // self.stride[0] + 1
        columns = (width + left + right - self.kernel[1]) // self.stride[1] + 1
        return Window(
            (height, width, channels), (rows, columns, self.made), self.kernel, self.stride, (1, 1), (top, left)
        )


Sum = tuple[int, tuple[int, int], bool, int, tuple[int, int, int], tuple[int, int]]

SINGLE_ROWS = (
    Layer((1, 1, 640), 11),
    Layer((1, 1, 16), 8, zeros=(-128, 5)),
    Layer((1, 1, 37), 3, zeros=(127, -40), clamp=(-40, 100)),
    Layer((1, 1, 130), 24, zeros=(0, 127)),
    Layer((1, 1, 1), 1, zeros=(3, -3), clamp=(-3, 127)),
)
THREES = (
    Layer((8, 8, 4), 2, (3, 3), pad=(1, 1, 1, 1)),
    Layer((6, 10, 12), 4, (3, 3), zeros=(7, -3), clamp=(-3, 110)),
    Layer((4, 32, 8), 6, (3, 3), pad=(1, 1, 1, 1), spread=3, zeros=(127, 0)),
    Layer((13, 10, 44), 2, (3, 3), pad=(0, 2, 1, 2), spread=2, zeros=(-128, 12)),
    Layer((4, 4, 72), 4, (3, 3), pad=(1, 1, 1, 1), zeros=(-3, -128)),
    Layer((4, 4, 168), 2, (3, 3), pad=(1, 1, 1, 1)),
    Layer((4, 32, 40), 2, (3, 3), pad=(1, 1, 1, 1)),
)
WINDOWS = (
    Layer((5, 6, 16), 5, zeros=(-128, 9), spread=4),
    Layer((9, 7, 8), 4, stride=(2, 2), zeros=(3, -20), clamp=(-20, 127), spread=2),
    Layer((6, 5, 7), 3, (3, 3), pad=(1, 1, 1, 1), zeros=(5, 0), clamp=(-100, 100), spread=3),
    Layer((4, 3, 12), 2, (2, 1), zeros=(-128, 127)),
    Layer((3, 3, 16), 6, zeros=(-128, -128), alone=True),
)
DIRECT = (
    Layer((8, 8, 3), 5, (3, 3), pad=(1, 1, 1, 1), spread=2),
    Layer((9, 17, 3), 6, (3, 3), stride=(2, 2), zeros=(3, -128)),
    Layer((6, 17, 3), 4, (2, 3), stride=(2, 2), zeros=(-128, -128), spread=2),
    Layer((3, 9, 5), 3, (1, 3), stride=(1, 2), pad=(0, 0, 0, 1), zeros=(7, -3), clamp=(-90, 80)),
    Layer((3, 8, 26), 3, (1, 3), pad=(0, 1, 0, 1), zeros=(5, 0), clamp=(-100, 100), spread=1),
    Layer((4, 9, 10), 3, stride=(2, 2), pad=(0, 0, 0, 6), zeros=(-9, 7)),
    Layer((9, 8, 1), 5, (3, 3), pad=(1, 1, 1, 1), zeros=(-128, -128), spread=2),
    Layer((3, 16, 5), 4, zeros=(-128, -128)),
    Layer((6, 16, 3), 4, (3, 3), pad=(1, 1, 1, 1), zeros=(-128, -128), alone=True),
    Layer((5, 9, 3), 2, (3, 3), stride=(2, 2), pad=(1, 0, 1, 0), zeros=(4, -9), alone=True),
)
# Elements, multiplier and shift of the input of the smaller scale, whether it is the first, shift of the output, zero
# points of inputs and output, clamp.
SUMS = (
    (64, (2**30, -1), False, -19, (-128, 3, -128), (-128, 127)),
    (7, (2**31 - 1, 0), True, -18, (127, -128, 5), (-128, 127)),
    (41, (1_500_000_001, -3), False, -20, (0, -1, -20), (-20, 90)),
    (3, (0, 0), False, -17, (1, 2, 3), (-128, 127)),
    (128, (2**30, 0), True, -1, (-5, 9, 127), (-128, 127)),
)
KERNELS: dict[str, tuple[Layer, ...] | tuple[Sum, ...]] = {
    "fully_connected_pairs_dsp": SINGLE_ROWS,
    "conv_winograd_dsp": THREES,
    "conv_pairs_dsp": WINDOWS,
    "conv_pairs_flash_dsp": (*WINDOWS, Layer((5, 5, 64), 3, zeros=(-128, -128))),
    "conv_pairs_resident_dsp": WINDOWS,
    "conv_direct_dsp": DIRECT,
    "add_table_dsp": SUMS,
}


def add(case: Sum, draw: np.random.Generator) -> Add:
    """An output multiplier of 2^30 meets ties."""
    elements, smaller, first, shift, (a, b, out), clamp = case
    shape = broadcast((1, elements), (1, elements))
    inputs = (smaller, (2**30, 0)) if first else ((2**30, 0), smaller)
    multiplier = int(draw.choice(np.array([2**30, draw.integers(2**30, 2**31)])))
    return Add(*shape, (a, b), (*inputs, (multiplier, shift)), out, clamp)


def conv(layer: Layer, draw: np.random.Generator) -> Conv:
    """Outputs reach both ends of their range, and ties, where the multiplier is 2^30."""
    weights = draw.integers(-127, 128, (layer.made, *layer.kernel, layer.given[2])).astype(np.int8)
    taps = int(weights[0].size)
    bits = int(np.log2(taps) / 2 + 6)
    exponents = -np.maximum(bits + draw.integers(0, layer.spread + 1, layer.made), 1)
    multipliers = np.where(draw.random(layer.made) < 0.5, 2**30, draw.integers(2**30, 2**31, layer.made))
    if not layer.spread:
        multipliers[:], exponents[:] = multipliers[0], exponents[0]
    if layer.alone:
        exponents[-1] = -4
    bias = draw.integers(-5000, 5001, layer.made)
    channels = Channels(bias.astype(np.int32), multipliers.astype(np.int32), exponents.astype(np.int32))
    return Conv(layer.window, weights, channels, *layer.zeros, layer.clamp)


def side_by_side(works: tuple[Work, ...], kernel: str, form: int, made: str = NHWC) -> Graph:
    """A graph of as many inputs and outputs, every work in this form of the kernel."""
    (chosen,) = (one for one in all_kernels() if one.name == kernel)
    values: dict[int, Value] = {}
    nodes: list[Node] = []
    inputs: list[int] = []
    for position, work in enumerate(works):
        ids = []
        for operand in (*work.signature.inputs, *work.signature.outputs):
            ids.append(len(values))
            limits = np.iinfo(operand.dtype)
            codes = (int(limits.min), int(limits.max))
            values[ids[-1]] = Value(ids[-1], f"v{ids[-1]}", (1, *operand.shape), operand.dtype, range=codes)
        values[ids[-1]] = replace(values[ids[-1]], layout=made)
        inputs += ids[:-1]
        bounds = accumulators(work) if isinstance(work, Conv) else None
        assert chosen.lacks(work, bounds) is None, chosen.lacks(work, bounds)
        costs = M4.core.resident().costs.get(kernel, chosen.costs)
        forms = [one for one in chosen.forms(work, costs) if (*one.inputs, *one.outputs) in {(), (NHWC, made)}]
        taken = replace(forms[min(form, len(forms) - 1)], kernel=kernel)
        nodes.append(Node(work, tuple(ids[:-1]), tuple(ids[-1:]), (Origin(position, "LAYER"),), form=taken))
    outputs = tuple(node.outputs[0] for node in nodes)
    return Graph("layers", values, tuple(nodes), tuple(inputs), outputs)


def described(graph: Graph) -> tflite.Model:
    """A model of the graph's inputs and outputs, for names and sizes."""
    tensors = tuple(tflite.Tensor(i, v.name, v.shape, v.dtype, None) for i, v in graph.values.items())
    return tflite.Model("layers", "0" * 64, 0, tensors, (), graph.inputs, graph.outputs)


@dataclass(frozen=True)
class Instruction:
    """Of a disassembly. target: of a branch, -1 else."""

    address: int
    bytes: int
    target: int


def assembly(elf: Path) -> dict[str, list[Instruction]]:
    """The functions of the kernels that are assembly."""
    told = subprocess.run(["arm-none-eabi-objdump", "-d", elf], capture_output=True, text=True, check=True).stdout
    found: dict[str, list[Instruction]] = {}
    name = ""
    for line in told.splitlines():
        if head := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            name = head[1]
        elif code := re.match(r" ?([0-9a-f]+):\t([0-9a-f ]+)\t(b\w*(?:\.[nw])?\t([0-9a-f]+) <)?", line):
            one = Instruction(int(code[1], 16), len(code[2].replace(" ", "")) // 2, int(code[4] or "-1", 16))
            if name.startswith(ASSEMBLY):
                found.setdefault(name, []).append(one)
    return found


def innermost_loops(function: list[Instruction]) -> list[list[Instruction]]:
    ends = [(one.target, one.address) for one in function if 0 <= one.target <= one.address]
    inner = [(a, b) for a, b in ends if not any(a <= c and d < b for c, d in ends)]
    return [[one for one in function if start <= one.address <= end] for start, end in inner]


def unfit(elf: Path) -> list[str]:
    """Loops that would not run as they are counted: instructions of 32 bits at halfwords, more than the cache holds."""
    found = []
    for name, function in assembly(elf).items():
        for loop in innermost_loops(function):
            found += [f"{name}: {one.address:#x} crosses words" for one in loop if one.bytes == 4 and one.address % 4]
            if loop[-1].address + loop[-1].bytes - loop[0].address > CACHE_BYTES:
                found.append(f"{name}: a loop of more than {CACHE_BYTES} bytes")
    return found


def compare(works: tuple[Work, ...], kernel: str, form: int, folder: Path, made: str = NHWC) -> set[int]:
    """Four inferences, of noise and of extremes; the codes seen."""
    graph = side_by_side(works, kernel, form, made)
    graph.verify("test")
    model = described(graph)
    elf = m4.build(emit(model, graph, place(graph), M4), folder)
    assert assembly(elf)
    assert not unfit(elf)
    machine = m4.Machine(elf, model)
    draw = np.random.default_rng(form)
    seen: set[int] = set()
    for extremes in (False, False, True, True):
        samples = []
        for i in graph.inputs:
            limits = np.iinfo(graph.values[i].dtype)
            codes = np.array([limits.min, limits.max]) if extremes else np.arange(limits.min, limits.max + 1)
            samples.append(draw.choice(codes, graph.values[i].shape).astype(graph.values[i].dtype))
        machine.infer(*samples)
        for index, expected in enumerate(interpret(graph, *samples)):
            laid = np.moveaxis(expected.reshape(graph.values[graph.outputs[index]].shape), -1, 1)
            laid = laid if made == ROWS else expected
            np.testing.assert_array_equal(machine.output(index), laid.ravel(), err_msg=f"layer {index}")
            seen |= set(expected.ravel().tolist())
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("form", range(2))
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_form_equals_the_interpreter(kernel: str, form: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(form)
    works = tuple(conv(case, draw) if isinstance(case, Layer) else add(case, draw) for case in KERNELS[kernel])
    seen = compare(works, kernel, form, tmp_path)
    assert {-128, 127} <= seen


@pytest.mark.slow
def test_planes_equal_the_interpreter(tmp_path: Path) -> None:
    """Of four and more codes, so that nothing fills a plane."""
    draw = np.random.default_rng(5)
    works = tuple(conv(layer, draw) for layer in DIRECT)
    assert {-128, 127} <= compare(works, "conv_direct_dsp", 0, tmp_path, ROWS)
