"""Resource variables and CALL_ONCE: the wheel's outputs over a stream of inputs, and after a reset."""

from __future__ import annotations

import itertools
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.flatbuffer import write
from tests.graphs import G, O, T
from tinyperf import api, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes import compiled, stages
from tinyperf.engines.aot.passes.place import place
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

SCALE, ZERO = 0.05, -3
M4 = Target(cores.load("cortex-m4"))
COUNT, RESET = 9, 5


class Written:
    """A model with resource variables, written operator by operator; every tensor has one scale and zero point."""

    def __init__(self, *shape: int) -> None:
        self.tensors = [T(shape, SCALE, ZERO)]
        self.ops: list[O] = []
        self.first: list[O] = []
        self.constants: list[T] = []

    def value(self, *shape: int) -> int:
        self.tensors.append(T(shape, SCALE, ZERO))
        return len(self.tensors) - 1

    def constant(self, *values: int, dtype: str = "int32") -> int:
        self.tensors.append(graphs.constant(np.array(values, dtype), SCALE if dtype == "int8" else None))
        return len(self.tensors) - 1

    def handle(self, name: str) -> int:
        self.tensors.append(T((), dtype="resource"))
        self.ops.append(O("VAR_HANDLE", [], [len(self.tensors) - 1], {"sharedName": name}))
        return len(self.tensors) - 1

    def read(self, handle: int, *shape: int) -> int:
        made = self.value(*shape)
        self.ops.append(O("READ_VARIABLE", [handle], [made]))
        return made

    def assign(self, handle: int, value: int) -> None:
        self.ops.append(O("ASSIGN_VARIABLE", [handle, value], []))

    def concatenation(self, *parts: int) -> int:
        rows = sum(self.tensors[i].shape[1] for i in parts)
        made = self.value(1, rows, *self.tensors[parts[0]].shape[2:])
        self.ops.append(O("CONCATENATION", list(parts), [made], {"axis": 1}))
        return made

    def slice(self, given: int, begin: int, end: int) -> int:
        shape = self.tensors[given].shape
        made = self.value(1, end - begin, *shape[2:])
        ends = [self.constant(0, begin, *(0,) * len(shape[2:])), self.constant(1, end, *shape[2:])]
        self.ops.append(O("STRIDED_SLICE", [given, *ends, self.constant(*(1,) * len(shape))], [made]))
        return made

    def add(self, a: int, b: int) -> int:
        made = self.value(*self.tensors[a].shape)
        self.ops.append(O("ADD", [a, b], [made]))
        return made

    def start(self, name: str, values: npt.NDArray[np.int8]) -> None:
        """In the subgraph that is called once: the variable `name` is `values` twice added."""
        at = len(self.constants)
        self.constants += [
            T((), dtype="resource"),
            T(values.shape, SCALE, ZERO, values),
            T(values.shape, SCALE, ZERO),
        ]
        self.first += [
            O("VAR_HANDLE", [], [at], {"sharedName": name}),
            O("ADD", [at + 1, at + 1], [at + 2]),
            O("ASSIGN_VARIABLE", [at, at + 2], []),
        ]

    def file(self, *outputs: int) -> bytes:
        once = [O("CALL_ONCE", [], [], {"initSubgraphIndex": 1})] if self.first else []
        main = G(self.tensors, once + self.ops, [0], list(outputs))
        parts = [main, G(self.constants, self.first, [], [], "once")] if self.first else [main]
        return write(graphs.model(*parts))


def appended(*, first: bool) -> bytes:
    """A row is appended to four; the oldest one goes, before or after."""
    model = Written(1, 1, 4)
    handle = model.handle("rows")
    rows = model.read(handle, 1, 4, 4)
    if first:
        whole = model.concatenation(model.slice(rows, 1, 4), 0)
        model.assign(handle, whole)
        return model.file(model.add(whole, whole))
    whole = model.concatenation(rows, 0)
    model.assign(handle, model.slice(whole, 1, 5))
    return model.file(model.add(whole, whole))


def started() -> bytes:
    """Variables with start values; one of them is only read."""
    model = Written(1, 4)
    model.start("total", np.array([[1, 2, 3, 4]], np.int8))
    model.start("step", np.array([[9, 9, -9, 9]], np.int8))
    total, step = model.handle("total"), model.handle("step")
    stepped = model.add(model.read(total, 1, 4), model.read(step, 1, 4))
    made = model.add(stepped, 0)
    model.assign(total, made)
    return model.file(made)


