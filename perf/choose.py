"""Is what engine `aot` chooses the best there is, and does it cost what was planned? python perf/choose.py [words]

On the core and memories of the virtual NUCLEO-L4R5ZI at 120 MHz, or of another chip (--chip). Of each network so many
plans are compiled that every form of every layer is measured once, behind the layer before it, that is predicted at up
to --worth times the cheapest; layers of one shape that are predicted alike are measured for each other. A plan then
takes what its layers took. `best`: the fastest of ALL plans, by these cycles (forms in all layouts, with what lies
between them); of the larger networks also the fastest of 100 seeded ones. The chosen plan and the best are measured
whole.

Exit 1 where the chosen plan takes over 2 % more than the best, the prediction of a layer that takes over 1 % of the
whole is over 5 % off, or that of the whole is. --small: six networks of at most five layers, alone. Words select.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from perf import bare  # noqa: E402  (a script's own folder is not its package's)
from tests import graphs  # noqa: E402  (likewise)
from tinyperf import chip as chips  # noqa: E402  (likewise)
from tinyperf import tflite  # noqa: E402  (likewise)
from tinyperf.engines import Target  # noqa: E402  (likewise)
from tinyperf.engines.aot import generated_for, space_for  # noqa: E402  (likewise)
from tinyperf.engines.aot.passes.tune import Costs, Key, key, measured_costs  # noqa: E402  (likewise)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinyperf.engines import Generated
    from tinyperf.engines.aot.graph import Form, Graph
    from tinyperf.engines.aot.passes.tune import Space

APP = ROOT / "firmware_templates" / "app"
Place = tuple[int, Key]
"""A node, and a form of it."""
Alike = tuple[str, tuple[tuple[int, ...], ...], Key, float, int]
SEEDED, CHANGED = 100, 0.3
"""Random plans of a large network, and the share of the best one's nodes that have another form in each."""
HEAD = (
    f"{'network':10} {'plans':>9} {'built':>5} {'chosen':>10} {'best':>10} {'over':>6} {'seeded':>10} {'off':>6}"
    "  layers that are off"
)
MOST_OVER, MOST_OFF, LARGE = 0.02, 0.05, 0.01


class Step(NamedTuple):
    """A layer of a small network: operator, outputs, kernel, stride."""

    kind: str
    made: int = 0
    kernel: int = 1
    stride: int = 1


DOWN = Step("dw", kernel=3, stride=2)
SMALL: dict[str, tuple[tuple[int, int, int], tuple[Step, ...]]] = {
    "separable": ((12, 10, 16), (Step("dw", kernel=3), Step("conv", 32), Step("dw", kernel=3), Step("conv", 16))),
    "first": (
        (24, 20, 1),
        (Step("conv", 16, 5, 2), Step("dw", kernel=3), Step("conv", 24), Step("pool"), Step("fc", 4)),
    ),
    "threes": ((12, 12, 8), (Step("conv", 16, 3), Step("conv", 16, 3), Step("conv", 8, 3, 2))),
    "shrinking": (
        (16, 16, 8),
        (DOWN, Step("conv", 32), DOWN, Step("conv", 32)),
    ),
    "dense": ((1, 1, 256), (Step("fc", 64), Step("fc", 64), Step("fc", 16), Step("fc", 64))),
    "pointwise": ((10, 9, 24), (Step("conv", 48), Step("conv", 24), Step("pool"), Step("fc", 10), Step("softmax"))),
}
LARGE_ONES = ("kws", "ad", "ic", "vww")


