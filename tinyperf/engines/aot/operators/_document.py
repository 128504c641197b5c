"""docs/supported_operators.md, from the rules that the compiler checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import ANY, all_operators
from tinyperf.engines.aot.operators._rules import COMMON, sentence

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Arity


def document() -> str:
    """The page as Markdown."""
    lines = [
        "# Operators that engine `aot` compiles",
        "",
        "Written by `scripts/test --update-golden` from the rules that the compiler checks; do not edit.",
        "Outputs equal TensorFlow Lite Micro's int8 reference kernels bit for bit, in the version of the Python",
        "package `tflite-micro` 0.dev20261023182759. The tree that engine `tflm` builds (90b983c) is older and forms",
        "the product of FULLY_CONNECTED's scales in float32: at about one sum in 2^18 its output differs by one.",
        "",
        "Every operator:",
        *(f"- {sentence(rule)}" for rule in COMMON),
        "",
        "| operator | inputs | rules |",
        "| --- | --- | --- |",
    ]
    for kind, operator in sorted(all_operators().items()):
        rules = "<br>".join(sentence(rule) for rule in operator.rules)
        lines.append(f"| {kind} | {_count(operator.arity)} | {rules} |")
    lines += [
        "",
        "Besides: QUANTIZE from float32 at the model's input and DEQUANTIZE to float32 at its output are cut off",
        "(the host does their work, the firmware is int8 in and out). A RELU6 that stands alone clamps to the",
        "*input's* codes and ignores the output's scale, as TFLM's kernel does; the build warns where the two differ.",
        "",
    ]
    return "\n".join(lines)


def _count(arity: Arity) -> str:
    if arity.least == arity.most:
        return str(arity.least)
    return f"{arity.least} or more" if arity.most == ANY else f"{arity.least} to {arity.most}"
