"""ONNX operators as TensorFlow's: each against ONNX's own reference implementation."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tinyperf.errors import ModelError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow (extra 'train') is absent"),
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own, dozens of them
]

onnx = pytest.importorskip("onnx", reason="ONNX (extra 'onnx') is absent")
pytest.importorskip("onnx.reference", reason="ONNX (extra 'onnx') is absent")

IMAGE = (1, 6, 9, 7)
SERIES = (1, 6, 11)


@dataclass
class Network:
    """A chain of nodes: each takes what the one before gave, and constants."""

    shape: tuple[int, ...]
    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def then(
        self, kind: str, *constants: Any, inputs: tuple[str, ...] = (), count: int = 1, **attributes: Any
    ) -> Network:
        number = len(self.nodes)
        names = []
        for value in constants:
            name = f"w{len(self.weights)}" if value is not None else ""
            names.append(name)
            if value is not None:
                self.weights.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        made = [f"v{number}"] + [f"v{number}_{i}" for i in range(1, count)]
        given = inputs or (self.last,)
        self.nodes.append(onnx.helper.make_node(kind, [*given, *names], made, name=kind.lower(), **attributes))
        return self

    @property
    def last(self) -> str:
        return str(self.nodes[-1].output[0]) if self.nodes else "x"

    def model(self, opset: int = 17, output: tuple[int, ...] | None = None) -> Any:
        """`output`: its shape, where a file must say it."""
        info = onnx.helper.make_tensor_value_info
        real = onnx.TensorProto.FLOAT
        inputs, outputs = [info("x", real, self.shape)], [info(self.last, real, output)]
        graph = onnx.helper.make_graph(self.nodes, "chain", inputs, outputs, self.weights)
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def differs(network: Network, opset: int = 17) -> tuple[float, int]:
    """The largest difference from ONNX's reference implementation, and the transposes that arose.

    The input lies channels last, the output where it happens to.
    """
    import tensorflow as tf

    from tinyperf.learn.onnx_nodes import Layouts, Symbol, channels_last
    from tinyperf.learn.sources.onnx import _Graph

    model = network.model(opset)
    x = np.random.default_rng(0).normal(size=network.shape).astype(np.float32)
    (wanted,) = onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})
    graph, layouts = _Graph.of(model, "chain.onnx"), Layouts()
    order = channels_last(x.ndim) if x.ndim in (3, 4) else tuple(range(x.ndim))
    (made,) = graph.translated([Symbol(tf.constant(x.transpose(order)), order)], layouts)
    transposes = layouts.transposes
    got = layouts.plain(made).numpy()
    assert got.shape == np.shape(wanted)
    return float(np.abs(got - wanted).max()), transposes


def weights(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(np.abs(weights(*shape)) + 0.5, np.float32)


def ints(*values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, np.int64)


def image() -> Network:
    return Network(IMAGE)


def relu() -> Network:
    return image().then("Relu")


def series() -> Network:
    return Network(SERIES)


def row() -> Network:
    return Network((1, 12))


def cases() -> list[Any]:
    """(id, network, transposes at most)."""
    shuffle = image().then("Reshape", ints(1, 2, 3, 9, 7)).then("Transpose", perm=[0, 2, 1, 3, 4])
    joined = image().then("Relu").then("Concat", inputs=("v0", "x"), axis=1)
    halves = image().then("Split", axis=1, count=2).then("Sub", inputs=("v0", "v0_1"))
    residual = image().then("Conv", weights(6, 6, 3, 3), pads=[1] * 4).then("Add", inputs=("v0", "x"))
    shaped = image().then("Shape").then("Gather", ints(0), axis=0).then("Concat", ints(-1), axis=0)
    table: list[tuple[str, Network, int]] = [
        ("conv", image().then("Conv", weights(5, 6, 3, 2), weights(5), strides=[2, 1], pads=[1, 0, 1, 1]), 0),
        ("conv-same", image().then("Conv", weights(5, 6, 3, 3), pads=[1] * 4), 0),
        ("conv-auto", image().then("Conv", weights(5, 6, 3, 3), auto_pad="SAME_LOWER", strides=[2, 2]), 0),
        ("conv-dilated", image().then("Conv", weights(4, 6, 3, 3), dilations=[2, 2], pads=[2] * 4), 0),
        ("depthwise", image().then("Conv", weights(12, 1, 3, 3), weights(12), group=6, pads=[1] * 4), 0),
        ("grouped", image().then("Conv", weights(4, 3, 3, 3), group=2), 0),
        ("conv-1d", series().then("Conv", weights(5, 6, 3), weights(5), strides=[2], pads=[1, 1]), 0),
        ("conv-transpose", image().then("ConvTranspose", weights(6, 5, 2, 2), weights(5), strides=[2, 2]), 0),
        (
            "conv-transpose-padded",
            image().then("ConvTranspose", weights(6, 5, 3, 3), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]),
            0,
        ),
        ("conv-transpose-cut", image().then("ConvTranspose", weights(6, 5, 4, 4), strides=[1, 1], pads=[1] * 4), 0),
        ("max-pool", image().then("MaxPool", kernel_shape=[2, 2], strides=[2, 2]), 0),
        ("max-pool-padded", relu().then("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 0),
        ("max-pool-below-0", image().then("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 0),
        ("max-pool-ceil", image().then("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), 0),
        ("max-pool-1d", series().then("MaxPool", kernel_shape=[2], strides=[2]), 0),
        ("average-pool", image().then("AveragePool", kernel_shape=[3, 3], pads=[1] * 4), 0),
        ("average-odd", image().then("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0]), 0),
        ("average-counted", image().then("AveragePool", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1), 0),
        ("global", image().then("GlobalAveragePool").then("Flatten").then("Gemm", weights(6, 4)), 0),
        ("global-max", image().then("GlobalMaxPool").then("Reshape", ints(0, -1)), 0),
        ("flatten-gemm", image().then("Flatten").then("Gemm", weights(5, 378), weights(5), transB=1), 0),
        ("flatten-relu-matmul", image().then("Flatten").then("Relu").then("MatMul", weights(378, 5)), 0),
        ("view-gemm", image().then("Reshape", ints(1, 378)).then("Gemm", weights(378, 5), alpha=0.5), 0),
        ("batch-norm", image().then("BatchNormalization", weights(6), weights(6), weights(6), positive(6)), 0),
        ("instance-norm", image().then("InstanceNormalization", weights(6), weights(6)), 0),
        ("layer-norm", series().then("LayerNormalization", weights(11), weights(11)), 0),
        ("residual", residual, 0),
        ("concat", joined, 0),
        ("split", halves, 0),
        ("channel-shuffle", shuffle.then("Reshape", ints(1, 6, 9, 7)), 1),
        ("nhwc-around", image().then("Transpose", perm=[0, 2, 3, 1]).then("Add", weights(6)), 0),
        ("softmax-channels", image().then("Softmax", axis=1), 0),
        ("softmax-last", row().then("Softmax"), 0),
        ("log-softmax", row().then("LogSoftmax", axis=1), 0),
        ("mean-spatial", image().then("ReduceMean", axes=[2, 3], keepdims=0), 0),
        ("max-one", image().then("ReduceMax", axes=[3], keepdims=1), 0),
        ("squeeze", image().then("GlobalAveragePool").then("Squeeze", ints(2, 3)).then("Unsqueeze", ints(0)), 0),
        ("series-last", series().then("Transpose", perm=[0, 2, 1]).then("MatMul", weights(6, 4)), 0),
        ("slice", image().then("Slice", ints(1, 2), ints(9, 100), ints(2, 1), ints(2, 1)), 0),
        ("gather", image().then("Gather", np.array(3, np.int64), axis=2), 0),
        ("gather-some", image().then("Gather", ints(2, 0, -1), axis=1), 0),
        ("pad", image().then("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), np.float32(0.5)), 0),
        ("pad-reflect", image().then("Pad", ints(0, 0, 1, 2, 0, 0, 0, 1), mode="reflect"), 0),
        ("expand", image().then("GlobalAveragePool").then("Expand", ints(1, 6, 3, 4)), 0),
        ("depth-to-space", Network((1, 8, 3, 5)).then("DepthToSpace", blocksize=2), 0),
        ("pixel-shuffle", Network((1, 8, 3, 5)).then("DepthToSpace", blocksize=2, mode="CRD"), 0),
        ("space-to-depth", Network((1, 3, 4, 6)).then("SpaceToDepth", blocksize=2), 0),
        (
            "nearest",
            image().then(
                "Resize", None, None, ints(1, 6, 18, 14), mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            ),
            0,
        ),
        ("bilinear", image().then("Resize", None, np.array([1, 1, 2, 2], np.float32), mode="linear"), 0),
        ("open-view", shaped.then("Reshape", inputs=("x", "v2")), 0),
        ("square", image().then("Pow", np.float32(2)), 0),
        ("prelu", image().then("PRelu", weights(6, 1, 1)), 0),
        ("clip", image().then("Clip", np.float32(0), np.float32(6)), 0),
        ("clip-odd", image().then("Clip", np.float32(-0.5), np.float32(0.25)), 0),
        ("divide", image().then("Div", np.float32(255)), 0),
        ("scale-channels", image().then("GlobalAveragePool").then("Sigmoid").then("Mul", inputs=("x", "v1")), 0),
    ]  # fmt: skip
    for kind in ("HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Tanh", "Softplus", "Exp", "Abs", "Neg", "Identity"):
        table.append((kind, image().then(kind), 0))
    return [pytest.param(network, most, id=name) for name, network, most in table]


@pytest.mark.parametrize(("network", "most"), cases())
def test_a_node_equals_the_reference_implementation(network: Network, most: int) -> None:
    error, transposes = differs(network)
    assert error < 2e-5
    assert transposes <= most


@pytest.mark.parametrize(
    ("network", "opset"),
    [
        (Network(IMAGE).then("Clip", min=0.0, max=6.0), 6),
        (Network(IMAGE).then("GlobalAveragePool").then("Squeeze", axes=[2, 3]), 11),
        (Network(IMAGE).then("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1]), 2),
        (Network((1, 12)).then("Softmax"), 11),
        (Network(IMAGE).then("ReduceSum", axes=[1]), 11),
        (Network(IMAGE).then("Split", split=[2, 4], axis=1, count=2), 11),
    ],
)
def test_older_forms_of_an_operator(network: Network, opset: int) -> None:
    assert differs(network, opset)[0] < 2e-5


def test_a_recurrent_layer_is_told_what_to_do() -> None:
    from tinyperf.learn.sources import Options
    from tinyperf.learn.sources import onnx as onnx_source

    network = Network((7, 1, 6)).then("GRU", weights(1, 12, 6), weights(1, 12, 4), hidden_size=4)
    with pytest.raises(ModelError, match="operator GRU") as caught:
        onnx_source.source(network.model(), "chain.onnx", "an ONNX model", Options())
    assert "torch.nn.GRUCell" in caught.value.hint


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Network(IMAGE).then("Det").then("Einsum", equation="i->i"), r"operator Det \(1 of 2 nodes\); operator Einsum"),
        (Network(IMAGE).then("QuantizeLinear", np.float32(1)), "quantized already"),
        (Network((4, 3, 8, 8)).then("Relu"), "a batch of 4; 1 or an open one is needed"),
        (Network((1, 0, 8)).then("Relu"), "open sizes"),
        (Network(IMAGE).then("Pow", np.float32(3)), "'pow' Pow: exponent 3"),
        (Network(IMAGE).then("MaxPool", kernel_shape=[3, 3], dilations=[2, 2]), "dilations, or indices"),
    ],
)
def test_what_has_no_translation_is_named(network: Network, words: str) -> None:
    from tinyperf.learn.sources import Options
    from tinyperf.learn.sources import onnx as onnx_source

    with pytest.raises(ModelError, match=words):
        onnx_source.source(network.model(), "chain.onnx", "an ONNX model", Options())
