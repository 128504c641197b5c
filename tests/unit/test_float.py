"""Functions of float32 in single precision: C and numpy give the same bits, and both are near the exact result."""

from __future__ import annotations

import ctypes
import math
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs, m4
from tests.floats import distance
from tests.portable import Library, emitted
from tinyperf.engines.aot.host import FLAGS, compiler
from tinyperf.engines.aot.operators import _float_map, all_operators
from tinyperf.engines.aot.operators._sample import Random

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

HEADERS = Path(__file__).parents[2] / "firmware_templates" / "engines" / "aot"
SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, 3e38, 1e-45, -1e-45)
ENDS = (88.72283, 88.72284, -103.97208, -103.972, -17.5, 9.02, 0.625, 16.6190472, -9.0, 0.785398185, 8388607.5)
# How far a result may be from the exact one, in ulps. TFLM's own cut-offs are wider for LOGISTIC.
EXACT: list[tuple[str, Callable[[Any], Any], float]] = [
    ("ceil", np.ceil, 0),
    ("cos", np.cos, 1.0),
    ("elu", lambda x: np.where(x < 0, np.expm1(x), x), 1.25),
    ("exp", np.exp, 1.0),
    ("floor", np.floor, 0),
    ("log", np.log, 1.0),
    ("round", np.rint, 0),
    ("rsqrt", lambda x: 1 / np.sqrt(x), 1.5),
    ("sin", np.sin, 1.0),
    ("sqrt", np.sqrt, 0.5),
    ("tanh", np.tanh, 1.5),
]


@pytest.fixture(scope="module")
def numbers() -> Floats:
    """All sorts of bits, and numbers as activations are; NaN of any payload too."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 40_000, np.uint32).view(np.float32)
    drawn = [random.normal(0, size, 20_000).astype(np.float32) for size in (1, 10, 1e4)]
    return np.concatenate([bits, *drawn, np.array([*SPECIAL, *ENDS], np.float32)])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Every function of one float, over an array."""
    folder = tmp_path_factory.mktemp("float")
    text = '#include "tp_map_f32.h"\n'
    for name in _float_map.FUNCTIONS:
        text += f"void map_{name}(int32_t n, const float *x, float *y) {{ tp_map_f32(n, tp_{name}_f32, x, y); }}\n"
    (folder / "map.c").write_text(text, encoding="utf-8")
    argv = [*compiler(), *FLAGS, f"-I{HEADERS}", "map.c", "-o", "map.so"]
    subprocess.run(argv, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "map.so"))


def in_c(library: ctypes.CDLL, name: str, x: Floats) -> Floats:
    made = np.empty_like(x)
    getattr(library, f"map_{name}")(len(x), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(made.ctypes.data))
    return made


@pytest.mark.parametrize("name", _float_map.FUNCTIONS)
def test_c_has_the_bits_of_numpy(name: str, library: ctypes.CDLL, numbers: Floats) -> None:
    made = in_c(library, name, numbers)
    (expected,) = _float_map.MapFloat(len(numbers), name).interpret(numbers)
    assert expected.dtype == np.float32
    both_nan = np.isnan(made) & np.isnan(expected)
    different = (made.view(np.uint32) != expected.view(np.uint32)) & ~both_nan
    assert not different.any(), numbers[different][:5]


@pytest.mark.parametrize(("name", "exact", "ulps"), EXACT, ids=[name for name, *_ in EXACT])
def test_results_are_near_the_exact_ones(
    name: str, exact: Callable[[Any], Any], ulps: float, library: ctypes.CDLL, numbers: Floats
) -> None:
    made = in_c(library, name, numbers)
    with np.errstate(all="ignore"):
        expected = exact(numbers.astype(np.float64))
        finite = np.isfinite(expected.astype(np.float32)) & np.isfinite(made)
        unit = np.spacing(np.abs(expected[finite].astype(np.float32))).astype(np.float64)
        assert (np.abs(made[finite] - expected[finite]) / unit).max() <= ulps
        np.testing.assert_array_equal(made[~finite], expected[~finite].astype(np.float32))


# Of each kind of arithmetic one; the others are made of the same.
KINDS = ("CONV_2D", "L2_POOL_2D", "LOG", "PRELU", "ROUND", "SIN", "SOFTMAX", "TANH")


@pytest.mark.slow
def test_a_core_has_the_bits_of_the_host_without_double(tmp_path: Path) -> None:
    files = {kind: drawn(kind) for kind in KINDS}
    library = Library([file for file, _ in files.values()], tmp_path)
    for i, (kind, (_, samples)) in enumerate(files.items()):
        folder = tmp_path / kind
        folder.mkdir()
        machine = m4.Machine(m4.build(emitted(library.models[i], "cortex-m4"), folder), library.models[i])
        made = np.stack([machine.infer(sample) for sample in samples])
        (expected,) = library.run(i, samples)
        assert distance(made, expected) == 0, kind
        assert not [name for name in machine.functions if re.match(r"__aeabi_d|__\w*df\d*$", name)], kind


def drawn(kind: str) -> tuple[bytes, Floats]:
    """A file with one use, and samples of its input: usual ones and odd ones."""
    operator = all_operators()[kind]
    (typed,) = (typed for typed in operator.types if typed.given == ("float32",))
    random = Random(1, "float32", "float32")
    sample = typed.sample or operator.sample
    assert sample is not None
    use = sample(random)
    shape = use.tensors[use.inputs[0]].shape
    odd = random.generator.choice(np.array([*SPECIAL, *ENDS], np.float32), (2, *shape))
    return graphs.sampled(use), np.concatenate([random.codes(2, *shape), odd])
