"""Channels that are constant for every input, or that nobody reads, are left out; no output may change by a bit."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests import graphs, m4
from tests.data import REFERENCE, find
from tests.graphs import O, T, constant
from tests.some import some
from tests.unit.test_aot_plan import replay
from tinyperf import cores, tflite
from tinyperf.cli import profile
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes import stages
from tinyperf.engines.aot.passes.leave_out import Rest, wanted_channels, without
from tinyperf.engines.aot.passes.place import place
from tinyperf.engines.aot.passes.ranges import ranges
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data, Graph
    from tinyperf.engines.aot.passes.leave_out import Mask

M4 = Target(cores.load("cortex-m4"))
TARGETS = [Target(cores.load("host")), M4]
WEIGHT = 0.01
STRIDES = {"strideH": 1, "strideW": 1}
PLAIN = STRIDES | {"dilationHFactor": 1, "dilationWFactor": 1}


@dataclass
class Network:
    """Layers on images, one after another; channels are dead in every way that quantizers leave them."""

    random: Random
    tensors: list[T] = field(default_factory=list)
    ops: list[O] = field(default_factory=list)

    def made(self, *shape: int, scale: float = 0.05) -> int:
        self.tensors.append(T(shape, scale, self.random.pick(-128, self.random.zero())))
        return len(self.tensors) - 1

    def constant(self, data: npt.NDArray[Any], scale: float | None = None, axis: int = 0) -> int:
        self.tensors.append(constant(data, scale, axis))
        return len(self.tensors) - 1

    @property
    def last(self) -> int:
        return self.ops[-1].outputs[0] if self.ops else 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors[self.last].shape

    def count(self) -> int:
        return self.random.pick(4, 8, 8, 12, 16, 5, 9)

    def killed(self, weights: npt.NDArray[np.int8], out: int) -> npt.NDArray[np.int32]:
        """The bias; `weights` [..., in, out of axis `out`] are changed: inputs that nobody reads, channels of zeros."""
        random, count = self.random, weights.shape[out]
        taps = weights.size // count
        bias: npt.NDArray[np.int32] = random.generator.integers(-4000 * taps, 4000 * taps + 1, count, np.int32)
        by_channel = np.moveaxis(weights, out, 0)
        for channel in range(count):
            kind = random.pick("", "", "huge", "relu", "zero", "zero, huge")
            if "huge" in kind:
                bias[channel] = random.pick(2**30, -(2**30), 2**30 - 1)
            if kind == "relu":
                bias[channel] = -40_000 * taps
            if "zero" in kind:
                by_channel[channel] = 0
        return bias

    def weighted(
        self, kind: str, weights: npt.NDArray[np.int8], axis: int, made: tuple[int, ...], **options: int
    ) -> None:
        given, taps = self.last, weights.size // weights.shape[axis]
        scale = self.tensors[given].scale
        assert isinstance(scale, float)
        bias = self.killed(weights, axis)
        if axis == 0:
            weights[..., self.random.generator.random(weights.shape[-1]) < 0.1] = 0
        names = self.constant(weights, WEIGHT, axis), self.constant(bias, float(np.float32(scale * np.float32(WEIGHT))))
        out = self.made(*made, scale=self.random.output_scale(scale, WEIGHT, taps))
        options["fusedActivationFunction"] = self.random.integer(0, 3)
        self.ops.append(O(kind, [given, *names], [out], dict(options)))

    def convolved(self) -> None:
        _, h, w, c = self.shape
        kernel = self.random.pick(1, 1, 3)
        padding = self.random.pick(0, 1) if min(h, w) >= kernel else 0
        less = (kernel - 1) * padding
        weights = self.random.weights(self.count(), kernel, kernel, c)
        made = (1, h - less, w - less, len(weights))
        self.weighted("CONV_2D", weights, 0, made, padding=padding, **PLAIN)

    def depthwise(self) -> None:
        _, h, w, c = self.shape
        multiplier = self.random.pick(1, 1, 1, 1, 2)
        weights = self.random.weights(1, 3, 3, c * multiplier)
        made = (1, h, w, c * multiplier)
        self.weighted("DEPTHWISE_CONV_2D", weights, 3, made, padding=0, depthMultiplier=multiplier, **PLAIN)

    def like(self, *shape: int) -> int:
        given = self.tensors[self.last]
        self.tensors.append(T(shape, given.scale, given.zero))
        return len(self.tensors) - 1

    def pooled(self) -> None:
        _, h, w, c = self.shape
        options = {"padding": 0, "filterHeight": 2, "filterWidth": 3, "strideH": 2, "strideW": 1}
        kind = self.random.pick("AVERAGE_POOL_2D", "MAX_POOL_2D")
        options["fusedActivationFunction"] = self.random.integer(0, 3)
        self.ops.append(O(kind, [self.last], [self.like(1, -(-h // 2), w, c)], options))

    def added(self) -> None:
        """With anything of the same shape, so that some values have two readers."""
        same = [op.outputs[0] for op in self.ops if self.tensors[op.outputs[0]].shape == self.shape]
        given = self.last, self.random.pick(*same)
        self.ops.append(O("ADD", [*given], [self.made(*self.shape, scale=self.random.near(0.1, 1))]))

    def flattened(self) -> None:
        """Whole images averaged, then a row; or the image read as a row."""
        _, h, w, c = self.shape
        if self.random.pick(True, False):
            options = {"padding": 1, "filterHeight": h, "filterWidth": w, **STRIDES}
            self.ops.append(O("AVERAGE_POOL_2D", [self.last], [self.like(1, 1, 1, c)], options))
        if self.random.pick(True, False):
            n = math.prod(self.shape)
            shape = self.constant(np.array([1, n], np.int32))
            self.ops.append(O("RESHAPE", [self.last, shape], [self.like(1, n)]))
        for _ in range(2):
            weights = self.random.weights(self.count(), math.prod(self.shape))
            self.weighted("FULLY_CONNECTED", weights, 0, (1, len(weights)))


def network(random: Random) -> bytes:
    made = Network(random)
    made.made(1, random.integer(2, 5), random.integer(2, 5), random.pick(1, 3, 4))
    made.convolved()
    steps = (made.convolved, made.convolved, made.depthwise, made.depthwise, made.pooled, made.added)
    for _ in range(random.integer(1, 6)):
        random.pick(*steps)()
    if random.pick(True, False):
        made.flattened()
    return graphs.build(made.tensors, made.ops, [0], [made.last])


def samples_of(random: Random, model: tflite.Model) -> npt.NDArray[np.int8]:
    samples = random.codes(8, *model.input.shape)
    samples[0], samples[1] = -128, 127
    return samples


def left_out(file: bytes) -> list[str]:
    graph = dict(stages(tflite.parse(file, "network"), M4))["leave_out"]
    return [node.why.split(",")[0] for node in graph.nodes if node.why]


@pytest.mark.parametrize("seed", some(range(100), 10))
def test_a_network_with_dead_channels_equals_the_wheel_after_every_pass(seed: int) -> None:
    random = Random(seed)
    file = network(random)
    model = tflite.parse(file, "network")
    samples = samples_of(random, model)
    expected = graphs.wheel(file, samples)
    for target in TARGETS:
        for name, graph in stages(model, target):
            (made,) = interpret(graph, samples)
            np.testing.assert_array_equal(made.reshape(len(samples), -1), expected, err_msg=f"after pass {name}")
        replay(graph, place(graph))


def test_the_random_networks_lose_channels() -> None:
    """In half of them and more, or the tests around this one would see nothing."""
    assert sum(bool(left_out(network(Random(seed)))) for seed in range(100)) >= 50


def with_junk(graph: Graph, masks: dict[int, Mask], samples: npt.NDArray[np.int8], random: Random) -> Data:
    """The output, where whatever a node makes outside of `masks` is overwritten with noise."""
    values: dict[int, Data] = {graph.inputs[0]: samples}
    for node in graph.nodes:
        given = (
            values[i].reshape(len(samples), *o.shape)
            for i, o in zip(node.inputs, node.work.signature.inputs, strict=True)
        )
        for i, made in zip(node.outputs, node.work.interpret(*given), strict=True):
            values[i] = made.reshape(len(samples), *graph.values[i].shape).copy()
            dead = ~masks[i]
            values[i][..., dead] = random.codes(*values[i].shape)[..., dead]
    return values[graph.outputs[0]]


def test_junk_in_dead_channels_changes_no_output() -> None:
    """All channels keep their places; in half of the networks and more some are dead."""
    written = 0
    for seed in range(12):
        random = Random(seed)
        model = tflite.parse(network(random), "network")
        samples = samples_of(random, model)
        graph = next(graph for name, graph in stages(model, M4) if name == "rewrite")
        known = ranges(graph)
        masks = wanted_channels(graph, known)
        nobody_reads = without(graph, {i: Rest(mask, np.arange(len(mask))) for i, mask in masks.items()}, known)
        made = with_junk(nobody_reads, masks, samples, random)
        np.testing.assert_array_equal(made, interpret(graph, samples)[0], err_msg=f"seed {seed}")
        written += any(not mask.all() for mask in masks.values())
    assert written >= 6


@pytest.mark.parametrize("seed", some(range(100, 106), 6))
def test_the_c_of_a_network_with_dead_channels_equals_the_wheel(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    file = network(random)
    model = tflite.parse(file, "network")
    samples = samples_of(random, model)
    expected = graphs.wheel(file, samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(np.stack([machine.infer(sample) for sample in samples[:4]]), expected[:4])


def two_layers(
    *, zero: int = -128, kernel: int = 1, padding: int = 1, second: str = "CONV_2D", output: int = 5
) -> bytes:
    """A 1x1 convolution whose channels 0 to 4 of 12 are dead below the lowest code, and a reader of it.

    Channel 5 is read by nobody. zero: the zero point between the two.
    """
    size = 4 - (kernel - 1) * padding
    first, reader = np.full((12, 1, 1, 4), 3, np.int8), np.full((8, kernel, kernel, 12), 2, np.int8)
    reader[..., 5] = 0
    bias = np.array([-(2**30)] * 5 + [0] * 7, np.int32)
    tensors = [
        T((1, 4, 4, 4), 0.05, 0),
        constant(first, WEIGHT),
        constant(bias, float(np.float32(0.05 * WEIGHT))),
        T((1, 4, 4, 12), 0.05, zero),
        constant(reader, WEIGHT),
        T((1, size, size, 8), 0.5, 0) if second == "CONV_2D" else T((1, 4, 4, 12), 0.5, 0),
    ]
    plain = PLAIN | {"padding": padding}
    ops = [O("CONV_2D", [0, 1, 2], [3], plain)]
    ops.append(O("CONV_2D", [3, 4], [5], plain) if second == "CONV_2D" else O("ADD", [3, 3], [5]))
    return graphs.build(tensors, ops, [0], [output])


@pytest.mark.parametrize(
    ("file", "gone"),
    [
        pytest.param(two_layers(), True, id="the reader's zero point"),
        pytest.param(two_layers(zero=5), True, id="another code goes into the bias"),
        pytest.param(two_layers(zero=5, kernel=3), True, id="where no window reaches outside"),
        pytest.param(two_layers(kernel=3, padding=0), True, id="padding adds the same code"),
        pytest.param(two_layers(zero=5, kernel=3, padding=0), False, id="padding adds another code"),
        pytest.param(two_layers(second="ADD"), False, id="ADD keeps its channels"),
        pytest.param(two_layers(output=3), False, id="an output keeps its channels"),
    ],
)
def test_when_channels_are_left_out(file: bytes, *, gone: bool) -> None:
    """Six of twelve can go, four do: eight are what kernels take."""
    model = tflite.parse(file, "two")
    graph = dict(stages(model, M4))["leave_out"]
    assert graph.values[3].shape[-1] == (8 if gone else 12)
    assert left_out(file) == ["4 of 12 channels left out (3 constant and 1 read by nobody)"] * gone
    samples = samples_of(Random(0), model)
    np.testing.assert_array_equal(interpret(graph, samples)[0].reshape(8, -1), graphs.wheel(file, samples))


@pytest.mark.parametrize("padding", [pytest.param(0, id="SAME"), pytest.param(1, id="VALID")])
def test_a_constant_image_has_borders(padding: int) -> None:
    """Nine times the highest code inside, four and six times at the border, where padding stands for the others."""
    size = 4 - 2 * padding
    tensors = [
        T((1, 4, 4, 4), 0.05, 0),
        constant(np.full((8, 1, 1, 4), 3, np.int8), WEIGHT),
        constant(np.full(8, 2**30, np.int32), float(np.float32(0.05 * WEIGHT))),
        T((1, 4, 4, 8), 0.05, -10),
        constant(np.ones((1, 3, 3, 8), np.int8), WEIGHT, axis=3),
        T((1, size, size, 8), 0.02, 0),
        constant(np.ones((5, 1, 1, 8), np.int8), WEIGHT),
        T((1, size, size, 5), 0.001, 0),
    ]
    plain = PLAIN | {"padding": padding}
    ops = [
        O("CONV_2D", [0, 1, 2], [3], plain),
        O("DEPTHWISE_CONV_2D", [3, 4], [5], plain | {"depthMultiplier": 1}),
        O("CONV_2D", [5, 6], [7], plain),
    ]
    file = graphs.build(tensors, ops, [0], [7])
    assert left_out(file) == ["4 of 8 channels left out (4 constant)"] * (2 * padding)
    samples = samples_of(Random(0), tflite.parse(file, "borders"))
    (made,) = interpret(dict(stages(tflite.parse(file, "borders"), M4))["choose"], samples)
    assert (len(set(made.ravel().tolist())) == 1) == bool(padding)
    np.testing.assert_array_equal(made.reshape(8, -1), graphs.wheel(file, samples))


def test_a_model_says_what_was_left_out_and_can_keep_it() -> None:
    model = tflite.load(find(REFERENCE["vww"]))
    made, whole = (ENGINE.generate(model, M4, options) for options in ({}, {"fold": "off"}))
    assert made.weights_bytes * 4 < whole.weights_bytes
    assert made.arena_bytes <= whole.arena_bytes
    assert [layer.macs for layer in made.layers] == [layer.macs for layer in whole.layers]
    said = [layer.why for layer in made.layers if "left out" in layer.why]
    assert any("232 of 256 channels left out (232 constant), exact for every input" in why for why in said)
    assert made.details.kernels.endswith(f"; constant or unread channels left out (layers: {len(said)})")
    assert not [layer for layer in whole.layers if "left out" in layer.why]
    assert ENGINE.generate(model, M4, {"fold": "on"}).sources == made.sources


@pytest.mark.parametrize("name", ["kws", "ic", "ad"])
def test_a_model_without_dead_channels_stays_as_it_is(name: str) -> None:
    model = tflite.load(find(REFERENCE[name]))
    assert ENGINE.generate(model, M4, {}).sources == ENGINE.generate(model, M4, {"fold": "off"}).sources


def test_fold_is_on_or_off() -> None:
    with pytest.raises(UsageError, match="fold=some is neither on nor off"):
        ENGINE.generate(tflite.parse(two_layers(), "two"), M4, {"fold": "some"})


@pytest.mark.slow
def test_a_profile_says_that_channels_were_left_out(tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    (tmp_path / "two.tflite").write_bytes(two_layers())
    costs = {}
    for engine in ("aot", "aot:fold=off"):
        argv = ["--board", "nucleo-l4r5zi", "--engine", engine, "--model", str(tmp_path / "two.tflite")]
        shown = CliRunner().invoke(profile.command, argv, catch_exceptions=False).output
        said = "left out      channels that the outputs do not depend on (layers: 1); MACs are the model's"
        assert (said in shown) == (engine == "aot")
        found = CliRunner().invoke(profile.command, [*argv, "--json"], catch_exceptions=False).stdout
        costs[engine] = json.loads(found)
    less, whole = costs.values()
    assert less["instructions_per_inference"] < whole["instructions_per_inference"]
    assert [layer["macs"] for layer in less["layers"]] == [layer["macs"] for layer in whole["layers"]]
    assert [layer["left_out"] for layer in less["layers"]] == [
        "4 of 12 channels left out (3 constant and 1 read by nobody), exact for every input",
        "",
    ]