def swapped() -> bytes:
    """Two variables change places, and one of them takes the input besides."""
    model = Written(1, 4)
    handles = model.handle("a"), model.handle("b")
    a, b = (model.read(handle, 1, 4) for handle in handles)
    model.assign(handles[0], b)
    model.assign(handles[1], model.add(a, 0))
    return model.file(model.add(a, b))


def exchanged() -> bytes:
    """Two variables change places and nothing else; a third one gets the input."""
    model = Written(1, 4)
    handles = [model.handle(name) for name in ("a", "b", "c")]
    a, b, c = (model.read(handle, 1, 4) for handle in handles)
    for handle, value in zip(handles, (b, c, 0), strict=True):
        model.assign(handle, value)
    return model.file(model.add(model.add(a, b), c))


def read_between() -> bytes:
    """Reads before, between and after two assignments."""
    model = Written(1, 4)
    handle = model.handle("a")
    before = model.read(handle, 1, 4)
    model.assign(handle, model.add(before, 0))
    between = model.read(handle, 1, 4)
    model.assign(handle, model.add(between, 0))
    return model.file(model.add(model.add(before, between), model.read(handle, 1, 4)))


def given_a_constant() -> bytes:
    """A variable is given a constant, another one the input's row twice."""
    model = Written(1, 4)
    handles = model.handle("a"), model.handle("b")
    a, b = (model.read(handle, 1, 4) for handle in handles)
    model.assign(handles[0], model.constant(1, 2, 3, 4, dtype="int8"))
    model.assign(handles[1], 0)
    return model.file(model.add(a, b))


def old_value() -> bytes:
    """The output of the model is the variable as it was."""
    model = Written(1, 4)
    handle = model.handle("a")
    before = model.read(handle, 1, 4)
    model.assign(handle, model.add(before, 0))
    return model.file(before)


def added_twice() -> bytes:
    """Both inputs of the operator that makes the new value die there; only the old value's bytes are the variable's."""
    model = Written(1, 4)
    handle = model.handle("a")
    before = model.read(handle, 1, 4)
    model.assign(handle, model.add(model.add(before, 0), before))
    return model.file(model.read(handle, 1, 4))


CASES: dict[str, Callable[[], bytes]] = {
    "a row is appended, the oldest one goes first": lambda: appended(first=True),
    "a row is appended, the oldest one goes then": lambda: appended(first=False),
    "start values": started,
    "two variables change places": swapped,
    "a chain of variables": exchanged,
    "reads between assignments": read_between,
    "a constant is assigned": given_a_constant,
    "the old value is the output": old_value,
    "two inputs die where it is made": added_twice,
}


def frames(model: tflite.Model) -> npt.NDArray[np.int8]:
    drawn = np.random.default_rng(1).integers(-40, 41, (COUNT, *model.input.shape)).astype(np.int8)
    drawn[3], drawn[4] = -128, 127
    return drawn


def expected(data: bytes, samples: npt.NDArray[np.int8], resets: Sequence[int] = ()) -> npt.NDArray[np.int8]:
    made = graphs.wheel_all(data, [[sample] for sample in samples], outputs=1, resets=resets)
    return np.stack([row.ravel() for (row,) in made])


@pytest.mark.parametrize("name", CASES)
def test_every_pass_equals_the_wheel(name: str) -> None:
    data = CASES[name]()
    model = tflite.parse(data, "variables")
    samples = frames(model)
    right = expected(data, samples)
    assert len(np.unique(right)) > 1
    for after, graph in stages(model, M4):
        (made,) = interpret(graph, samples)
        np.testing.assert_array_equal(made.reshape(COUNT, -1), right, err_msg=f"after pass {after}")
    place(graph).verify(graph)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_code_equals_the_wheel(name: str) -> None:
    """A reset leaves zero points also where CALL_ONCE gave start values: it is not called again."""
    data = CASES[name]()
    model = tflite.parse(data, "variables")
    samples = frames(model)
    for resets in ((RESET,), (0,), ()):
        with HostModel(model) as host:
            made = []
            for number, sample in enumerate(samples):
                if number in resets:
                    host.reset()
                made.append(host.run(sample[None])[0][0])
        np.testing.assert_array_equal(np.stack(made), expected(data, samples, resets))


