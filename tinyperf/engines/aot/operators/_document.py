"""docs/supported_operators.md, from the rules that the compiler checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import ANY, all_operators
from tinyperf.engines.aot.operators._missing import KNOWN
from tinyperf.engines.aot.operators._rules import COMMON, codes_have_scales, sentence, types_are_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.engines.aot.operators import Arity, Operator, Typed


def document() -> str:
    """The page as Markdown."""
    lines = [
        "# Operators that engine `aot` compiles",
        "",
        "Written by `scripts/test --update-golden` from the rules that the compiler checks; do not edit.",
        "Outputs equal TensorFlow Lite Micro's reference kernels bit for bit, in the version of the Python",
        "package `tflite-micro` 0.dev20261023182759. The tree that engine `tflm` builds (90b983c) is older and forms",
        "the product of FULLY_CONNECTED's scales in float32: at about one sum in 2^18 its output differs by one.",
        "",
        "Floats equal them bit for bit too, infinities, NaN and subnormal numbers included: products are summed one",
        "by one in the same order, nothing is fused. Where TFLM calls the C library (exponential, logarithm, sine ...)",
        "this code has functions of its own, in single precision, and the table says how many ulp (units of the last",
        "place of the result) may lie between them: measured, with glibc 2.36 below the wheel. The bits are the same",
        "on all cores and hosts, as long as the C compiler contracts nothing (-ffp-contract=off). All this is said of",
        "one operator and equal inputs; what stands behind it, and an LSTM from step to step, may enlarge differences.",
        "",
        "Every operator:",
        *(f"- {sentence(rule)}" for rule in (*COMMON, types_are_known, codes_have_scales)),
        "",
        "| operator | inputs | types | rules |",
        "| --- | --- | --- | --- |",
    ]
    for kind, operator in sorted(all_operators().items()):
        cells = kind, _count(operator.arity), _types(operator), "<br>".join(_rules(operator))
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Besides: QUANTIZE from float32 at the model's input and DEQUANTIZE to float32 at its output are cut off",
        "(the host does their work, the firmware takes and gives codes). A RELU6 that stands alone clamps to the",
        "*input's* codes and ignores the output's scale, as TFLM's kernel does; the build warns where the two differ.",
        "What QUANTIZE and CAST make of a float beyond 32 bits C leaves open: here it is the last number, as on Arm.",
        "",
        "## What TFLM knows and engine `aot` does not compile",
        "",
        "| operator | why |",
        "| --- | --- |",
        *(f"| {kind} | {why[0].upper()}{why[1:]}. |" for kind, why in sorted(KNOWN.items())),
        "",
        "Hybrid models (float activations, int8 weights) and float16 weights TFLM does not run either; nor does it",
        "compute with uint8. Operators that are not named on this page TFLM does not know.",
        "",
    ]
    return "\n".join(lines)


def _types(operator: Operator) -> str:
    return ", ".join(map(_type, operator.types)) if operator.compiled else "any: computed at compile time"


def _type(typed: Typed) -> str:
    least = f" of at least {typed.least:g}" if typed.least else ""
    return f"{typed} ({typed.ulps} ulp{least})" if typed.ulps else str(typed)


def _rules(operator: Operator) -> Iterator[str]:
    """Those of all types, then those of some."""
    yield from map(sentence, operator.rules)
    groups: dict[str, list[str]] = {}
    for typed in operator.types:
        for rule in typed.rules:
            groups.setdefault(sentence(rule), []).append(str(typed))
    yield from (f"{', '.join(types)}: {said}" for said, types in groups.items())


def _count(arity: Arity) -> str:
    if arity.least == arity.most:
        return str(arity.least)
    return f"{arity.least} or more" if arity.most == ANY else f"{arity.least} to {arity.most}"