@dataclass
class Network:
    """A small int8 network being written. `shape`: of the last tensor, [height, width, channels]."""

    shape: tuple[int, int, int]
    draw: np.random.Generator
    tensors: list[graphs.T] = field(default_factory=list)
    ops: list[graphs.O] = field(default_factory=list)

    def file(self, steps: Sequence[Step]) -> bytes:
        self.tensors.append(graphs.T((1, *self.shape), 0.05, -128))
        for step in steps:
            {"conv": self.window, "dw": self.window, "fc": self.dense, "pool": self.pool, "softmax": self.softmax}[
                step.kind
            ](step)
        return graphs.build(self.tensors, self.ops, [0], [len(self.tensors) - 1])

    def window(self, step: Step) -> None:
        height, width, given = self.shape
        made = step.made or given
        depthwise = step.kind == "dw"
        weights = (1, step.kernel, step.kernel, made) if depthwise else (made, step.kernel, step.kernel, given)
        self.shape = (-(-height // step.stride), -(-width // step.stride), made)
        options = {"padding": 0, "strideH": step.stride, "strideW": step.stride, "fusedActivationFunction": 1}
        options |= {"dilationHFactor": 1, "dilationWFactor": 1} | ({"depthMultiplier": 1} if depthwise else {})
        self.weighted("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", weights, 3 if depthwise else 0, options)

    def dense(self, step: Step) -> None:
        given = int(np.prod(self.shape))
        self.shape = (1, 1, step.made)
        self.weighted("FULLY_CONNECTED", (step.made, given), None, {"fusedActivationFunction": 1})

    def weighted(self, kind: str, shape: tuple[int, ...], axis: int | None, options: dict[str, int]) -> None:
        last, n = len(self.tensors) - 1, self.shape[-1]
        scales: float | list[float] = 0.004 if axis is None else [float(x) for x in self.draw.uniform(0.002, 0.008, n)]
        biases = 0.05 * 0.004 if isinstance(scales, float) else [0.05 * scale for scale in scales]
        taps = int(np.prod(shape)) // n
        self.tensors += [
            graphs.constant(self.draw.integers(-127, 128, shape).astype(np.int8), scales, axis or 0),
            graphs.constant(self.draw.integers(-3000, 3000, n).astype(np.int32), biases),
            graphs.T((1, *self.shape) if axis is not None else (1, n), 0.003 * float(np.sqrt(taps)), -128),
        ]
        self.ops.append(graphs.O(kind, [last, last + 1, last + 2], [last + 3], options))

    def pool(self, _step: Step) -> None:
        height, width, channels = self.shape
        last, self.shape = self.tensors[-1], (1, 1, channels)
        self.tensors.append(graphs.T((1, *self.shape), last.scale, last.zero))
        options = {"padding": 1, "filterHeight": height, "filterWidth": width, "strideH": height, "strideW": width}
        self.ops.append(graphs.O("AVERAGE_POOL_2D", [len(self.tensors) - 2], [len(self.tensors) - 1], options))

    def softmax(self, _step: Step) -> None:
        self.tensors.append(graphs.T(self.tensors[-1].shape, 1 / 256, -128))
        self.ops.append(graphs.O("SOFTMAX", [len(self.tensors) - 2], [len(self.tensors) - 1], {"beta": 1.0}))


def networks() -> dict[str, tflite.Model]:
    """The six small ones, written here; the four that are shipped."""
    found: dict[str, tflite.Model] = {}
    for name, (shape, steps) in SMALL.items():
        found[name] = tflite.parse(Network(shape, np.random.default_rng(len(found))).file(steps), name)
    return found | {name: tflite.load(ROOT / "models" / f"{name}.tflite") for name in LARGE_ONES}


@dataclass(frozen=True)
class Layer:
    """Of the chosen plan."""

    name: str
    kernel: str
    predicted: float
    measured: float

    @property
    def off(self) -> float:
        return self.predicted / self.measured - 1


@dataclass(frozen=True)
class Verdict:
    """One network. Cycles; `seeded`: the fastest of the random plans, by its measured layers; None where none were;
    `whole`: of some of them what was summed so, and what the plan took when it was compiled and run itself.
    """

    plans: int
    built: int
    layers: tuple[Layer, ...]
    chosen: float
    best: float
    seeded: float | None
    whole: tuple[tuple[float, float], ...] = ()

    @property
    def over(self) -> float:
        """What the chosen plan takes more than the best one; 0: it is the best."""
        others = [self.best, self.seeded or self.best, *(taken for _, taken in self.whole)]
        return max(self.chosen / min(others) - 1, 0.0)

    @property
    def off(self) -> float:
        return sum(layer.predicted for layer in self.layers) / self.chosen - 1

    @property
    def misses(self) -> list[Layer]:
        return [layer for layer in self.layers if layer.measured > LARGE * self.chosen and abs(layer.off) > MOST_OFF]

    @property
    def good(self) -> bool:
        return self.over <= MOST_OVER and abs(self.off) <= MOST_OFF and not self.misses


def target(chip: str) -> Target:
    return Target(chips.load(chip).core, "time")


def measured(
    model: tflite.Model, space: Space, forms: Sequence[Form], chip: str, only: frozenset[Place] | None = None
) -> tuple[Costs, tuple[Layer, ...]]:
    """A plan, compiled and run: what its forms took, and all of its nodes. only: these alone, and the layer before
    each, which leaves the caches as the whole inference does.
    """
    made, graph = generated_for(model, target(chip), space, forms)
    wanted = None if only is None else called(space, graph, made, only)
    with tempfile.TemporaryDirectory() as folder:
        taken = bare.layers(made, APP, Path(folder), chip, wanted)
    costs = measured_costs(space, graph, [layer.cycles for layer in taken])
    found = [layer for layer in taken if layer.symbol]
    layers = tuple(Layer(f"{x.index} {x.op}", x.kernel, x.predicted_cycles or 0, x.cycles) for x in found)
    return {place: cycles for place, cycles in costs.items() if only is None or place in only}, layers


def called(space: Space, graph: Graph, made: Generated, only: frozenset[Place]) -> set[str]:
    """Symbols of the layers that stand at these places, and of the one before each; the last is before the first."""
    number = {node.outputs: k for k, node in enumerate(space.graph.nodes)}
    symbols = [layer.symbol for layer in made.layers]
    ordered = [symbol for symbol in symbols if symbol]
    found = set()
    for node, symbol in zip(graph.nodes, symbols, strict=True):
        if symbol and node.form and (number.get(node.outputs, -1), key(node.form)) in only:
            found |= {symbol, ordered[ordered.index(symbol) - 1]}
    return found


def alike(space: Space, node: int, form: Form) -> Alike:
    """What forms have in common that take the same cycles: shapes, layouts, and whatever the prediction counts."""
    graph = space.graph
    ends = (*graph.nodes[node].inputs, *graph.nodes[node].outputs)
    shapes = tuple(graph.values[i].shape for i in ends)
    return type(graph.nodes[node].work).__name__, shapes, key(form), form.cycles, form.scratch_bytes


def rounds(space: Space, worth: float, known: set[Alike]) -> Iterator[tuple[list[Form], frozenset[Place]]]:
    """Plans in which each form stands once that may be worth it and is like no known one; and where in each they do."""
    tried = space.tried(worth)
    while True:
        plan, new = [], set()
        for k, forms in enumerate(tried):
            forms[:] = [form for form in forms if alike(space, k, form) not in known]
            plan.append(forms[0] if forms else space.choices[k].forms[0])
            if forms:
                new.add((k, key(forms[0])))
                known.add(alike(space, k, forms[0]))
        if not new:
            return
        yield plan, frozenset(new)


def measured_forms(model: tflite.Model, space: Space, first: Costs, worth: float, chip: str) -> tuple[Costs, int]:
    """What every form takes that may be worth it, beside what those of the `first` plan took; and the plans built."""
    everything = {(k, key(f)): alike(space, k, f) for k, choice in enumerate(space.choices) for f in choice.forms}
    taken = {everything[place]: cycles for place, cycles in first.items()}
    built = 0
    for plan, new in rounds(space, worth, set(taken)):
        costs, _ = measured(model, space, plan, chip, new)
        taken |= {everything[place]: cycles for place, cycles in costs.items()}
        built += 1
    return {place: taken[one] for place, one in everything.items() if one in taken} | first, built


def total(layers: Sequence[Layer]) -> float:
    return sum(layer.measured for layer in layers)


def judge(model: tflite.Model, chip: str, *, worth: float, seeded: int, whole: int) -> Verdict:
    space = space_for(model, target(chip))
    first = space.best({})
    own, layers = measured(model, space, first, chip)
    costs, others = measured_forms(model, space, own, worth, chip)
    best = space.best(costs)
    same = [key(form) for form in best] == [key(form) for form in first]
    fastest = total(layers) if same else total(measured(model, space, best, chip)[1])
    draw = random.Random(1)
    plans = [_changed(space, costs, best, draw) for _ in range(seeded)]
    sums = [sum(costs.get((k, key(form)), form.cycles) for k, form in enumerate(plan)) for plan in plans]
    run = tuple((x, total(measured(model, space, plan, chip)[1])) for x, plan in zip(sums[:whole], plans, strict=False))
    built = 1 + others + (not same) + len(run)
    return Verdict(space.plans, built, layers, total(layers), fastest, min(sums, default=None), run)


def _changed(space: Space, costs: Costs, best: Sequence[Form], draw: random.Random) -> list[Form]:
    """Another plan: some nodes in another form that was measured, in the same layouts, so that no node lies between."""
    plan = []
    for k, (form, choice) in enumerate(zip(best, space.choices, strict=True)):
        known = [
            f for f in choice.forms if (f.inputs, f.outputs) == (form.inputs, form.outputs) and (k, key(f)) in costs
        ]
        plan.append(draw.choice(known) if known and draw.random() < CHANGED else form)
    return plan


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only networks of these names")
    parser.add_argument("--small", action="store_true", help="only those of at most five layers")
    parser.add_argument("--worth", type=float, default=1.6, help="times the cheapest form, predicted: what is tried")
    parser.add_argument("--whole", type=int, default=0, help="of the seeded plans, so many are compiled and run")
    parser.add_argument("--chip", choices=sorted(bare.SETTINGS), default=bare.CHIP, help="whose core and memories")
    given = parser.parse_args()
    print(HEAD)
    good = True
    for name, model in networks().items():
        if (given.words and name not in given.words) or (given.small and name not in SMALL):
            continue
        found = judge(model, given.chip, worth=given.worth, seeded=0 if name in SMALL else SEEDED, whole=given.whole)
        good &= found.good
        seeded = "-" if found.seeded is None else f"{found.seeded:,.0f}"
        off = "; ".join(f"{x.name} {x.kernel} {100 * x.off:+.1f} % of {x.measured:,.0f}" for x in found.misses)
        print(
            f"{name:10} {found.plans:9.2g} {found.built:5} {found.chosen:10,.0f} {found.best:10,.0f}"
            f" {100 * found.over:5.2f}% {seeded:>10} {100 * found.off:+5.1f}%  {off or 'none'}",
            flush=True,
        )
        if found.whole:
            taken = [cycles for _, cycles in found.whole]
            most = max(abs(summed / cycles - 1) for summed, cycles in found.whole)
            print(
                f"{'':10} {len(taken)} seeded plans run whole: {min(taken):,.0f} to {max(taken):,.0f} cycles,"
                f" at most {100 * most:.2f} % off their sums",
                flush=True,
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
