"""ONNX, from any exporter: translated node by node to TensorFlow, images channels last."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import foreign
from tinyperf.errors import MissingExtraError, ModelError
from tinyperf.learn import train
from tinyperf.learn.onnx_nodes import Layouts, Node, Symbol, channels_last, natural, translations
from tinyperf.learn.sources import Options, Port, Source, _float

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.learn.sources import Floats

KINDS = (foreign.ONNX,)


def load(path: Path, options: Options) -> Source:
    """Raises: ModelError: it cannot be read or translated. MissingExtraError: no package onnx."""
    onnx = package()
    train.tensorflow()
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as exc:  # protobuf's and the checker's own
        first = (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
        raise ModelError(
            f"{path} cannot be read as an ONNX model: {first}",
            means="it is damaged, or its weights lie in another file that is not beside it",
            hint="export the model again",
        ) from exc
    return source(model, str(path), "an ONNX model", options)


def package() -> Any:
    """The package onnx.

    Raises: MissingExtraError: it is not installed.
    """
    try:
        import onnx
        import onnx.reference
    except ImportError as exc:
        raise MissingExtraError("ONNX models need the package onnx", hint="pip install 'tinyperf[onnx]'") from exc
    return onnx


def source(model: Any, path: str, form: str, options: Options) -> Source:
    """An `onnx.ModelProto` as a source.

    Raises: ModelError: it cannot be translated.
    """
    graph = _Graph.of(model, path)
    orders = _cheapest(graph, options)
    _, made = graph.placed(orders)
    inputs = {
        _identifier(name): Port(name, shape, _moved(order))
        for (name, shape), order in zip(graph.inputs, orders, strict=True)
    }
    outputs = {
        _identifier(name): Port(name, value.shape, None if options.keep_layout else _moved(value.order))
        for name, value in zip(graph.outputs, made, strict=True)
    }

    def converter() -> Any:
        import tensorflow as tf

        specs = [tf.TensorSpec(port.shape, tf.float32, name) for name, port in inputs.items()]

        @tf.function(input_signature=specs)  # type: ignore[untyped-decorator]  # TensorFlow has no types
        def network(*tensors: Any) -> dict[str, Any]:
            layouts = Layouts()
            symbols = [Symbol(t, order) for t, order in zip(tensors, orders, strict=True)]
            ends = zip(outputs.items(), graph.translated(symbols, layouts), strict=True)
            return {name: _ended(layouts, value, port) for (name, port), value in ends}

        holder = tf.Module()  # without one the names of inputs and outputs are lost
        holder.network = network
        return tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], holder)

    return _float.source(converter, path, form, inputs=inputs, outputs=outputs, exact=_runtime(model, graph))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name) or "_"


def _moved(order: tuple[int, ...]) -> tuple[int, ...] | None:
    return None if order == natural(len(order)) else order


def _ended(layouts: Layouts, value: Symbol, port: Port) -> Any:
    """An output under its own name; an input that is an output at once would be none."""
    import tensorflow as tf

    return tf.identity(layouts.ordered(value, port.order) if port.order else layouts.plain(value))


def _cheapest(graph: _Graph, options: Options) -> list[tuple[int, ...]]:
    """The order of each input that brings the fewest transposes; the source's own where it brings no more."""
    orders = [natural(len(shape)) for _, shape in graph.inputs]
    if options.keep_layout:
        return orders
    for number, (_, shape) in enumerate(graph.inputs):
        if len(shape) in (3, 4):
            other = [*orders[:number], channels_last(len(shape)), *orders[number + 1 :]]
            if graph.placed(other)[0] < graph.placed(orders)[0]:
                orders = other
    return orders


def _runtime(model: Any, graph: _Graph) -> Any:
    """ONNX's own reference implementation."""

    def run(values: Sequence[Floats]) -> list[Floats]:
        from onnx.reference import ReferenceEvaluator

        given = dict(zip((name for name, _ in graph.inputs), values, strict=True))
        return [np.asarray(v, np.float32) for v in ReferenceEvaluator(model).run(None, given)]

    return run


