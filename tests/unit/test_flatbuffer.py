"""The tests' own writer of .tflite files: what stands in the dictionary stands in the file, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tflite as schema

from tests import graphs
from tests.flatbuffer import write


def two_layers() -> graphs.G:
    """An ADD of a value with itself, then a fully connected layer."""
    tensors = [
        graphs.T((1, 4), 0.5, 3),
        graphs.T((1, 4), 1.0, 3),
        graphs.constant(np.arange(8, dtype=np.int8).reshape(2, 4), 0.25),
        graphs.T((1, 2), 0.5, -4),
    ]
    return graphs.G(tensors, [graphs.O("ADD", [0, 0], [1]), graphs.O("FULLY_CONNECTED", [1, 2], [3])], [0], [3])


def read(model: dict[str, Any]) -> Any:
    return schema.Model.GetRootAs(write(model), 0)


def slots(table: Any, fields: int) -> list[int]:
    """Positions of the fields that are in the file."""
    return [i for i in range(fields) if table._tab.Offset(4 + 2 * i)]  # noqa: SLF001  # no accessor shows absence


@pytest.mark.parametrize(
    ("drop", "present"),
    [
        pytest.param([], [0, 2, 3], id="both"),
        pytest.param(["deprecated_builtin_code"], [2, 3], id="new"),
        pytest.param(["builtin_code"], [0, 2], id="old"),
    ],
)
def test_either_field_of_an_operator_code_may_be_absent(drop: list[str], present: list[int]) -> None:
    model = graphs.model(two_layers())
    model["operator_codes"][0] = {k: v for k, v in model["operator_codes"][0].items() if k not in drop}
    assert slots(read(model).OperatorCodes(0), 4) == present


def test_a_default_that_is_given_is_in_the_file() -> None:
    model = graphs.model(two_layers())
    model["subgraphs"][0]["tensors"][2]["quantization"]["quantized_dimension"] = 0
    assert 6 in slots(read(model).Subgraphs(0).Tensors(2).Quantization(), 7)
    del model["subgraphs"][0]["tensors"][2]["quantization"]["quantized_dimension"]
    assert 6 not in slots(read(model).Subgraphs(0).Tensors(2).Quantization(), 7)


def test_an_option_table_may_be_absent() -> None:
    graph = two_layers()
    graph.ops[0].options = None
    first, second = (read(graphs.model(graph)).Subgraphs(0).Operators(i) for i in range(2))
    assert (first.BuiltinOptionsType(), first.BuiltinOptions()) == (0, None)
    assert second.BuiltinOptionsType() == schema.BuiltinOptions.FullyConnectedOptions


def test_options_under_both_spellings() -> None:
    for options in ({"stride_w": 3, "padding": 1}, {"strideW": 3, "padding": 1}):
        graph = two_layers()
        graph.ops[0] = graphs.O("MAX_POOL_2D", [0], [1], options)
        table = schema.Pool2DOptions()
        written = read(graphs.model(graph)).Subgraphs(0).Operators(0).BuiltinOptions()
        table.Init(written.Bytes, written.Pos)
        assert (table.StrideW(), table.Padding()) == (3, 1)
        assert slots(table, 6) == [0, 1]


def test_an_unknown_field_is_an_error() -> None:
    graph = two_layers()
    graph.ops[0].options = {"stride_x": 3}
    with pytest.raises(AttributeError, match="AddStrideX"):
        write(graphs.model(graph))


def test_custom_variable_and_a_second_graph() -> None:
    custom = graphs.G(
        [graphs.T((1, 2), dtype="int16", variable=True), graphs.T((1, 2), 0.5, [1, 2])],
        [graphs.O("CUSTOM", [0, -1], [1], b"\1\2\3", custom="Own")],
        [0],
        [1],
        "side",
    )
    root = read(graphs.model(two_layers(), custom))
    side = root.Subgraphs(1)
    op = side.Operators(0)
    assert (root.SubgraphsLength(), side.Name()) == (2, b"side")
    assert root.OperatorCodes(op.OpcodeIndex()).CustomCode() == b"Own"
    assert op.CustomOptionsAsNumpy().tolist() == [1, 2, 3]
    assert op.InputsAsNumpy().tolist() == [0, -1]
    assert (side.Tensors(0).IsVariable(), side.Tensors(0).Type()) == (True, schema.TensorType.INT16)
    assert side.Tensors(1).Quantization().ZeroPointAsNumpy().tolist() == [1, 2]


def test_metadata_signatures_and_buffers_behind_the_file() -> None:
    model = graphs.model(two_layers())
    model["metadata"] = [{"name": "min_runtime_version", "buffer": 1}]
    model["signature_defs"] = [{"inputs": [{"name": "x", "tensor_index": 2}], "outputs": [], "signature_key": "serve"}]
    model["buffers"].append({"offset": 4096, "size": 12})
    root = read(model)
    assert (root.Metadata(0).Name(), root.Metadata(0).Buffer()) == (b"min_runtime_version", 1)
    assert (root.SignatureDefs(0).SignatureKey(), root.SignatureDefs(0).Inputs(0).TensorIndex()) == (b"serve", 2)
    assert (root.Buffers(2).Offset(), root.Buffers(2).Size()) == (4096, 12)


@pytest.mark.parametrize("elements", [1, 3, 16, 17, 1000])
def test_constants_are_aligned_as_the_schema_asks(elements: int) -> None:
    graph = two_layers()
    graph.tensors.append(graphs.constant(np.zeros(elements, np.int8)))
    model = graphs.model(graph)
    model["description"] = "x" * elements
    data = write(model)
    buffer = schema.Model.GetRootAs(data, 0).Buffers(2)
    assert buffer.DataLength() == elements
    assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0  # noqa: SLF001  # no accessor shows the place


def test_tflm_reads_it() -> None:
    sample = np.array([[1, 2, 3, 4]], np.int8)
    # ADD: 0.5 * (q - 3) twice, is -2 -1 0 1; times the weights 0 to 7 x 0.25: 0.5 and -1.5, in steps of 0.5 from -4.
    (row,) = graphs.wheel(write(graphs.model(two_layers())), sample[None])
    assert row.tolist() == [-3, -7]


def test_tflm_keeps_several_inputs_and_outputs_apart() -> None:
    tensors = [graphs.T((1, 2), 1.0), graphs.T((1, 2), 1.0), graphs.T((1, 2), 1.0), graphs.T((1, 2), 1.0)]
    ops = [graphs.O("ADD", [0, 1], [2]), graphs.O("SUB", [0, 1], [3])]
    samples = [[np.array([[5, 6]], np.int8), np.array([[1, 2]], np.int8)]]
    ((total, difference),) = graphs.wheel_all(graphs.build(tensors, ops, [0, 1], [2, 3]), samples, outputs=2)
    assert (total.tolist(), difference.tolist()) == ([[6, 8]], [[4, 4]])
