"""What a firmware cannot take: the reader reads it, every command says all of it, with the engine's reasons."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs
from tests.data import DATA, needs
from tests.flatbuffer import write
from tests.graphs import O, T
from tinyperf import cli, cores, engines, tflite
from tinyperf.engines import Target, ends
from tinyperf.engines.tflm.library import PINNED
from tinyperf.errors import ModelError
from tinyperf.learn import backends

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))
RELU = O("RELU", [0], [1])
INT8 = T((1, 4), 0.1)

# Ends of types that no firmware takes, an operator that no engine has, and a rule that is broken.
EVERYTHING = graphs.build(
    [T((1, 4), dtype="float64"), T((1, 4), 0.1), T((1, 4), 0.1), T((1, 4), dtype="float16")],
    [O("WHILE", [0], [1]), O("SOFTMAX", [1], [2], {"beta": 1.0}), O("WHILE", [2], [3])],
    [0],
    [2, 3],
)
AT_ENDS = ("model 'odd': input tensor 0 't0' is float64", "output tensor 3 't3' is float16")
OF_AOT = ("op 0 WHILE is not supported", "(also op 2)", "op 1 SOFTMAX: output")


def refused(engine: str, data: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        engines.engine(engine).generate(tflite.parse(data, "odd"), M4, {})
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("build --board host", id="build"),
        pytest.param("generate --board nucleo-l4r5zi -o made", id="generate"),
        pytest.param("profile --board nucleo-l4r5zi", id="profile"),
        pytest.param("emulate --board nucleo-l4r5zi", id="emulate"),
        pytest.param("flash --board nucleo-l4r5zi --virtual", id="flash"),
        pytest.param("run --board host --out made", id="run"),
        pytest.param("run --board host --mode accuracy --data inputs --out made", id="run, accuracy"),
        pytest.param("run --board nucleo-l4r5zi --virtual kws --out made", id="run, a benchmark"),
        pytest.param("compare", id="compare"),
        pytest.param("evaluate --backend aot --data inputs", id="evaluate"),
        pytest.param("evaluate --backend litert --compare aot --data inputs", id="evaluate, compare"),
    ],
)
def test_every_command_says_everything(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs").mkdir()
    (tmp_path / "odd.tflite").write_bytes(EVERYTHING)
    assert cli.invoke([*command.split(), "--model", "odd.tflite", "--json"]) == 2
    shown = capsys.readouterr()
    seen = json.loads(shown.out)["error"]["seen"]
    for words in (*AT_ENDS, *OF_AOT):
        assert words in seen
    assert "Traceback" not in shown.err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "command",
    ["profile --board nucleo-l4r5zi", "emulate --board nucleo-l4r5zi", "run --board nucleo-l4r5zi --virtual"],
)
def test_a_foreign_image_needs_a_model_that_can_be_fed(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.tflite").write_bytes(EVERYTHING)
    image = tmp_path / "f.bin"
    image.write_bytes(bytes(64))
    argv = [*command.split(), "--image", str(image), "--model", str(tmp_path / "odd.tflite"), "--json"]
    assert cli.invoke(argv) == 2
    assert AT_ENDS[1] in json.loads(capsys.readouterr().out)["error"]["seen"]


ETHOS_U = "code for an Arm Ethos-U NPU, which no board here has (the model as it was before Vela may run)"


def test_tflm_joins_its_own_reasons() -> None:
    weights = graphs.constant(np.ones((2, 4), np.int8), [0.1, 0.2])
    data = graphs.build(
        [T((1, 4), dtype="float64"), T((1, 4), 0.1), weights, T((1, 2), 0.1), T((1, 2), 0.1), T((1, 2), 0.1)],
        [
            O("QUANTIZE", [0], [1]),
            O("FULLY_CONNECTED", [1, 2], [3]),
            O("REVERSE_V2", [3], [4]),
            O("TILE", [4], [5]),
            O("CUSTOM", [4], [], None, "ethos-u"),
        ],
        [0],
        [5],
    )
    first, *others = refused("tflm", data).seen.splitlines()
    assert first.startswith(AT_ENDS[0])
    assert others == [
        "op 0 QUANTIZE: TensorFlow Lite Micro's takes float32, int8, int16, int32, uint8, not float64",
        "op 2 REVERSE_V2: this TensorFlow Lite Micro has no such operator, newer ones have",
        "op 3 TILE: TensorFlow Lite Micro has no such operator",
        f"op 4 CUSTOM ethos-u: {ETHOS_U}",
        f"odd: op 1 FULLY_CONNECTED has one scale per output channel; {PINNED.version} would compute it wrongly",
    ]


READ = [
    pytest.param({"inputs": [0, 0]}, "names input tensor 0 't0' twice", id="one input twice"),
    pytest.param({"inputs": [0, 2]}, "input tensor 2 't2' holds data of its own", id="constant input"),
    pytest.param({"inputs": [], "ops": [O("RELU", [2], [1])]}, "has no input tensor", id="no input"),
    pytest.param({"outputs": []}, "has no output tensor", id="no output"),
    *(
        pytest.param({"tensors": [T((1, 4), dtype=dtype), INT8]}, f"is {dtype}", id=dtype)
        for dtype in ("float16", "float64", "complex64")
    ),
    pytest.param({"tensors": [INT8, T((1, 4), [0.1] * 4, axis=1)]}, "output tensor 1 't1' is int8", id="many scales"),
    pytest.param({"tensors": [T((1, -1), 0.1), INT8]}, "the model's input 0 't0' has the open shape", id="open input"),
    pytest.param(
        {"tensors": [INT8, T((1, 0), 0.1)]}, "output 1 't1' has shape [1, 0], so it holds nothing", id="no elements"
    ),
    pytest.param(
        {"tensors": [INT8, INT8, T((-1, 4), 0.1)], "ops": [O("RELU", [0], [2]), O("RELU", [2], [1])]},
        "op 0 RELU: tensor 2 't2' has the open shape",
        id="open inside",
    ),
]


def changed(parts: dict[str, Any]) -> bytes:
    """A RELU of four codes, parts of it replaced; tensor 2 is a constant where it is not given."""
    whole: dict[str, Any] = {"tensors": [INT8, INT8], "ops": [RELU], "inputs": [0], "outputs": [1]} | parts
    tensors = [*whole["tensors"], graphs.constant(np.zeros((1, 4), np.int8), 0.1)]
    return graphs.build(tensors, whole["ops"], whole["inputs"], whole["outputs"])


@pytest.mark.parametrize(("parts", "seen"), READ)
def test_the_reader_reads_it_and_both_engines_refuse_it(parts: dict[str, Any], seen: str) -> None:
    model = tflite.parse(changed(parts), "odd")
    assert any(seen in reason for reason in ends.reasons(model))
    for name in ("aot", "tflm", "fake"):
        with pytest.raises(ModelError) as caught:
            (engines.FakeEngine() if name == "fake" else engines.engine(name)).generate(model, M4, {})
        assert seen in caught.value.seen.splitlines()[0]
        assert caught.value.hint


@pytest.mark.parametrize("shape", [(1, -1), (-1, 4)])
def test_an_operator_of_open_shape_is_not_judged_but_named(shape: tuple[int, ...]) -> None:
    """SHAPE of it is not known, nor what is made of that; an operator that does not exist is none in any shape."""
    tensors = [T(shape, 0.1), T((2,), dtype="int32"), T((1, 4), 0.1), T((1, 4), 0.1)]
    ops = [O("SHAPE", [0], [1], {"outType": 2}), O("RESHAPE", [0, 1], [2]), O("TILE", [2], [3])]
    lines = refused("aot", graphs.build(tensors, ops, [0], [3])).seen.splitlines()
    assert [re.split("; |: T", line)[0] for line in lines] == [
        f"model 'odd': the model's input 0 't0' has the open shape {list(shape)}",
        "op 2 TILE is not supported by engine 'aot'",
    ]


def test_state_and_further_subgraphs_are_read() -> None:
    called = graphs.model(
        graphs.G([T((1, 4), 0.1), INT8, T((1, 4), 0.1, variable=True)], [O("IF", [0], [1])], [0], [1])
    )
    called["subgraphs"].append({"tensors": [], "operators": [], "inputs": [], "outputs": [], "name": "then"})
    model = tflite.parse(write(called), "odd")
    assert model.tensors[2].variable
    assert not ends.reasons(model)
    assert "op 0 IF is not supported" in refused("aot", write(called)).seen
    made = engines.engine("tflm").generate(model, M4, {})
    assert "resolver.AddIf()" in made.sources["model/tp_model.cpp"]


def test_what_one_engine_reads_another_names() -> None:
    """The ends fit: no line of theirs; the other engine is offered where it has the operators."""
    for operator, offered in ((O("CUSTOM", [0], [1], None, "CIRCULAR_BUFFER"), True), (O("TILE", [0], [1]), False)):
        error = refused("aot", changed({"ops": [operator]}))
        assert error.seen.startswith(f"op 0 {operator.kind}")
        assert "is not supported" in error.seen
        assert ("try --engine tflm" in error.hint) == offered


@pytest.mark.parametrize("backend", ["tflm", "litert", "aot"])
def test_no_backend_is_fed_what_it_would_ignore(backend: backends.Backend) -> None:
    if backend != "aot":
        pytest.importorskip(
            {"tflm": "tflite_micro", "litert": "ai_edge_litert"}[backend],
            reason=f"the extra '{backend}' is not installed",
        )
    model = tflite.parse(changed({"inputs": [0, 2]}), "odd")
    with pytest.raises(ModelError, match="holds data of its own"):
        backends.infer(backend, model, [np.zeros((1, 4), np.int8)] * 2)


# Two inputs and three outputs, one of them float behind DEQUANTIZE, one an input too; batch 2.
SEVERAL = graphs.build(
    [
        T((2, 4), 0.1, 3),
        T((2, 4), 0.1, 3),
        T((2, 4), 0.1, 3),
        T((2, 4), 0.1, 3),
        T((2, 4), dtype="float32"),
    ],
    [O("MAXIMUM", [0, 1], [2]), O("RELU", [2], [3]), O("DEQUANTIZE", [3], [4])],
    [1, 0],
    [4, 2, 1],
)


@pytest.mark.parametrize("backend", ["tflm", "litert", "aot"])
def test_every_backend_takes_several_inputs_and_outputs(backend: backends.Backend) -> None:
    """Of the first output what is in front of DEQUANTIZE: the host does that itself."""
    if backend != "aot":
        pytest.importorskip(
            {"tflm": "tflite_micro", "litert": "ai_edge_litert"}[backend],
            reason=f"the extra '{backend}' is not installed",
        )
    model = tflite.parse(SEVERAL, "several")
    one, other = np.random.default_rng(0).integers(-128, 128, (2, 40, 2, 4), np.int8)
    relu, largest, same = backends.infer(backend, model, [one, other])
    np.testing.assert_array_equal(largest, np.maximum(one, other).reshape(40, 8))
    np.testing.assert_array_equal(relu, np.maximum(largest, 3))
    np.testing.assert_array_equal(same, one.reshape(40, 8))


@needs("zoo")
@pytest.mark.parametrize("path", sorted((DATA / "zoo").glob("*.tflite")), ids=lambda path: path.stem)
def test_every_model_of_the_zoo_is_read(path: Path) -> None:
    model = tflite.load(path)
    if found := ends.reasons(model):
        seen = refused("aot", path.read_bytes()).seen
        assert all(reason in seen for reason in found)
