"""Depthwise convolutions beyond one output channel per input channel: one input channel, multipliers, dilations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.data import find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes import compiled, stages

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))
FORCED = replace(M4, core=replace(M4.core, costs={**M4.core.costs, "depthwise_conv_2d_dsp": defaultdict(float)}))
"""On which the kernel costs nothing."""
# Output channels per input channel, kernel, dilation, stride and padding (0: SAME) of layers one after another on three
# channels: words and single codes, fillers, whole and ragged rings.
LAYERS = (
    (3, (3, 3), (1, 1), (1, 1), 0),  # 9 channels: four loads, a filler of three
    (1, (3, 2), (2, 3), (1, 1), 0),  # 9 channels: words that reach beyond a pixel
    (2, (2, 3), (3, 1), (1, 1), 0),  # 18 channels: a filler of two
    (2, (1, 3), (1, 2), (1, 1), 0),  # 36 channels: two loads
    (4, (3, 1), (2, 1), (2, 1), 1),  # 144 channels: one load
    (1, (2, 2), (1, 1), (2, 2), 0),
)


def chain(
    random: Random, layers: tuple[tuple[int, tuple[int, int], tuple[int, int], tuple[int, int], int], ...]
) -> bytes:
    height, width, channels = 9, 8, 3
    tensors, ops = [graphs.T((1, height, width, channels), 0.05, random.zero())], []
    for multiplier, kernel, dilation, stride, padding in layers:
        last, channels = len(tensors) - 1, channels * multiplier
        slack = [(k - 1) * d if padding else 0 for k, d in zip(kernel, dilation, strict=True)]
        height, width = -(-(height - slack[0]) // stride[0]), -(-(width - slack[1]) // stride[1])
        scales, given = [random.scale(-3, -2) for _ in range(channels)], tensors[last].scale
        assert isinstance(given, float)
        taps = kernel[0] * kernel[1]
        bias = random.generator.integers(-4000 * taps, 4000 * taps + 1, channels).astype(np.int32)
        made = given * max(scales) * taps**0.5 * 40
        tensors += [
            graphs.constant(random.weights(1, *kernel, channels), scales, axis=3),
            graphs.constant(bias, [given * s for s in scales]),
            graphs.T((1, height, width, channels), made, random.zero()),
        ]
        options = {"padding": padding, "strideH": stride[0], "strideW": stride[1], "depthMultiplier": multiplier}
        options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
        ops.append(graphs.O("DEPTHWISE_CONV_2D", [last, last + 1, last + 2], [last + 3], options))
    return graphs.build(tensors, ops, [0], [len(tensors) - 1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_every_way_to_load_codes_equals_the_wheel(seed: int, tmp_path: Path) -> None:
    """Prefixes of the chain too, so that every layer's output is seen."""
    random = Random(seed)
    layers = LAYERS[: seed + 1]
    file = chain(random, layers)
    model = tflite.parse(file, "chain")
    kernels = [node.form.kernel for node in compiled(model, FORCED).nodes if node.form]
    assert kernels == ["depthwise_conv_2d_dsp"] * len(layers)
    samples = random.codes(3, *model.input.shape)
    machine = m4.Machine(m4.build(ENGINE.generate(model, FORCED, {}), tmp_path), model)
    made = np.stack([machine.infer(sample) for sample in samples])
    assert len(np.unique(made)) > 20
    np.testing.assert_array_equal(made, graphs.wheel(file, samples))


def test_one_input_channel_is_a_convolution() -> None:
    """Two files of one layer, as either operator: the same code but for its name."""
    graphs_of = [
        compiled(tflite.load(find(f"cases/models/{name}.tflite")), M4) for name in ("dw_1ch_mult8", "same_as_conv")
    ]
    (one,), (other,) = (graph.nodes for graph in graphs_of)
    assert isinstance(one.work, Conv)
    assert isinstance(other.work, Conv)
    assert one.work.window == other.work.window
    np.testing.assert_array_equal(one.work.weights, other.work.weights)
    assert one.form == other.form


def test_an_operator_with_several_input_channels_stays() -> None:
    graph = dict(stages(tflite.parse(chain(Random(0), LAYERS[:1]), "chain"), M4))["rewrite"]
    assert not isinstance(graph.nodes[0].work, Conv)
