"""Operators that engine `aot` does not compile: why, and what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNAL = "a part of an audio front end; compute it outside of the model and give the model what it makes"

KNOWN: Mapping[str, str] = {
    "WHILE": "a loop over a subgraph; convert the network unrolled (in Keras: unroll=True)",
    "IF": "the choice between subgraphs; compute both and choose with SELECT_V2 (tf.where)",
    "CUSTOM TFLM_DECODE": "weights compressed for TensorFlow Lite Micro; convert the model without compression",
    "CUSTOM CIRCULAR_BUFFER": "the state of a stream; keep it in variables (VAR_HANDLE, ASSIGN_VARIABLE) instead",
    "CUSTOM ethos-u": "code for an Arm Ethos-U NPU; the model as it was before Vela may run",
    **{
        f"CUSTOM Signal{name}": SIGNAL
        for name in (
            *("Delay", "Energy", "FftAutoScale", "FilterBank", "FilterBankLog", "FilterBankSpectralSubtraction"),
            *("FilterBankSquareRoot", "Framer", "Irfft", "OverlapAdd", "PCAN", "Rfft", "Stacker", "Window"),
        )
    },
}
"""Those that TensorFlow Lite Micro knows, all of them; by the names that a refusal calls them."""

FOREIGN: Mapping[str, str] = {
    "CUSTOM NeutronGraph": "code for an NXP Neutron NPU; the model as it was before its converter may run",
    "DENSIFY": "weights stored sparse, which TensorFlow Lite Micro does not know either; convert without sparsity",
    "GELU": "TensorFlow Lite Micro does not know it either; use RELU or swish, which is LOGISTIC and MUL",
    "RELU_N1_TO_1": "TensorFlow Lite Micro knows it only fused into another operator; use MAXIMUM and MINIMUM",
    "REVERSE_SEQUENCE": "TensorFlow Lite Micro does not know it either; use REVERSE_V2",
    "SELECT": "TensorFlow Lite Micro does not know it either; use SELECT_V2 (tf.where)",
    "TILE": "TensorFlow Lite Micro does not know it either; use BROADCAST_TO or CONCATENATION",
}
"""Some that it does not know."""


def why_missing(kind: str) -> str:
    """One sentence, without its point."""
    known = KNOWN.get(kind) or FOREIGN.get(kind)
    if known:
        return known
    if kind.startswith("CUSTOM Flex"):
        return "an operator of TensorFlow itself, which the converter was allowed to keep (SELECT_TF_OPS)"
    if kind.startswith("CUSTOM "):
        return "a custom operator that TensorFlow Lite Micro does not know either"
    return "TensorFlow Lite Micro does not know it either"
