"""A .tflite model as typed values: its first subgraph and those it calls, with any inputs, outputs and types.

The reader refuses what is damaged, and nothing that TFLM takes; what cannot run, the engines say (`engines.ends`).

`load` and `parse` check what every later pass relies on: indices in range, constants of the right size, each tensor
made once and before it is used. Damaged bytes end in a ModelError that names the field, whatever the flatbuffer
package made of them. Numbers that the schema package does not know are no damage: the engine says what it lacks.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinyperf import foreign
from tinyperf.cut import cut
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    import numpy.typing as npt

Option = int | float | str | bool | tuple[int, ...] | None

# One size for all: far above any microcontroller, far below what would make a damaged file a slow one.
MAX_RANK = 32
MAX_ELEMENTS = 2**28
LARGEST_BYTES = 2**26
"""Of a file. Boards with external flash have up to 2**25."""
LONGEST_FIELDS = 256
"""Bytes of a flatbuffer table's list of fields; the schema's Model needs 20."""


@dataclass(frozen=True)
class Quantization:
    """real = scale * (q - zero_point); one entry per tensor, or one per index of `axis`.

    `zero_point_given`: False where the file has scales and no zero points (0 then): TFLM calls that not quantized.
    `axis` is 0 where there is one scale, whatever the file says: nothing is quantized along it.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0
    zero_point_given: bool = field(default=True, compare=False)

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1

    def __str__(self) -> str:
        """As messages call it: 'scale 0.1 and zero point 3', '8 scales'."""
        if self.per_channel:
            return f"{len(self.scale)} scales"
        zero = f"zero point {self.zero_point[0]}" if self.zero_point_given else "no zero point"
        return f"scale {np.float32(self.scale[0])!s} and {zero}"


@dataclass(frozen=True)
class Tensor:
    """`data` is None for activations; else a read-only array of `shape` and `dtype` (numpy name: int8, int32, ...).

    A constant of a type that numpy lacks (int4, string) holds its bytes, flat. `variable`: state, kept from inference
    to inference. A type that the schema has since got is called by its number, '(type 25)'.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None
    data: npt.NDArray[np.generic] | None = field(default=None, repr=False, compare=False)
    variable: bool = False

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Of a type that numpy has."""
        return self.elements * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Op:
    """One operator; `kind` is the schema's name (CONV_2D), `options` its option fields by schema name, snake case.

    An absent optional input is -1. `custom`: the options of a custom operator, as its author wrote them.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Option]
    custom: bytes = b""


@dataclass(frozen=True)
class Model:
    """The subgraph that runs first, with its input and output tensors.

    A float input that goes straight into QUANTIZE, and a float output straight from DEQUANTIZE, are cut off: `inputs`
    and `outputs` hold the integer tensors inside in their place, and `boundary` the ops so removed (the host does their
    work). `data` is the file, cut likewise. `called`: the subgraphs that operators run (CALLS), here or in
    one of them, by their numbers.
    """

    name: str
    sha256: str
    size_bytes: int
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    boundary: tuple[Op, ...] = ()
    data: bytes = field(default=b"", repr=False, compare=False)
    called: Mapping[int, Model] = field(default_factory=dict, repr=False, compare=False)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """In the model's order."""
        return tuple(self.tensors[i] for i in self.inputs)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        """In the model's order."""
        return tuple(self.tensors[i] for i in self.outputs)

    @property
    def stateful(self) -> bool:
        """It has variables, so that an output may depend on earlier inputs too."""
        return any(t.variable for t in self.tensors) or any(op.kind == "READ_VARIABLE" for op in self.ops)

    @property
    def input(self) -> Tensor:
        """The first one: of a model of a benchmark there is no other."""
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> Tensor:
        """As `input`."""
        return self.tensors[self.outputs[0]]