def test_a_state_lies_in_bytes_of_its_own() -> None:
    graph = compiled(tflite.parse(exchanged(), "chain"), M4)
    plan = place(graph)
    spans = sorted((plan.values[s.before], graph.values[s.before].size_bytes) for s in graph.states)
    assert len(spans) == 3
    assert all(at + size <= after for (at, size), (after, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("first", [True, False])
def test_appending_a_row_costs_one_move(*, first: bool) -> None:
    """The rows are part of what they are joined to, the new one is made behind them."""
    model = Written(1, 1, 4)
    handle = model.handle("rows")
    rows, row = model.read(handle, 1, 4, 4), model.add(0, 0)
    whole = model.concatenation(model.slice(rows, 1, 4) if first else rows, row)
    made = model.add(whole, whole)
    model.assign(handle, whole if first else model.slice(whole, 1, 5))
    graph = compiled(tflite.parse(model.file(made), "appended"), M4)
    forms = [node.form for node in graph.nodes if node.form]
    assert sorted(form.kernel for form in forms if form.kernel) == ["add_dsp", "add_dsp", "move"]
    state = 16 if first else 20
    assert place(graph).arena_bytes <= 4 + state + 20 + 15  # input, state and its new row, output; rounded


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a chain of variables", "start values"])
def test_the_code_equals_the_wheel_on_the_core(name: str, tmp_path: Path) -> None:
    data = CASES[name]()
    model = tflite.parse(data, "variables")
    samples = frames(model)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    made = np.stack([machine.infer(sample) for sample in samples])
    np.testing.assert_array_equal(made, expected(data, samples))


@pytest.mark.slow
def test_the_firmware_starts_anew_before_the_window_and_goes_on_in_it(tmp_path: Path) -> None:
    model = Written(1, 3)
    handle = model.handle("total")
    total = model.add(model.read(handle, 1, 3), 0)
    model.assign(handle, total)
    for tensor in model.tensors:
        tensor.scale, tensor.zero = (1.0, 0) if tensor.dtype == "int8" else (None, 0)
    (tmp_path / "sum.tflite").write_bytes(model.file(total))
    image = api.build("host", model=tmp_path / "sum.tflite")
    commands = b"db load 3%db 010203%infer 1 0%infer 1 4%infer 3 1%"
    done = subprocess.run([image.path], input=commands, capture_output=True, timeout=20, check=False)
    results = [line for line in done.stdout.decode().splitlines() if line.startswith("m-results")]
    assert results == [f"m-results-[{n}.000,{2 * n}.000,{3 * n}.000]" for n in (1, 1, 3)]


def refused(model: Written, *outputs: int) -> str:
    with pytest.raises(ModelError) as error:
        compiled(tflite.parse(model.file(*outputs), "refused"), M4)
    return error.value.seen


def test_a_variable_that_is_never_assigned_is_refused() -> None:
    model = Written(1, 4)
    made = model.add(model.read(model.handle("a"), 1, 4), 0)
    assert "op 1 READ_VARIABLE: 'a' is not; rule: A variable that is read is assigned somewhere" in refused(model, made)


def test_a_value_of_another_size_is_refused() -> None:
    model = Written(1, 4)
    handle = model.handle("a")
    model.assign(handle, 0)
    made = model.read(handle, 1, 5)
    assert "READ_VARIABLE: int8 [1, 5], the first one assigned is int8 [1, 4]" in refused(model, model.add(made, made))


def test_a_subgraph_that_cannot_be_computed_is_refused() -> None:
    model = Written(1, 4)
    model.start("a", np.zeros((1, 4), np.int8))
    model.first.append(O("SEGMENT_SUM", [1, 1], [len(model.constants)]))
    model.constants.append(T((1, 4), SCALE, ZERO))
    assert "op 0 CALL_ONCE: of subgraph 1: op 3 SEGMENT_SUM is not supported" in refused(model, model.add(0, 0))


def test_a_subgraph_that_calls_itself_is_refused() -> None:
    model = Written(1, 4)
    model.first.append(O("CALL_ONCE", [], [], {"initSubgraphIndex": 1}))
    assert "of subgraph 1: op 0 CALL_ONCE: of subgraph 1: it calls itself" in refused(model, model.add(0, 0))


def test_a_call_of_no_subgraph_is_damage() -> None:
    model = Written(1, 4)
    model.ops.append(O("CALL_ONCE", [], [], {"initSubgraphIndex": 7}))
    with pytest.raises(ModelError, match=r"CALL_ONCE, field builtin_options\.init_subgraph_index: 7 of 1 subgraphs"):
        tflite.parse(model.file(model.add(0, 0)), "damaged")
