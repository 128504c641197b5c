"""Every form of every kernel, forced on random layers: against the tflite-micro wheel, in host C or on the core.

A layer is a .tflite of one operator, so the wheel says what it computes. Each is given one form that its numbers
license, whatever `choose` would take, and many stand side by side in one image: compiling is what costs. Inputs are
consumed and the arena is full of junk, so forms that write over their input do so, and none rests on zeros.

    python -m tests.forced cortex-m4 5000 [SEED] [WORD...]     forms whose name has one of the words
    python -m tests.forced host 1000                           sanitized where libasan.so is in LD_PRELOAD
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests import graphs, m4
from tests.floats import assert_near
from tests.layers import FAMILIES
from tests.portable import FLAGS, SANITIZED, uncut
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form, Graph, Node, Origin, State
from tinyperf.engines.aot.host import compiler
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.operators.slice import Part
from tinyperf.engines.aot.passes import stages
from tinyperf.engines.aot.passes._path import Choice, can_lie, cheapest_path, fitting_forms
from tinyperf.engines.aot.passes.choose import _choices, _with_forms
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.keep import keep
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from tinyperf.cores import Core
    from tinyperf.engines.aot.graph import Value
    from tinyperf.engines.aot.plan import Plan
    from tinyperf.tflite import Tensor

    Data = npt.NDArray[Any]

ROWS = 4
"""Inferences of a layer."""

UNTOLD = "CUSTOM TFLite_Detection_PostProcess"
"""Behind the last detection TFLM leaves what its memory held."""

MOST_FORMS = 2
"""That one layer is drawn for."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A file of one operator, its graph before any form was chosen, samples [n, ...shape] of its inputs, and how far
    outputs may be from the wheel's.
    """

    file: bytes
    graph: Graph
    samples: tuple[Data, ...]
    ulps: int = 0
    least: float = 0.0

    def expected(self) -> list[Data]:
        """Of the wheel, an array [n, ...shape] for each output."""
        rows = [list(row) for row in zip(*self.samples, strict=True)]
        made = graphs.wheel_all(self.file, rows, outputs=len(self.graph.outputs))
        return [np.stack(output) for output in zip(*made, strict=True)]


@dataclass(frozen=True)
class Forced:
    """A layer whose node `position` has `form`. `name`: what forms that are counted together are called."""

    layer: Layer
    position: int
    form: Form
    name: str


def layer(file: bytes, samples: tuple[Data, ...], ulps: int = 0, least: float = 0.0) -> Layer:
    graph = dict(stages(uncut(tflite.parse(file, "layer")), Target(cores.load("host")), channels=False))["defer"]
    return Layer(file, graph, samples, ulps, least)


def rows_of(random: Random, tensor: Tensor, limits: tuple[int, int] | None = None) -> Data:
    """Noise, and of codes the lowest, both ends, and noise with many ends."""
    shape = tensor.shape
    if limits is not None:
        return random.generator.integers(*limits, (ROWS, *shape), tensor.dtype, endpoint=True)
    made = random.codes(ROWS, *shape, dtype=tensor.dtype)
    if tensor.dtype in {"int8", "uint8", "int16"}:
        codes = np.iinfo(tensor.dtype)
        made[1], made[2] = codes.min, random.generator.choice(np.array([codes.min, codes.max], tensor.dtype), shape)
    return made


@cache
def operators() -> tuple[tuple[str, int], ...]:
    """Every operator with each combination of types that a sampler draws."""
    known = all_operators().items()
    drawn_from = [(kind, o) for kind, o in known if kind != UNTOLD]
    return tuple((kind, i) for kind, o in drawn_from for i, typed in enumerate(o.types) if typed.sample or o.sample)


def sampled(seed: int, kind: str, types: int) -> Layer:
    """A use of an operator, of one combination of its types."""
    operator = all_operators()[kind]
    typed = operator.types[types]
    random = Random(seed, typed.given[0], typed.result)
    sample = typed.sample or operator.sample
    assert sample is not None
    use = sample(random)
    ends = [i for i in dict.fromkeys(use.inputs) if i >= 0]
    ends = [i for i in ends if use.tensors[i].data is None and not use.tensors[i].variable]
    samples = tuple(rows_of(random, use.tensors[i], use.limits.get(i)) for i in ends)
    return layer(graphs.sampled(use), samples, typed.ulps, typed.least)


def drawn(seed: int, family: str) -> Layer:
    """A layer of a family of tests/layers.py."""
    random = Random(seed)
    file = FAMILIES[family](random)
    model = tflite.parse(file, family)
    return layer(file, tuple(rows_of(random, model.tensors[i]) for i in model.inputs))


def forms_of(given: Layer, core: Core) -> Iterator[Forced]:
    """Every form of every kernel that fits, node by node."""
    ended = with_ends(given.graph)
    for position, node in enumerate(given.graph.nodes):
        if position in {i for i, n in enumerate(ended.nodes) if n.work.shared and not isinstance(n.work, Part)}:
            continue
        fitting = [form for form in fitting_forms(node, core)[0] if can_lie(ended, node, form)]
        whole = {form.kernel: max(f.block for f in fitting if f.kernel == form.kernel) for form in fitting}
        for form in fitting:
            yield Forced(given, position, form, _name(form, whole[form.kernel]))


def _name(form: Form, whole: int) -> str:
    layouts = [*form.inputs, *form.outputs]
    planes = f" {form.inputs[0]} to {form.outputs[0]}" if set(layouts) - {NHWC} else ""
    return form.kernel + planes + (" in blocks" if form.block < whole else "")


def with_ends(graph: Graph) -> Graph:
    """`graph` with a copy behind every output that a node makes: a reader of whatever layout it was made in."""
    values, nodes, outputs = dict(graph.values), list(graph.nodes), []
    for i in graph.outputs:
        if i not in graph.producers or i in {state.after for state in graph.states}:
            outputs.append(i)
            continue
        end = max(values) + 1
        values[end] = replace(values[i], id=end)
        part = Part(values[i].elements, 0, values[i].elements, values[i].dtype)
        nodes.append(Node(part, (i,), (end,), (Origin(0, "END"),)))
        outputs.append(end)
    return replace(graph, values=values, nodes=tuple(nodes), outputs=tuple(outputs))


def force(forced: Forced, core: Core) -> Graph:
    """The layer's graph with the form, every other node with its cheapest one."""
    graph = with_ends(forced.layer.graph)
    choices = _choices(graph, core)
    choices[forced.position] = Choice((forced.form,), ())
    way = cheapest_path(graph, choices, core)
    assert way is not None
    made = _with_forms(graph, choices, way.forms, core)
    made.verify(forced.name)
    return made