@dataclass(frozen=True, eq=False)
class _Graph:
    """What is needed of a model: `inputs` with their shapes, batch 1."""

    path: str
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    nodes: tuple[Any, ...]
    weights: dict[str, npt.NDArray[Any]]
    opset: int

    @classmethod
    def of(cls, model: Any, path: str) -> _Graph:
        """Raises: ModelError: open sizes, or operators without a translation; all are named."""
        import onnx

        opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
        weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        defects = [*_unknown(model), *itertools.chain(*(_input_defects(value) for value in inputs))]
        if defects:
            raise ModelError(
                f"{path}: {'; '.join(defects)}",
                means="tinyperf has no translation for it; those it has: " + ", ".join(sorted(translations())),
                hint="; ".join(
                    (
                        *_instead(model),
                        "export the network again without it, inputs of known sizes (an open batch is taken as 1)",
                    )
                ),
            )
        shapes = tuple((value.name, _sizes(value)) for value in inputs)
        outputs = tuple(value.name for value in model.graph.output)
        return cls(path, shapes, outputs, tuple(model.graph.node), weights, opset)

    def placed(self, orders: Sequence[tuple[int, ...]]) -> tuple[int, list[Symbol]]:
        """How many transposes the orders of the inputs bring, and the outputs as they then lie."""
        import tensorflow as tf

        layouts = Layouts()
        with tf.Graph().as_default():
            symbols = [
                Symbol(tf.compat.v1.placeholder(tf.float32, [shape[axis] for axis in order]), order)
                for (_, shape), order in zip(self.inputs, orders, strict=True)
            ]
            made = [value if not value.flat else layouts.unflat(value) for value in self.translated(symbols, layouts)]
        return layouts.transposes, made

    def translated(self, symbols: Sequence[Symbol], layouts: Layouts) -> list[Symbol]:
        """The outputs for inputs that are `symbols`, as nodes of TensorFlow's current graph.

        Raises: ModelError: an operator in a use that has no translation.
        """
        values: dict[str, Any] = {"": None, **self.weights}
        values |= {name: symbol for (name, _), symbol in zip(self.inputs, symbols, strict=True)}
        for number, proto in enumerate(self.nodes):
            node = self._node(proto, number, values, layouts)
            made = self._made(proto, node)
            values |= dict(zip(proto.output, made, strict=False))
        return [v if isinstance(v := values[name], Symbol) else Node.as_symbol(v) for name in self.outputs]

    def _node(self, proto: Any, number: int, values: dict[str, Any], layouts: Layouts) -> Node:
        import onnx

        attributes = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in proto.attribute}
        inputs = tuple(values[name] for name in proto.input)
        outputs = len([name for name in proto.output if name])
        return Node(proto.op_type, proto.name or str(number), inputs, attributes, outputs, self.opset, layouts)

    def _made(self, proto: Any, node: Node) -> list[Any]:
        if not any(isinstance(value, Symbol) for value in node.inputs):
            return _folded(proto, node)
        try:
            made = translations()[node.kind](node)
        except ModelError:
            raise
        except Exception as exc:  # TensorFlow raises what its operators raise
            first = (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
            raise node.refusal(f"cannot be built: {first}") from exc
        return made if isinstance(made, list) else [made]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def _folded(proto: Any, node: Node) -> list[Any]:
    """The outputs of a node whose inputs are all known, by ONNX's reference implementation."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    given = {name: np.asarray(v) for name, v in zip(proto.input, node.inputs, strict=True) if name}
    info = onnx.helper.make_tensor_value_info
    inputs = [info(name, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for name, v in given.items()]
    outputs = [info(name, onnx.TensorProto.UNDEFINED, None) for name in proto.output if name]
    graph = onnx.helper.make_graph([proto], "constant", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", node.opset)])
    made: list[Any] = ReferenceEvaluator(model).run(None, given)
    return made


def _unknown(model: Any) -> list[str]:
    """Operators without a translation, and how often."""
    kinds = [
        node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}" for node in model.graph.node
    ]
    folded = {
        "Constant",
        "ConstantOfShape",
        "Range",
        "Equal",
        "Where",
        "Mod",
        "Greater",
        "Less",
        "Not",
        "And",
        "Or",
        "Tile",
    }
    found = sorted(set(kinds) - set(translations()) - folded)
    if {"QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"} & set(kinds):
        return ["it is quantized already; the float model is needed, and 'tinyperf quantize' makes int8 of it"]
    return [f"operator {kind} ({kinds.count(kind)} of {len(kinds)} nodes)" for kind in found]


RECURRENT = {"LSTM", "GRU", "RNN"}


def _instead(model: Any) -> Iterator[str]:
    """What to do about operators that many networks have."""
    if found := sorted(RECURRENT & {node.op_type for node in model.graph.node}):
        yield (
            f"write the {' and '.join(found)} as a loop over its cell (torch.nn.{found[0]}Cell), which is exported "
            "step by step, or bring the network from Keras with unroll=True"
        )


def _sizes(value: Any) -> tuple[int, ...]:
    """Sizes of an input; an open first one is a batch of 1."""
    dims = value.type.tensor_type.shape.dim
    return tuple(int(d.dim_value) or (1 if i == 0 else 0) for i, d in enumerate(dims))


def _input_defects(value: Any) -> list[str]:
    import onnx

    sizes, kind = _sizes(value), value.type.tensor_type.elem_type
    found = []
    if kind != onnx.TensorProto.FLOAT:
        found.append(f"input '{value.name}' is {onnx.TensorProto.DataType.Name(kind).lower()}, not float")
    if not sizes or 0 in sizes:
        found.append(f"input '{value.name}' has open sizes {list(sizes)}")
    elif sizes[0] != 1:
        found.append(f"input '{value.name}' has a batch of {sizes[0]}; 1 or an open one is needed")
    return found
