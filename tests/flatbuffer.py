"""A .tflite file from plain dictionaries: a key that is there is in the file, a key that is not is absent in it.

Keys are the schema's field names (`operator_codes`, `quantized_dimension`), so that every file the schema allows can be
written, the odd and the damaged ones too. Only the packages `flatbuffers` and `tflite` are needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

# Kind of the table, or of the tables in the list, that stands in a field.
TABLES = {
    "operator_codes": "OperatorCode",
    "subgraphs": "SubGraph",
    "buffers": "Buffer",
    "metadata": "Metadata",
    "signature_defs": "SignatureDef",
    "tensors": "Tensor",
    "operators": "Operator",
    "quantization": "QuantizationParameters",
    "inputs": "TensorMap",  # those of a SignatureDef; a SubGraph's are numbers
    "outputs": "TensorMap",
}
# Lists of numbers are int32, but for these.
NUMBERS = {
    "scale": np.float32,
    "min": np.float32,
    "max": np.float32,
    "zero_point": np.int64,
    "data": np.uint8,
    "custom_options": np.uint8,
    "mutating_variable_inputs": np.bool_,
}
# Schema: Buffer.data has force_align 16; TFLM reads constants where they lie.
ALIGNMENT_BYTES = 16


def write(model: Mapping[str, Any]) -> bytes:
    """The file of one Model table. A union is a pair: `"builtin_options": ("AddOptions", {})` sets its type as well.

    Raises: AttributeError: a field that the table does not have.
    """
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)
    builder.Finish(_table(builder, "Model", model), b"TFL3")
    return bytes(builder.Output())


def _table(builder: Any, kind: str, fields: Mapping[str, Any]) -> int:
    """Everything a table points to stands in the file before it."""
    schema = importlib.import_module(f"tflite.{kind}")
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, tuple):
            options = importlib.import_module(f"tflite.{_camel(name)}")
            values.setdefault(f"{name}_type", getattr(getattr(options, _camel(name)), value[0]))
            values[name] = _table(builder, *value)
        else:
            values[name] = _value(builder, name, value)
    schema.Start(builder)
    for name, value in values.items():
        getattr(schema, f"Add{_camel(name)}")(builder, value)
    return int(schema.End(builder))


def _value(builder: Any, name: str, value: Any) -> Any:
    """The value itself, or where in the file it was written."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, dict):
        return _table(builder, TABLES[name], value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _vector(builder, np.array([_table(builder, TABLES[name], one) for one in value], np.uint32))
    if isinstance(value, list | bytes | np.ndarray):
        numbers = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.asarray(value)
        return _numbers(builder, name, numbers)
    return value


def _vector(builder: Any, offsets: np.ndarray[Any, Any]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in offsets[::-1].tolist():
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, name: str, numbers: np.ndarray[Any, Any]) -> int:
    """A vector of numbers; bytes of tensors are aligned as the schema asks."""
    content = numbers.astype(NUMBERS.get(name, np.int32)).tobytes()
    size = np.dtype(NUMBERS.get(name, np.int32)).itemsize
    builder.StartVector(size, len(content) // size, ALIGNMENT_BYTES if name == "data" else size)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content
    return int(builder.EndVector())


def _camel(name: str) -> str:
    """`stride_w` and `strideW`, the two spellings of the schema's generators, as the functions have it: StrideW."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