def beside(parts: list[Graph]) -> Graph:
    """One graph of all inputs and outputs."""
    values: dict[int, Value] = {}
    nodes: list[Node] = []
    inputs: list[int] = []
    outputs: list[int] = []
    states: list[State] = []
    for number, part in enumerate(parts):
        first = len(values)
        ids = {i: first + k for k, i in enumerate(part.values)}
        values |= {ids[i]: replace(value, id=ids[i]) for i, value in part.values.items()}
        for node in part.nodes:
            origin = tuple(replace(one, index=number) for one in node.origin)
            given, made = (tuple(ids[i] for i in side) for side in (node.inputs, node.outputs))
            nodes.append(replace(node, inputs=given, outputs=made, origin=origin))
        inputs += [ids[i] for i in part.inputs]
        outputs += [ids[i] for i in part.outputs]
        states += [replace(state, before=ids[state.before], after=ids[state.after]) for state in part.states]
    return Graph("layers", values, tuple(nodes), tuple(inputs), tuple(outputs), tuple(states))


@dataclass(frozen=True, eq=False)
class Image:
    """Layers side by side, as C."""

    graph: Graph
    plan: Plan
    sources: Mapping[str, str]


def image(forced: list[Forced], core: Core, apart_bytes: int = 0) -> Image:
    """apart_bytes: how far behind the rest of the arena all scratch starts; 0: where the plan has it."""
    target = Target(core)
    graph = keep(beside([force(one, core) for one in forced]), target)
    plan = place(graph, keeps_input=False)
    if apart_bytes and plan.scratch:
        most = max((graph.nodes[i].form or Form()).scratch_bytes for i in plan.scratch)
        start = plan.arena_bytes + apart_bytes
        plan = replace(plan, scratch=dict.fromkeys(plan.scratch, start), arena_bytes=start + most)
    return Image(graph, plan, emit(described(graph), graph, plan, target).sources)


def described(graph: Graph) -> tflite.Model:
    """A model of the graph's inputs and outputs, for names and sizes."""
    tensors = tuple(tflite.Tensor(i, v.name, v.shape, v.dtype, None) for i, v in graph.values.items())
    return tflite.Model("layers", "0" * 64, 0, tensors, (), graph.inputs, graph.outputs)


def on_the_core(made: Image, samples: list[Data], folder: Path) -> list[list[Data]]:
    """Outputs of every inference, flat. Junk stands in the arena before each, where no variable does."""
    machine = m4.Machine(m4.build(made, folder), described(made.graph))
    draw = np.random.default_rng(0)
    rows = []
    for row in range(ROWS):
        if not made.graph.states:
            machine.write(m4.RAM, draw.bytes(made.plan.arena_bytes))
        machine.infer(*(sample[row] for sample in samples), kept=False)
        rows.append([machine.output(i) for i in range(len(made.graph.outputs))])
    return rows