def load(path: Path) -> Model:
    """Read a .tflite file. Of anything else only the head is read.

    Raises: ModelError: no such file, something else, damaged, or in a form that TFLM does not read either.
    """
    file = foreign.regular(
        path, "model", ModelError, hint="give the path of a .tflite file; a benchmark is named without --model"
    )
    if file.kind is not foreign.TFLITE:
        raise _no_tflite(path, file.head, file.kind)
    if file.size_bytes > LARGEST_BYTES:
        raise ModelError(
            f"model {path} has {file.size_bytes:,} bytes; models of up to {LARGEST_BYTES:,} are read",
            means="no microcontroller holds it, or it is another file that begins like a .tflite",
            hint="give a model of the size that boards have flash for; 'tinyperf boards' lists it",
        )
    try:
        with path.open("rb") as opened:
            if file.size_bytes > foreign.HEAD_BYTES and not _root_inside(opened, file.size_bytes):
                raise _damaged(path.stem, file.size_bytes, "the file, field root_table, leads outside the file")
            data = opened.read()
    except OSError as exc:
        raise ModelError(f"cannot read model {path}: {exc.strerror}", hint="check its disk") from exc
    return parse(data, path.stem)


def _no_tflite(path: Path, head: bytes, kind: foreign.Kind | None) -> ModelError:
    what = f"is {kind.what}: it does" if kind else "is empty: it does" if not head else "does"
    return ModelError(
        f"model '{path.name}' {what} not hold 'TFL3' at byte 4, so it is no .tflite file",
        hint=foreign.model_hint(path, kind),
    )


def _damaged(name: str, size: int, why: str) -> ModelError:
    return ModelError(
        f"model '{name}' is damaged: {why}",
        means=f"its {size} bytes were cut short or changed, or the program that wrote them erred",
        hint="copy or convert the model again",
    )


def _root_inside(file: BinaryIO, size: int) -> bool:
    """Whether the root table and the table of its fields lie inside the file: what only begins like one is not read."""

    def at(offset: int, form: str) -> int:
        file.seek(offset)
        (value,) = struct.unpack(form, file.read(struct.calcsize(form)).ljust(4, b"\0")[: struct.calcsize(form)])
        file.seek(0)
        return int(value)

    root = at(0, "<I")
    if not 8 <= root <= size - 4:
        return False
    fields = root - at(root, "<i")
    return 4 <= fields <= size - 4 and 4 <= at(fields, "<H") <= LONGEST_FIELDS


