"""The arena beside what TFLM's interpreter plans, and kernels that are taken for their scratch alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.data import find
from tinyperf import cores, tflite
from tinyperf.engines import Generated, Target
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from pathlib import Path


M4 = Target(cores.load("cortex-m4"))
PARTS = replace(M4, core=replace(M4.core, costs={**M4.core.costs, "conv_2d_parts_dsp": defaultdict(float)}))
"""On which the kernel costs nothing."""
# One of each architecture that is at hand.
ZOO = (
    *("TinyMaix.cifar10_q.4364bc", "TinyMaix.mnist_resnet_q.b86192", "mlonmcu-models.cnn_s_quantized.32d791"),
    *("ap-ml-state-monitor.tensorflow_model_lcnn_quant.b06336", "mlonmcu-models.micro_kws_m_quantized.d3620e"),
    *("mltk.keyword_spotting_on_off_v3.c672da", "neuralSPOT.ic_bench_model_data.4f23ae"),
    *("tflite-micro-arduino-exa.magic_wand_model_data.c12360", "tflite-micro.hello_world_int8.505ee4"),
    *("tflite-micro.micro_speech_quantized.09e5e2", "tflite-micro.person_detect.808cfd"),
    *("tiny.kws_model_data.aeea43", "tiny.str_ww_ref_model.3af855", "tiny.vww_model_data.597a38"),
    *("micro-wake-word-models.okay_nabu.0689ab", "mlonmcu-models.rnnoise_INT8.9c5825", "tinyengine.detection.ae2bf7"),
    "tinyml.yolo_person_detect_model_data.0d74e3",
)
KERNELS = ((2, 1), (3, 2), (5, 1), (1, 3), (4, 4))


def head_bytes(path: Path, capfd: pytest.CaptureFixture[str]) -> int:
    """What TFLM's planner gives activations and scratch: `print_allocations` writes it to the process's output."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="the tflite-micro wheel is absent")
    interpreter = runtime.Interpreter.from_file(str(path), arena_size=1 << 24)
    capfd.readouterr()
    interpreter.print_allocations()
    told = "".join(capfd.readouterr())
    found = re.search(r"Arena allocation head (\d+)", told)
    assert found, told
    return int(found[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_the_arena_is_never_above_that_of_the_interpreter(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The input consumed; kept, at most its own bytes more. Variables are apart from it, at the end of TFLM's arena."""
    path = find(f"zoo/{name}.tflite")
    graph = compiled(tflite.load(path), M4)
    head = head_bytes(path, capfd)
    given = sum(-(-graph.values[i].size_bytes // 16) * 16 for i in graph.inputs)
    states = sum(graph.values[state.before].size_bytes for state in graph.states)
    assert place(graph, keeps_input=False).arena_bytes <= head + states
    assert place(graph).arena_bytes <= head + states + given


def network(random: Random, kernels: tuple[tuple[int, int], ...], size: tuple[int, int], channels: int) -> bytes:
    """Convolutions one after another, every other one with a stride or a dilation."""
    height, width = size
    tensors, ops = [graphs.T((1, height, width, channels), 0.05, random.zero())], []
    for number, kernel in enumerate(kernels):
        last, made = len(tensors) - 1, 3 + number
        stride, dilation = (1 + number % 2, 1), (1, 1) if number % 2 else (2, 1)
        given, scale = tensors[last].scale, random.scale(-3, -2)
        assert isinstance(given, float)
        height = -(-height // stride[0])
        weights = random.weights(made, *kernel, channels)
        bias = random.generator.integers(-4000, 4000, made).astype(np.int32)
        tensors += [
            graphs.constant(weights, scale),
            graphs.constant(bias, given * scale),
            graphs.T((1, height, width, made), given * scale * (weights[0].size ** 0.5) * 40, random.zero()),
        ]
        options = {"padding": 0, "strideH": stride[0], "strideW": 1}
        options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
        ops.append(graphs.O("CONV_2D", [last, last + 1, last + 2], [last + 3], options))
        channels = made
    return graphs.build(tensors, ops, [0], [len(tensors) - 1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_windows_in_parts_equal_the_wheel(seed: int, tmp_path: Path) -> None:
    """Even and odd heights, widths, pixels and channels; a kernel of one row takes another way."""
    random = Random(seed)
    file = network(random, KERNELS, (7, 5 + seed), 1 + seed)
    model = tflite.parse(file, "parts")
    graph = compiled(model, PARTS)
    kernels = [node.form.kernel for node in graph.nodes if node.form and isinstance(node.work, Conv)]
    assert [kernel == "conv_2d_parts_dsp" for kernel in kernels] == [height > 1 for height, _ in KERNELS]
    emitted = emit(model, graph, place(graph), M4)
    made = Generated(emitted.sources, 0, 0, EngineDetails(kernels="", version=""))
    machine = m4.Machine(m4.build(made, tmp_path), model)
    samples = random.codes(3, *model.input.shape)
    outputs = np.stack([machine.infer(sample) for sample in samples])
    assert len(np.unique(outputs)) > 10
    np.testing.assert_array_equal(outputs, graphs.wheel(file, samples))


def test_a_whole_is_not_there_before_it_is_needed() -> None:
    """A, the first part, is made of a large value early; the second one comes behind another large value."""
    shapes = {"x": 2, "p": 66, "a": 2, "q": 4, "r": 66, "s": 4, "b": 16, "whole": 18}
    names = list(shapes)
    tensors = [graphs.T((1, rows, 8, 8), 0.1, 0) for rows in shapes.values()]

    def padded(given: str, made: str) -> graphs.O:
        behind = [[0, 0], [0, shapes[made] - shapes[given]], [0, 0], [0, 0]]
        tensors.append(graphs.constant(np.array(behind, np.int32)))
        return graphs.O("PAD", [names.index(given), len(tensors) - 1], [names.index(made)])

    def averaged(given: str, made: str, height: int) -> graphs.O:
        options = {"padding": 1, "strideH": height, "strideW": 1, "filterHeight": height, "filterWidth": 1}
        return graphs.O("AVERAGE_POOL_2D", [names.index(given)], [names.index(made)], options)

    ops = [padded("x", "p"), averaged("p", "a", 33), averaged("p", "q", 16), padded("q", "r"), averaged("r", "s", 16)]
    ops += [padded("s", "b"), graphs.O("CONCATENATION", [2, 6], [7], {"axis": 1})]
    file = graphs.build(tensors, ops, [0], [7])
    graph = compiled(tflite.parse(file, "whole"), M4)
    assert graph.nodes[-1].form is not None
    assert graph.nodes[-1].form.kernel == "concatenation"
    assert place(graph, keeps_input=False).arena_bytes <= (66 + 4 + 2) * 64


def test_a_large_window_does_not_make_the_arena_larger() -> None:
    """The columns of two windows of 8 x 4 x 16 codes would; where the output is large they do not."""
    large = network(Random(0), ((8, 4),), (10, 4), 16)
    small = network(Random(0), ((3, 3),), (40, 4), 16)
    kernels = [
        node.form.kernel for file in (large, small) for node in compiled(tflite.parse(file, ""), M4).nodes if node.form
    ]
    assert kernels == ["conv_2d_parts_dsp", "conv_2d_dsp"]