def on_the_host(made: Image, samples: list[Data], folder: Path) -> list[list[Data]]:
    """The same in this process; sanitized where the sanitizer was loaded into it."""
    m4.write_sources(made, folder)
    sanitized = SANITIZED if "asan" in os.environ.get("LD_PRELOAD", "") else ()
    argv = [*compiler(), *FLAGS, *sanitized, "-shared", f"-I{m4.APP}", "model.c", "-o", "layers.so"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    library = ctypes.CDLL(str(folder / "layers.so"))
    library.tp_model_input.restype = library.tp_model_output.restype = ctypes.c_void_p
    library.tp_model_init()
    values, rows = made.graph.values, []
    for row in range(ROWS):
        for i, sample in enumerate(samples):
            given = np.ascontiguousarray(sample[row])
            ctypes.memmove(library.tp_model_input(i), given.ctypes.data, given.nbytes)
        library.tp_model_invoke()
        outputs = [np.empty(values[i].elements, values[i].dtype) for i in made.graph.outputs]
        for i, output in enumerate(outputs):
            ctypes.memmove(output.ctypes.data, library.tp_model_output(i), output.nbytes)
        rows.append(outputs)
    return rows


def compare(forced: list[Forced], core: Core, folder: Path, apart_bytes: int = 0) -> None:
    """The wheel's outputs, the interpreter's and those of the code are the same.

    Raises: AssertionError: they are not; the form and the layer are named.
    """
    samples = [sample for one in forced for sample in one.layer.samples]
    run = on_the_host if core.architecture == "host" else on_the_core
    rows = run(image(forced, core, apart_bytes), samples, folder)
    at = 0
    for number, one in enumerate(forced):
        what = f"layer {number}, {one.name}: {one.form}"
        meant = interpret(one.layer.graph, *one.layer.samples)
        for expected, told in zip(one.layer.expected(), meant, strict=True):
            made = np.stack([row[at] for row in rows])
            wheel = expected.reshape(made.shape)
            assert_near(told.reshape(made.shape), wheel, one.layer.ulps, one.layer.least, f"{what}, interpreted")
            assert_near(made, wheel, one.layer.ulps, one.layer.least, what)
            at += 1


class Campaign:
    """Layers drawn in turn from every source, each with the form that was forced least so far."""

    def __init__(self, core: Core, seed: int, words: tuple[str, ...] = ()) -> None:
        self.core, self.words = core.resident(), words  # what is for weights in RAM reads them from flash as well
        self.forced: Counter[str] = Counter()
        self._turn = 1_000_000 * seed
        floats = core.architecture == "host"
        self._operators = [one for one in operators() if floats or not _of_floats(*one)]

    def take(self, count: int) -> list[Forced]:
        taken: list[Forced] = []
        while len(taken) < count:
            forms = [f for f in forms_of(self._layer(), self.core) if not self.words or _has(f.name, self.words)]
            draw = np.random.default_rng(self._turn)
            for _ in range(min(len(forms), MOST_FORMS)):
                one = min(forms, key=lambda form: (self.forced[form.name], draw.random()))
                forms.remove(one)
                self.forced[one.name] += 1
                taken.append(one)
        return taken[:count]

    def _layer(self) -> Layer:
        """Of a family, of which the core has more kernels, or of any operator."""
        self._turn += 1
        if self._turn % (5 if self.core.architecture != "host" else 2):
            return drawn(self._turn, list(FAMILIES)[self._turn % len(FAMILIES)])
        return sampled(self._turn, *self._operators[self._turn % len(self._operators)])


def _of_floats(kind: str, types: int) -> bool:
    typed = all_operators()[kind].types[types]
    return "float32" in (*typed.given, *typed.made)


def _has(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def main(core: str, count: int, seed: int, *words: str) -> int:
    campaign, failed, done = Campaign(cores.load(core), seed, words), 0, 0
    while done < count:
        taken = campaign.take(min(60, count - done))
        done += len(taken)
        failed += _failures(taken, campaign.core, done // 60 % 4 * 4)
        sys.stdout.write(f"{done} layers, {failed} differ\n")
        sys.stdout.flush()
    for name, times in sorted(campaign.forced.items()):
        sys.stdout.write(f"{times:6} {name}\n")
    return int(failed > 0)


def _failures(taken: list[Forced], core: Core, apart_bytes: int) -> int:
    """Layers that differ; each is kept. Scratch starts at every word in turn."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            compare(taken, core, Path(folder), apart_bytes)
        except AssertionError as exc:
            if len(taken) > 1:
                half = len(taken) // 2
                return _failures(taken[:half], core, apart_bytes) + _failures(taken[half:], core, apart_bytes)
            (one,) = taken
            kept = Path(tempfile.mkdtemp(prefix="forced_")) / "layer.tflite"
            kept.write_bytes(one.layer.file)
            sys.stdout.write(f"{kept}: {exc}\n")
            return 1
    return 0


if __name__ == "__main__":
    _, asked_core, asked_count, *rest = sys.argv
    raise SystemExit(main(asked_core, int(asked_count), int(rest[0]) if rest else 0, *rest[1:]))