def parse(data: bytes, name: str) -> Model:
    """A model from the bytes of a .tflite file; `name` is what messages and reports call it.

    Raises: ModelError: damaged, or in a form that TFLM does not read either.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        head = data[: foreign.HEAD_BYTES]
        raise _no_tflite(Path(name), head, foreign.kind(head))
    try:
        model = _read(data, name)
        for number, graph in ((0, model), *model.called.items()):
            _check_graph(graph, f"subgraph {number}")
    except _DamageError as damage:
        raise _damaged(name, len(data), str(damage)) from damage
    return without_float_ends(model)


class _DamageError(Exception):
    """Its text names the part of the file, the field as the schema does, and what is wrong there."""


Read = TypeVar("Read")


def _field(where: str, name: str, read: Callable[[], Read]) -> Read:
    """`read()`; what the flatbuffer package raises where offsets lead nowhere becomes one sentence."""
    try:
        return read()
    except (
        struct.error,
        TypeError,
        ValueError,  # UnicodeDecodeError included
        LookupError,
        AttributeError,
        ArithmeticError,
        MemoryError,
    ) as exc:
        raise _DamageError(f"{where}, field {name}, leads outside the file") from exc


def _entries(where: str, name: str, length: Callable[[], int], entry: Callable[[int], Any], size: int) -> list[Any]:
    """A vector of tables. It cannot have more entries than the file has words."""
    count = _field(where, name, length)
    if count * 4 > size:
        raise _DamageError(f"{where}, field {name}: {count} entries in a file of {size} bytes")
    return [_field(where, f"{name}[{i}]", partial(entry, i)) for i in range(count)]


@dataclass(frozen=True)
class _File:
    """The parts of a file that subgraphs share. Further subgraphs matter only where an operator calls them."""

    data: bytes
    name: str
    graphs: list[Any]
    codes: list[Any]
    buffers: list[Any]

    @property
    def size(self) -> int:
        return len(self.data)


def _read(data: bytes, name: str) -> Model:
    import tflite

    size = len(data)
    root = _field("the file", "root_table", lambda: tflite.Model.GetRootAs(data, 0))
    graphs = _entries("the model", "subgraphs", root.SubgraphsLength, root.Subgraphs, size)
    if not graphs:
        raise _DamageError("the model, field subgraphs: 0 subgraphs")
    codes = _entries("the model", "operator_codes", root.OperatorCodesLength, root.OperatorCodes, size)
    buffers = _entries("the model", "buffers", root.BuffersLength, root.Buffers, size)
    file = _File(data, name, graphs, codes, buffers)
    model = _graph(file, 0, hashlib.sha256(data).hexdigest())
    called: dict[int, Model] = {}
    waiting = _calls(model, file)
    while waiting:
        number = waiting.pop()
        if number not in called:
            called[number] = _graph(file, number, model.sha256)
            waiting += _calls(called[number], file)
    return replace(model, called=called)


CALLS = {
    "CALL_ONCE": ("init_subgraph_index",),
    "IF": ("then_subgraph_index", "else_subgraph_index"),
    "WHILE": ("cond_subgraph_index", "body_subgraph_index"),
}
"""Operators that run other subgraphs -> the options that number them."""


def _calls(model: Model, file: _File) -> list[int]:
    """The subgraphs that its operators run."""
    found = []
    for op in model.ops:
        for name in CALLS.get(op.kind, ()):
            number = op.options[name]
            if not isinstance(number, int) or not 0 <= number < len(file.graphs):
                raise _DamageError(
                    f"op {op.index} {op.kind}, field builtin_options.{name}: {number} of {len(file.graphs)} subgraphs"
                )
            found.append(number)
    return found


def _graph(file: _File, number: int, sha256: str) -> Model:
    import tflite

    graph, where = file.graphs[number], f"subgraph {number}"
    tensors = _entries(where, "tensors", graph.TensorsLength, graph.Tensors, file.size)
    ops = _entries(where, "operators", graph.OperatorsLength, graph.Operators, file.size)
    operators = tuple(_op(tflite, file.codes, raw, i) for i, raw in enumerate(ops))
    inputs = _field(where, "inputs", lambda: _ints(graph.InputsAsNumpy()))
    outputs = _field(where, "outputs", lambda: _ints(graph.OutputsAsNumpy()))
    used = {*inputs, *outputs, *(i for op in operators for i in (*op.inputs, *op.outputs))}
    made = [
        _tensor(file.buffers, raw, i) if i in used else _unused(file.buffers, raw, i) for i, raw in enumerate(tensors)
    ]
    return Model(
        name=file.name,
        sha256=sha256,
        size_bytes=file.size,
        tensors=_without_elements(made, operators, inputs),
        ops=operators,
        inputs=inputs,
        outputs=outputs,
        data=file.data,
    )


def _ints(vector: Any) -> tuple[int, ...]:
    """An integer vector as a tuple; the flatbuffer package returns the number 0 for an absent one."""
    return tuple(vector.tolist()) if isinstance(vector, np.ndarray) else ()


BUILTIN_CODE_SLOT = 10  # OperatorCode.builtin_code, field 3 of the schema's table


def _kind(tflite: Any, code: Any, where: str) -> str:
    """The operator's name; where the schema package knows none, its number.

    The schema has two fields, and whoever reads it takes the higher one (as TFLM does in schema_utils.cc): files from
    before 2020 have the old one alone, some writers fill only the new one. The package's BuiltinCode() gives the old
    one for every code below 127, so the new one is read here.
    """
    old: int = _field(where, "deprecated_builtin_code", code.DeprecatedBuiltinCode)
    new = _field(where, "builtin_code", lambda: _int32(code, BUILTIN_CODE_SLOT))
    if new < 0 or (old < 0 and not new):
        raise _DamageError(f"{where}, fields builtin_code {new} and deprecated_builtin_code {old}: no operator")
    number = max(new, old)
    if number == tflite.BuiltinOperator.CUSTOM:
        custom = _field(where, "custom_code", code.CustomCode)
        return f"CUSTOM {_printable(custom) or '(no name)'}"
    known: str = tflite.BUILTIN_OPCODE2NAME.get(number, f"(builtin operator {number})")
    return known


def _printable(text: bytes | None) -> str:
    """A name on one line: what a terminal would obey is written as \\x1b."""
    decoded = (text or b"").decode(errors="replace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def _int32(raw: Any, slot: int) -> int:
    """An int32 field, 0 where the table has none, past the accessor that the package changed."""
    from flatbuffers.number_types import Int32Flags

    table = raw._tab  # noqa: SLF001  # the package gives no other way to a field
    at: int = table.Offset(slot)
    return int(table.Get(Int32Flags, at + table.Pos)) if at else 0


# Schema's TensorType by number; those numpy lacks keep their bytes.
DTYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64"),
    *("complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16"),
)
BYTES_ONLY = {"string", "resource", "variant", "int4", "bfloat16"}
ARRAYS = set(DTYPES) - BYTES_ONLY


def _dtype(number: int) -> str:
    return DTYPES[number] if 0 <= number < len(DTYPES) else f"(type {number})"


def _unused(buffers: list[Any], raw: Any, index: int) -> Tensor:
    """A tensor that nothing names: TFLM looks for its buffer, and whatever else is wrong with it matters to nobody."""
    _buffer(buffers, raw, f"tensor {index}")
    try:
        return _tensor(buffers, raw, index)
    except (_DamageError, ModelError):
        return Tensor(index, "", (), "int8", None)


def _tensor(buffers: list[Any], raw: Any, index: int) -> Tensor:
    name = _printable(_field(f"tensor {index}", "name", raw.Name))
    where = f"tensor {index} '{name}'"
    shape = _field(where, "shape", lambda: _ints(raw.ShapeAsNumpy()))
    dtype = _dtype(_field(where, "type", raw.Type))
    # An empty tensor's other dimensions count too: numpy has none that are longer than memory.
    if len(shape) > MAX_RANK or (min(shape, default=1) >= 0 and math.prod(n or 1 for n in shape) > MAX_ELEMENTS):
        raise ModelError(
            f"{where} has shape {list(shape)}; supported: up to {MAX_RANK} dimensions and {MAX_ELEMENTS} elements",
            hint="the file is damaged, or the model is none for a microcontroller",
        )
    quantization = _quantization(_field(where, "quantization", raw.Quantization), where)
    variable = bool(_field(where, "is_variable", raw.IsVariable))
    # TFLM gives a variable bytes of its own and never looks at those of the file.
    data = None if variable else _data(buffers, raw, where, shape, dtype)
    return Tensor(index, name, shape, dtype, quantization, data, variable)


def _buffer(buffers: list[Any], raw: Any, where: str) -> int:
    number: int = _field(where, "buffer", raw.Buffer)
    if number >= len(buffers):
        raise _DamageError(f"{where}, field buffer: {number} of {len(buffers)} buffers")
    return number


def _data(
    buffers: list[Any], raw: Any, where: str, shape: tuple[int, ...], dtype: str
) -> npt.NDArray[np.generic] | None:
    """The constant, or None; a tensor of no elements needs no bytes, and `_check_graph` says whether it is one."""
    number = _buffer(buffers, raw, where)
    buffer = buffers[number]
    content = _field(f"buffer {number}", "data", buffer.DataAsNumpy)
    if not isinstance(content, np.ndarray) or not content.size:
        if _field(f"buffer {number}", "offset", buffer.Offset) > 1:
            raise ModelError(
                f"{where}: its data stand behind the flatbuffer (buffer {number}, fields offset and size), the form "
                "for models above 2 GB, which TFLM does not read",
                hint="convert the model without _experimental_use_buffer_offset",
            )
        return None
    if dtype not in ARRAYS:
        return content
    needed = math.prod(shape) * np.dtype(dtype).itemsize if min(shape, default=1) >= 0 else -1
    if content.size != needed and _field(where, "sparsity", raw.Sparsity) is not None:
        raise ModelError(f"{where} is stored sparse", hint="convert the model without sparsity")
    if not 0 <= needed <= content.size:
        raise _DamageError(f"{where}, field shape: {list(shape)} of {dtype} for a buffer of {content.size} bytes")
    # Some writers fill a buffer up to a word; TFLM reads what it needs of it.
    return np.frombuffer(content[:needed].tobytes(), dtype).reshape(shape)


def _quantization(raw: Any, where: str) -> Quantization | None:
    """None without scales. TFLM uses zero points one by one, whatever their number, and so does this reader."""
    if raw is None:
        return None
    scale: tuple[float, ...] = _field(where, "quantization.scale", lambda: _floats(raw.ScaleAsNumpy()))
    given = _field(where, "quantization.zero_point", lambda: _ints(raw.ZeroPointAsNumpy()))
    axis = _field(where, "quantization.quantized_dimension", raw.QuantizedDimension)
    if not scale:
        return None
    if not all(-(2**31) <= z < 2**31 for z in given):
        raise _DamageError(f"{where}, field quantization.zero_point: {max(given, key=abs)} is no 32-bit number")
    for s in scale:
        if not (math.isfinite(s) and s >= 0):
            raise _DamageError(f"{where}, field quantization.scale: {s:g}")
    # Fewer zero points than scales: the last stands for the rest. More: what no scale has is not used.
    zero_point = (given + (given[-1:] or (0,)) * len(scale))[: len(scale)]
    return Quantization(scale, zero_point, axis if len(scale) > 1 else 0, bool(given))


def _floats(vector: Any) -> tuple[float, ...]:
    return tuple(vector.tolist()) if isinstance(vector, np.ndarray) else ()


# Option tables that are not named like their operator (CONV_2D: Conv2DOptions).
OPTION_TABLES = {
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), "Pool2DOptions"),
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"), "ReducerOptions"
    ),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), "MaximumMinimumOptions"),
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
}
# Option fields that are read by the names of an enumeration of the schema; all others are numbers.
ENUMERATIONS = {"padding": "Padding", "fused_activation_function": "ActivationFunctionType"}

# A table without fields: every accessor then gives the schema's default.
NO_OPTIONS = b"\4\0\4\0\4\0\0\0"


def _op(tflite: Any, codes: list[Any], raw: Any, index: int) -> Op:
    where = f"op {index}"
    code = _field(where, "opcode_index", raw.OpcodeIndex)
    if code >= len(codes):
        raise _DamageError(f"{where}, field opcode_index: {code} of {len(codes)} operator codes")
    kind = _kind(tflite, codes[code], f"operator code {code}")
    where = f"op {index} {kind}"
    inputs = _field(where, "inputs", lambda: _ints(raw.InputsAsNumpy()))
    outputs = _field(where, "outputs", lambda: _ints(raw.OutputsAsNumpy()))
    custom = _field(where, "custom_options", lambda: bytes(_ints(raw.CustomOptionsAsNumpy())))
    return Op(index, kind, inputs, outputs, _options(tflite, kind, raw, where), custom)


def _options(tflite: Any, kind: str, raw: Any, where: str) -> dict[str, Option]:
    """All option fields of the kind; the schema's defaults where the table is absent or belongs to another kind."""
    class_name = _option_table(tflite, kind)
    if not class_name:
        return {}
    table = _field(where, "builtin_options", raw.BuiltinOptions)
    read = getattr(tflite, class_name)()
    kind_of_table = _field(where, "builtin_options_type", raw.BuiltinOptionsType)
    if table is None or kind_of_table != getattr(tflite.BuiltinOptions, class_name):
        read.Init(NO_OPTIONS, 4)
    else:
        _field(where, "builtin_options", partial(read.Init, table.Bytes, table.Pos))
    options: dict[str, Option] = {}
    for accessor in _accessors(type(read)):
        name = re.sub("(?<!^)(?=[A-Z])", "_", accessor).lower()
        value = _field(where, f"builtin_options.{name}", partial(_option, read, accessor))
        options[name] = _enum_name(getattr(tflite, ENUMERATIONS[name]), value) if name in ENUMERATIONS else value
    return options


