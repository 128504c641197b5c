"""The one place that finds test data: reference models, official inputs, published sessions, small failing inputs.

They are public, but not ours to pass on, and lie beside the checkout or where $TINYPERF_DATA and $TINYPERF_CASES say
(CONTRIBUTING.md). A test that lacks some is skipped in one sentence; tests/conftest.py makes such a skip fail in CI.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA") or ROOT.parent / "shared" / "data")
CASES = Path(os.environ.get("TINYPERF_CASES") or ROOT.parent / "shared" / "cases")

NO_DATA = "no test data"

# The int8 reference model of each benchmark.
REFERENCE = {
    "kws": "reference_models/kws_ref_model.tflite",
    "vww": "reference_models/vww_96_int8.tflite",
    "ic": "reference_models/pretrainedResnet_quant.tflite",
    "ad": "reference_models/ad01_int8.tflite",
}

# Everything that tests ask for, below DATA; a folder stands for all that is in it.
MANIFEST = {
    "reference_models": "trained models of mlcommons/tiny 1afd2c9, float and int8 .tflite",
    "datasets/kws01": "the 1000 official inputs in EnergyRunner's layout with y_labels.csv",
    "datasets/vww01": "the 1000 official inputs",
    "datasets/ic01": "the 200 official inputs",
    "datasets/ad01": "the 248 official inputs",
    "train/kws_frontend_pairs.npz": "120 official clips with their official features",
    "published_results.csv": "312 published MCU results, which the shipped table is made of",
    "sessions/krai_v1.1": "published EnergyRunner sessions of mlcommons/tiny_results_v1.1, kws and ad",
    "zoo": "models of public repositories as found",
}


def lacking(*names: str) -> str:
    """Why a test that needs these files or folders cannot run; empty if it can.

    Raises: ValueError: a name that MANIFEST does not cover.
    """
    absent = [part for name in names for part in _parts(name) if not _place(part).exists()]
    variable = "TINYPERF_CASES" if any(name.startswith("cases") for name in absent) else "TINYPERF_DATA"
    return f"{NO_DATA} {', '.join(absent)}: ${variable} names their folder (CONTRIBUTING.md)" if absent else ""


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark of a test that needs these files or folders, named as in MANIFEST; `cases/...` are those of CASES."""
    reason = lacking(*names)
    return pytest.mark.skipif(bool(reason), reason=reason)


def find(name: str) -> Path:
    """A file or folder of the test data; the test is skipped where it is absent."""
    if reason := lacking(name):
        pytest.skip(reason)
    return _place(name)


def _parts(name: str) -> list[str]:
    """The name itself, or the entries of MANIFEST that lie in the folder it names."""
    if any(f"{name}/".startswith(f"{known}/") for known in (*MANIFEST, "cases")):
        return [name]
    inside = [known for known in MANIFEST if known.startswith(f"{name}/")]
    if not inside:
        raise ValueError(f"{name}: name it in MANIFEST of tests/data.py")
    return inside


def _place(name: str) -> Path:
    first, _, rest = name.partition("/")
    return CASES / rest if first == "cases" else DATA / name
