"""C text. Decides nothing; writes down what the other passes decided."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf import __version__, content, templates
from tinyperf.cores import DualIssue
from tinyperf.ctext import WIDTH, c_array, c_block, c_comment, c_identifier, c_int, c_rows, c_statement, c_type
from tinyperf.engines import Layer
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Place, by_name
from tinyperf.engines.aot.passes._rows_text import HEADER, rows_text
from tinyperf.engines.aot.passes.place import place
from tinyperf.engines.aot.rows import ByRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node, State, Value
    from tinyperf.engines.aot.passes._rows_text import Function
    from tinyperf.engines.aot.plan import Plan, Storage
    from tinyperf.tflite import Model


@dataclass(frozen=True)
class Names:
    """What the C is called. `prefix`: how its functions start; `kernels`: the folder of the kernels' headers;
    `invoke`: the rest of the name of the function that infers.

    own_arena: None: the linker script's, as tp_kernels.h has it; else a .bss array of the file's own, or the caller's
    one of this name. counts: the cycles of each layer are counted (tp_layers.h).
    """

    prefix: str
    source: str
    header: str
    weights: str
    kernels: str = ""
    invoke: str = "invoke"
    own_arena: str | None = None
    counts: bool = False


FIRMWARE = Names("tp_model", "model.c", "tp_model.h", "model_weights.h")
"""As the application of a firmware project wants it."""
COUNTING = replace(FIRMWARE, counts=True)
"""Likewise; its command `layers` says what each layer took."""


@dataclass(frozen=True)
class LayerText:
    comment: str
    symbol: str
    body: str
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True)
class StateText:
    """A variable: bytes of the arena, and the code in each of them after a reset.

    `start`: the array that the first inference finds there instead; "" where there is none.
    """

    offset: int
    bytes: int
    code: int
    start: str


@dataclass(frozen=True)
class ModelText:
    """Context of model.c.j2."""

    names: Names
    made: str
    summary: str
    map: tuple[str, ...]
    headers: tuple[str, ...]
    shared_kernels: bool
    dual_issue: bool
    definitions: tuple[str, ...]
    arena_bytes: int
    layers: tuple[LayerText, ...]
    states: tuple[StateText, ...]
    started: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class ArrayText:
    """One array of model_weights.h; `values` is the finished initializer."""

    name: str
    type: str
    length: int
    values: str
    comment: str


@dataclass(frozen=True)
class WeightsFile:
    """Context of model_weights.h.j2. `guard`: of the header."""

    names: Names
    guard: str
    made: str
    weights_bytes: int
    resident: bool
    arrays: tuple[ArrayText, ...]


@dataclass(frozen=True)
class Emitted:
    sources: dict[str, str]
    layers: tuple[Layer, ...]
    weights_bytes: int


@dataclass(frozen=True)
class _Written:
    """One node as C; `text` is None where no code is needed."""

    layer: Layer
    text: LayerText | None = None
    arrays: tuple[Array, ...] = ()
    headers: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()


def emit(model: Model, graph: Graph, plan: Plan, target: Target, names: Names = FIRMWARE) -> Emitted:
    """Sources (the model, its weights and the kernels used) and what the report says of every layer."""
    written = _written(graph, plan)
    starts = _starts(graph)
    outputs = [graph.values[i] for i in graph.outputs]
    arrays = _arrays(written, (*starts, *(_constant(value) for value in outputs if value.data is not None)))
    headers = {header for each in written for header in each.headers}
    total_bytes = sum(array.values.nbytes for array in arrays.values())
    made = c_block(f"Made by tinyperf {__version__} from {model.name}", f"(sha256 {model.sha256}); do not edit.")
    layers = tuple(each.text for each in written if each.text)
    context = ModelText(
        names=names,
        made=made,
        summary=_summary(graph, plan, len(layers), target),
        map=_map(graph, plan),
        headers=tuple(sorted(headers)),
        shared_kernels=target.optimize == "flash",
        dual_issue=isinstance(target.core.pipeline, DualIssue),
        definitions=tuple(
            c_statement(line) for line in sorted({line for each in written for line in each.definitions})
        ),
        arena_bytes=plan.arena_bytes,
        layers=layers,
        states=tuple(_state(graph, plan, state) for state in graph.states),
        started=not starts,
        inputs=tuple(f"&tp_arena[{plan.values[i]}]" for i in graph.inputs),
        outputs=tuple(_constant(v).name if v.data is not None else f"&tp_arena[{plan.values[v.id]}]" for v in outputs),
    )
    texts = tuple(_array(array) for array in arrays.values())
    weights = WeightsFile(names, c_identifier(names.weights.upper()), made, total_bytes, target.resident, texts)
    sources = {
        names.source: templates.render("engines/aot/model.c.j2", context),
        names.weights: templates.render("engines/aot/model_weights.h.j2", weights),
        **{names.kernels + header: text for header, text in _kernel_headers(headers).items()},
    }
    return Emitted(sources, tuple(each.layer for each in written), total_bytes)


def weights_bytes(graph: Graph, plan: Plan) -> int:
    """Bytes of all constant arrays, each once."""
    return sum(array.values.nbytes for array in _arrays(_written(graph, plan), _starts(graph)).values())


def _written(graph: Graph, plan: Plan) -> list[_Written]:
    """Every node; arrays that are equal are one, which belongs to the first layer that has it.

    The steps of an unrolled recurrent layer have the same weights.
    """
    first: dict[tuple[str, bytes], Array] = {}
    return [_sharing(_node(graph, plan, position), first) for position in range(len(graph.nodes))]


def _sharing(each: _Written, first: dict[tuple[str, bytes], Array]) -> _Written:
    """`each` with the arrays of earlier layers in place of equal ones of its own."""
    found = [first.setdefault((array.type, array.values.tobytes()), array) for array in each.arrays]
    others = {own.name: array.name for own, array in zip(each.arrays, found, strict=True) if own.name != array.name}
    if not others or each.text is None:
        return each
    text = _renamed(each.text, others)
    spared = sum(
        own.values.nbytes for own in each.arrays if own.name in others and not own.name.startswith("constant_")
    )
    layer = replace(each.layer, weights_bytes=each.layer.weights_bytes - spared)
    return replace(each, layer=layer, text=text, arrays=tuple(found))


def _renamed(text: LayerText, others: Mapping[str, str]) -> LayerText:
    """`text` with other names of arrays."""

    def renamed(body: str) -> str:
        return re.sub(r"\w+", lambda word: others.get(word[0], word[0]), body)

    functions = tuple(replace(function, body=renamed(function.body)) for function in text.functions)
    return replace(text, body=renamed(text.body), functions=functions)


def _starts(graph: Graph) -> tuple[Array, ...]:
    return tuple(_start(graph, state) for state in graph.states if state.start is not None)


def _arrays(written: Iterable[_Written], starts: Iterable[Array]) -> dict[str, Array]:
    return {array.name: array for array in (*(array for each in written for array in each.arrays), *starts)}


def _summary(graph: Graph, plan: Plan, layers: int, target: Target) -> str:
    macs = sum(node.macs for node in graph.nodes)
    dsp = " with DSP instructions" if "dsp" in target.core.features else ""
    return c_block(
        f"{layers} layers, {macs} multiply-accumulates per inference, compiled for {target.core.name}{dsp}.",
        f"The arena of {plan.arena_bytes} bytes holds input, output, activations and scratch ({plan.busiest_bytes} are "
        f"in use at once, at the busiest layer). {_other_form(graph, plan)} What lies where, in bytes:",
    )


def _other_form(graph: Graph, plan: Plan) -> str:
    """What the arena would take the other way: with the inputs consumed, or kept."""
    other_bytes = place(graph, keeps_input=not plan.keeps_input).arena_bytes
    if plan.keeps_input:
        return f"It keeps the input for a further inference; {other_bytes} bytes would do if it did not."
    return f"An inference consumes the input; to keep it would take {other_bytes} bytes."


def _kernel_headers(used: set[str]) -> dict[str, str]:
    """The headers used and those that they include."""
    folder = content.shipped("firmware_templates") / "engines" / "aot"
    texts: dict[str, str] = {}
    wanted = {"tp_kernels.h", *used}
    while wanted:
        header = wanted.pop()
        texts[header] = (folder / header).read_text(encoding="utf-8")
        wanted |= set(re.findall(r'^#include "(tp_\w+\.h)"$', texts[header], re.MULTILINE)) - texts.keys()
    return dict(sorted(texts.items()))


def _node(graph: Graph, plan: Plan, position: int) -> _Written:
    node = graph.nodes[position]
    if isinstance(node.work, ByRows):
        return _by_rows(graph, plan, position, node.work)
    form, origin = node.form or Form(), node.origin[0]
    kernel = by_name().get(form.kernel)
    if kernel is None:
        return _Written(_layer(node, form, "", ()))
    name = _name(graph, position)
    symbol = f"tp_{name}_{c_identifier(origin.kind.lower())}"
    values = [graph.values[i] for i in node.inputs]
    place = Place(
        name,
        tuple(_constant(v).name if v.data is not None else _pointer(v, plan.values[v.id]) for v in values),
        tuple(_pointer(graph.values[i], plan.values[i]) for i in node.outputs),
        f"&tp_arena[{plan.scratch[position]}]" if position in plan.scratch else "NULL",
        form,
    )
    code = kernel.emit(node.work, place)
    constants = tuple(_constant(v) for v in values if v.data is not None)
    why = _why(node, form) + ("; in place" if position in plan.in_place else "")
    comment = c_block(_title(graph, node, form), why)
    text = LayerText(comment, symbol, code.body)
    layer = _layer(node, form, symbol, code.arrays)
    headers = (kernel.header, *code.headers)
    return _Written(layer, text, (*constants, *code.arrays), headers, code.definitions)


def _by_rows(graph: Graph, plan: Plan, position: int, work: ByRows) -> _Written:
    """Works that are done row by row: a function for each of them, called by the layer."""
    node = graph.nodes[position]
    form, name = node.form or Form(), _name(graph, position)
    ends = [plan.values[i] for i in node.inputs], plan.values[node.outputs[0]]
    written = rows_text(work, form, name, ends, plan.scratch[position])
    arrays = tuple(array for code in written.codes for array in code.arrays)
    symbol = f"tp_{name}_by_rows"
    layers = ", ".join(f"{origin.index}" for origin in node.origin)
    kinds = ", ".join(dict.fromkeys(origin.kind for origin in node.origin))
    given, made = " and ".join(_shape(graph.values[i]) for i in node.inputs), _shape(graph.values[node.outputs[0]])
    comment = c_block(f"Layers {layers} ({kinds}): {given} -> {made}", _why(node, form))
    text = LayerText(comment, symbol, written.body, written.functions)
    kernels = (by_name()[row.kernel].header for row in form.rows)
    headers = (HEADER, *kernels, *(header for code in written.codes for header in code.headers))
    definitions = tuple(line for code in written.codes for line in code.definitions)
    return _Written(_layer(node, form, symbol, arrays), text, arrays, headers, definitions)


def _name(graph: Graph, position: int) -> str:
    """layer_07: by the operator of the file; further nodes of the same one have a letter."""
    index = graph.nodes[position].origin[0].index
    same = sum(node.origin[0].index == index for node in graph.nodes[:position])
    return f"layer_{index:02d}" + (f"_{same + 1}" if same else "")


def _why(node: Node, form: Form) -> str:
    return "; ".join(said for said in (form.why, node.why) if said)


def _state(graph: Graph, plan: Plan, state: State) -> StateText:
    value = graph.values[state.before]
    start = "" if state.start is None else _start(graph, state).name
    return StateText(plan.values[value.id], value.size_bytes, state.reset, start)


def _start(graph: Graph, state: State) -> Array:
    """The bytes that the first inference finds in a variable."""
    data = np.ascontiguousarray(state.start).view(np.int8).ravel()
    name = graph.values[state.before].name
    return Array(f"state_{state.before:02d}_start", "int8_t", data, f"Variable '{name}' before the first inference.")


def _layer(node: Node, form: Form, symbol: str, arrays: tuple[Array, ...]) -> Layer:
    origin = node.origin[0]
    return Layer(
        index=origin.index,
        op=origin.kind,
        macs=node.macs,
        kernel=form.kernel or "none",
        why=_why(node, form),
        symbol=symbol,
        weights_bytes=sum(array.values.nbytes for array in arrays),
        scratch_bytes=form.scratch_bytes,
        left_out=node.why,
        predicted_cycles=round(form.cycles) if form.kernel else None,
        next_kernel=form.next[0] if form.next else "",
        next_cycles=round(form.next[1]) if form.next else None,
    )


def _pointer(value: Value, offset: int) -> str:
    """Where an activation lies: bytes of the arena, cast where its elements are larger."""
    at = f"&tp_arena[{offset}]"
    return at if value.dtype == "int8" else f"({c_type(value.dtype)} *)(void *){at}"


def _constant(value: Value) -> Array:
    """An input that is no activation lies in flash."""
    if value.data is None:
        raise TypeError(value)
    return Array(f"constant_{value.id:02d}", c_type(value.dtype), value.data.ravel(), "A constant input.")


def _array(array: Array) -> ArrayText:
    rows = array.values.tolist()
    if array.values.ndim == 1:
        text = c_array(rows)
    else:
        text = c_rows("{" + ", ".join(c_int(field) for field in row) + "}" for row in rows)
    return ArrayText(array.name, array.type, len(rows), text, c_block(array.comment))


def _title(graph: Graph, node: Node, form: Form) -> str:
    given = " and ".join(_shape(graph.values[i]) for i in node.inputs)
    made = " and ".join(_shape(graph.values[i]) for i in node.outputs)
    origin = node.origin[0]
    return f"Layer {origin.index}, {origin.kind}: {given} -> {made}; kernel {form.kernel}"


def _shape(value: Value) -> str:
    return "x".join(map(str, value.shape))


def _map(graph: Graph, plan: Plan) -> tuple[str, ...]:
    """A line for each storage: bytes, when it lives, what it holds."""
    return tuple(_row(graph, offset, storage) for offset, storage in plan.storages)


def _row(graph: Graph, offset: int, storage: Storage) -> str:
    span = f"{offset:7d} .. {offset + storage.size_bytes:7d}"
    text = f"{span}  {_life(graph, storage):<17}  {_content(graph, storage)}"
    return c_comment(text)[: WIDTH - len(" *   ")].rstrip()


def _life(graph: Graph, storage: Storage) -> str:
    first, last = storage.first, storage.last
    ends = len(graph.nodes)
    if first < 0 and last >= ends:
        return "throughout"
    start = "start" if first < 0 else str(graph.nodes[first].origin[0].index)
    if first == last:
        return f"layer {start}"
    return f"layers {start} to {'end' if last >= ends else graph.nodes[last].origin[0].index}"


def _content(graph: Graph, storage: Storage) -> str:
    if storage.value is None:
        return "scratch"
    # Converters join the names of all that they fused; the first one is the layer's.
    return f"tensor {storage.value} {graph.values[storage.value].name.split(';')[0]}"