def _option_table(tflite: Any, kind: str) -> str:
    """The class of a kind's options; "" for one that has none."""
    plain = kind.replace("_", "").lower() + "options"
    return OPTION_TABLES.get(kind) or next((name for name in vars(tflite.BuiltinOptions) if name.lower() == plain), "")


def _accessors(table: type) -> list[str]:
    """Of the fields of a table class: its methods, without those that the flatbuffer compiler writes besides."""
    extra = re.compile(r"_|GetRootAs|Init$|.*(AsNumpy|Length|IsNone|BufferHasIdentifier)$")
    return [name for name in vars(table) if not extra.match(name)]


def _option(read: Any, accessor: str) -> Any:
    if hasattr(read, f"{accessor}AsNumpy"):
        return _ints(getattr(read, f"{accessor}AsNumpy")())
    value = getattr(read, accessor)()
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _enum_name(enumeration: Any, value: int) -> str:
    """The name; for a number that the schema package does not know, its digits, which no rule accepts."""
    names: dict[int, str] = {n: name for name, n in vars(enumeration).items() if not name.startswith("_")}
    return names.get(value, str(value))


def _check_graph(model: Model, graph: str) -> None:
    """Indices in range; each activation made once, before its first use. `graph`: what messages call it.

    Raises: _DamageError.
    """
    count = len(model.tensors)
    for what, indices in (("inputs", model.inputs), ("outputs", model.outputs)):
        for index in indices:
            if not 0 <= index < count:
                raise _DamageError(f"{graph}, field {what}: {what[:-1]} tensors {list(indices)}, there are {count}")
    made = {t.index for t in model.tensors if t.data is not None or t.variable} | set(model.inputs)
    for op in model.ops:
        where = f"op {op.index} {op.kind}"
        for index in op.inputs:
            if not -1 <= index < count:
                raise _DamageError(f"{where}, field inputs: tensor {index}, there are {count}")
            # The scratch memory of an accelerator is an input of its custom operator that nothing makes.
            if index != -1 and index not in made and not op.kind.startswith("CUSTOM"):
                raise _DamageError(f"{where}, field inputs: tensor {index} is made by no earlier operator")
        for index in op.outputs:
            if not 0 <= index < count:
                raise _DamageError(f"{where}, field outputs: tensor {index}, there are {count}")
            if index in made:
                raise _DamageError(f"{where}, field outputs: tensor {index} is made before, or a constant")
            made.add(index)
    for index in model.outputs:
        if index not in made:
            raise _DamageError(f"{graph}, field outputs: tensor {index} is made by no operator")


