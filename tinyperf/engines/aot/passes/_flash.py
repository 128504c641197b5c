"""What a plan takes of a chip's flash, and what a byte of it is worth in cycles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.kernels import Place, by_name
from tinyperf.engines.aot.passes.emit import weights_bytes
from tinyperf.engines.aot.passes.place import supposed

if TYPE_CHECKING:
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Form, Graph, Node
    from tinyperf.engines.aot.passes._path import Choice

# Fitted on images of eight models on the NUCLEO-L4R5ZI (3 to 30 layers, 10 to 31 kB of code), each within 24 %.
APPLICATION_BYTES = 8500
LAYER_BYTES = 720
CODE_ERROR = 0.24

MOST_CYCLES = 1000.0
"""Of a byte where flash counts most: transformed weights go, but no portable kernel is taken to spare the padding."""

CYCLES_PER_BYTE = (0.0, 4.0, 16.0, 64.0, 250.0, MOST_CYCLES)
"""Where something else counts most: dearer and dearer, until the plan fits the flash."""


def prices(target: Target) -> tuple[float, ...]:
    """What a byte of constants is worth in cycles, in the order in which they are tried."""
    if target.optimize == "flash":
        return (MOST_CYCLES,)
    return CYCLES_PER_BYTE if target.flash_bytes is not None else CYCLES_PER_BYTE[:1]


def code_bytes(graph: Graph) -> int:
    """An estimate of everything in flash that is not weights."""
    return APPLICATION_BYTES + LAYER_BYTES * sum(bool(node.form and node.form.kernel) for node in graph.nodes)


def flash_bytes(graph: Graph) -> int:
    """The constants, beside code that is as large as the estimate's error allows."""
    return weights_bytes(graph, supposed(graph)) + round((1 + CODE_ERROR) * code_bytes(graph))


def priced(graph: Graph, choices: list[Choice], cycles_per_byte: float) -> list[Choice]:
    """`choices` with what the constants of each form are worth."""
    if not cycles_per_byte:
        return choices
    return [_priced(node, choice, cycles_per_byte) for node, choice in zip(graph.nodes, choices, strict=True)]


def _priced(node: Node, choice: Choice, cycles_per_byte: float) -> Choice:
    if len(choice.forms) == 1:
        return choice
    sizes: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int] = {}  # blocks are cut from the same constants
    worth = []
    for form in choice.forms:
        key = (form.kernel, form.inputs, form.outputs)
        if key not in sizes:
            sizes[key] = _constant_bytes(node, form)
        worth.append(cycles_per_byte * sizes[key])
    return replace(choice, worth=tuple(worth))


def _constant_bytes(node: Node, form: Form) -> int:
    """Bytes of the arrays that the node's kernel wants in this form."""
    kernel = by_name()[form.kernel]
    anywhere = Place("layer", ("in",) * len(node.inputs), ("out",) * len(node.outputs), "scratch", form)
    return sum(array.values.nbytes for array in kernel.emit(node.work, anywhere).arrays)