def _without_elements(tensors: Iterable[Tensor], ops: Iterable[Op], inputs: tuple[int, ...]) -> tuple[Tensor, ...]:
    """A tensor of no elements that nothing makes is a constant: it has no bytes because it needs none."""
    made = {index for op in ops for index in op.outputs} | set(inputs)
    return tuple(
        replace(t, data=np.empty(t.shape, t.dtype))
        if t.data is None and min(t.shape, default=1) == 0 and t.dtype in ARRAYS and t.index not in made
        else t
        for t in tensors
    )


CODES = ("int8", "uint8", "int16")


def without_float_ends(model: Model) -> Model:
    """The model from code to code: float ends that QUANTIZE and DEQUANTIZE bound are cut off, each for itself.

    A float tensor that anything else reads, or that is an output besides, stays as it is.
    """
    readers = Counter(index for op in model.ops for index in op.inputs) + Counter(model.outputs)
    bridges = [op for op in model.ops if _is_bridge(model, op)]
    heads = {op.inputs[0]: op for op in bridges if op.kind == "QUANTIZE" and op.inputs[0] in model.inputs}
    tails = {op.outputs[0]: op for op in bridges if op.kind == "DEQUANTIZE" and op.outputs[0] in model.outputs}
    boundary = [op for index, op in (*heads.items(), *tails.items()) if readers[index] == 1]
    if not boundary:
        return model
    inputs = tuple(heads[i].outputs[0] if heads.get(i) in boundary else i for i in model.inputs)
    outputs = tuple(tails[i].inputs[0] if tails.get(i) in boundary else i for i in model.outputs)
    data = cut(model.data, inputs, outputs, {op.index for op in boundary})
    made = replace(
        model,
        ops=tuple(op for op in model.ops if op not in boundary),
        inputs=inputs,
        outputs=outputs,
        boundary=tuple(op for op in model.ops if op in boundary),
        data=data,
    )
    return made if _is_same(made, _read(data, model.name)) else model


def _is_same(made: Model, read: Model) -> bool:
    """False where the file uses one vector for two things, so that more than the ends was cut."""
    works = ([(op.kind, op.inputs, op.outputs) for op in model.ops] for model in (made, read))
    return (made.inputs, made.outputs, next(works)) == (read.inputs, read.outputs, next(works))


def _is_bridge(model: Model, op: Op) -> bool:
    """QUANTIZE or DEQUANTIZE between float32 and codes of one scale."""
    if op.kind not in {"QUANTIZE", "DEQUANTIZE"} or len(op.inputs) != 1 or len(op.outputs) != 1 or -1 in op.inputs:
        return False
    given, made = model.tensors[op.inputs[0]], model.tensors[op.outputs[0]]
    real, codes = (given, made) if op.kind == "QUANTIZE" else (made, given)
    scaled = codes.quantization is not None and not codes.quantization.per_channel
    return real.dtype == "float32" and codes.dtype in CODES and scaled and given.data is None
