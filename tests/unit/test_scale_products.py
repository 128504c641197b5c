"""Sums at which it matters in which precision TFLM forms a product of scales: the multiplier's last bits decide.

A float32 product is off by up to 2**-24, which shows at about one sum in 2**18. Each case holds at least twelve such
sums; what is expected comes from the tflite-micro wheel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T, constant
from tinyperf import tflite
from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes.lower import lower

if TYPE_CHECKING:
    import numpy.typing as npt

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")

SUMS = 12
TAPS = 64
PATTERN = np.array([127] * (TAPS - 1) + [1], np.int8)  # the input, so that weights make any sum up to 2**19
MULTIPLIER = 1.25e-4  # spreads such sums over the codes


def differs(made: npt.NDArray[np.int64], double: float, single: float) -> npt.NDArray[np.bool_]:
    """Where two ways to form the multiplier give two codes."""
    one, other = (codes(requantized(made, *quantize_multiplier(real))) for real in (double, single))
    different: npt.NDArray[np.bool_] = one != other
    return different


def critical(double: float, single: float) -> npt.NDArray[np.int64]:
    """Sums next to the middle between two codes whose code depends on the precision."""
    middles = (np.arange(-110, 110) + 0.5) / double
    sums = np.unique(np.floor(middles).astype(np.int64)[:, None] + np.arange(-1, 3))
    return sums[differs(sums, double, single)]


def float32(value: float) -> float:
    return float(np.float32(value))


def scales(random: np.random.Generator) -> tuple[float, float, float]:
    """Input, weights, output."""
    given, weights = (float32(10 ** random.uniform(-3, -1)) for _ in range(2))
    return given, weights, float32(given * weights / MULTIPLIER)


def ratios(given: float, weights: float, made: float) -> tuple[float, float]:
    """The multiplier by a product in double, as TFLM forms it, and in float32."""
    return given * weights / made, float(np.float32(given) * np.float32(weights)) / made


def per_tensor() -> tuple[float, list[float], float, npt.NDArray[np.int64]]:
    """Scales, and sums for as many channels."""
    random = np.random.default_rng(1)
    while True:
        given, weights, made = scales(random)
        sums = critical(*ratios(given, weights, made))
        if len(sums) >= SUMS:
            return given, [weights], made, sums[:SUMS]


def per_channel() -> tuple[float, list[float], float, npt.NDArray[np.int64]]:
    random = np.random.default_rng(2)
    given, _, made = scales(random)
    weights: list[float] = []
    sums: list[int] = []
    while len(sums) < SUMS:
        scale = float32(MULTIPLIER * made / given * random.uniform(0.9, 1.1))
        found = critical(*ratios(given, scale, made))
        if len(found):
            weights.append(scale)
            sums.append(int(found[0]))
    return given, weights, made, np.array(sums)


def rows(sums: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """Weights [channel, tap] that make these sums of PATTERN."""
    many, last = np.divmod(sums, 127)
    each, rest = np.divmod(many, TAPS - 1)
    made = each[:, None] + (np.arange(TAPS - 1) < rest[:, None])
    weights: npt.NDArray[np.int8] = np.concatenate([made, last[:, None]], axis=1).astype(np.int8)
    assert np.array_equal(weights.astype(np.int64) @ PATTERN.astype(np.int64), sums)
    return weights


Case = tuple[bytes, Any]


def weighted(kind: str, *, each: bool, bias: bool = False) -> Case:
    """A model whose output channels have one critical sum each, and its input."""
    given, weights, made, sums = per_channel() if each else per_tensor()
    taps, channels = rows(sums), len(sums)
    window = {"padding": 1, "stride_h": 1, "stride_w": 1}
    shapes: dict[str, tuple[tuple[int, ...], Any, Any, dict[str, Any]]] = {
        "FULLY_CONNECTED": ((1, TAPS), taps, PATTERN[None], {}),
        "CONV_2D": ((1, 8, 8, 1), taps.reshape(-1, 8, 8, 1), PATTERN.reshape(1, 8, 8, 1), window),
        "DEPTHWISE_CONV_2D": (
            (1, 8, 8, channels),
            taps.T.reshape(1, 8, 8, -1),
            np.repeat(PATTERN, channels).reshape(1, 8, 8, -1),
            window | {"depth_multiplier": 1},
        ),
    }
    shape, filters, sample, options = shapes[kind]
    out = (1, channels) if kind == "FULLY_CONNECTED" else (1, 1, 1, channels)
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    tensors = [T(shape, given, 0), constant(filters, weights, axis), T(out, made, 0)]
    inputs = [0, 1]
    if bias:
        tensors.append(constant(np.zeros(channels, np.int32), float32(given * weights[0])))
        inputs.append(3)
    return graphs.build(tensors, [O(kind, inputs, [2], options)], [0], [2]), sample


def inexact(factor: float, seed: int) -> tuple[float, float]:
    """Two scales whose ratio is `factor` in float32 and a little less in double: odd codes then stand near a tie."""
    random = np.random.default_rng(seed)
    while True:
        made = float32(10 ** random.uniform(-3, -1))
        given = float32(factor * made)
        if given / made < factor == float(np.float32(given) / np.float32(made)):
            return given, made


CODES = np.arange(-128, 128, dtype=np.int8)


def rescaled(kind: str, factor: float, seed: int) -> Case:
    """All codes through QUANTIZE, RELU, or MEAN over four equal ones."""
    given, made = inexact(factor, seed)
    assert differs(CODES.astype(np.int64), given / made, factor).sum() >= SUMS
    if kind == "MEAN":
        tensors = [T((1, 256, 4), given, 0), T((1, 256), made, 0), constant(np.array([2], np.int32))]
        return graphs.build(tensors, [O(kind, [0, 2], [1])], [0], [1]), np.repeat(CODES, 4).reshape(1, 256, 4)
    tensors = [T((1, 256), given, 0), T((1, 256), made, 0)]
    return graphs.build(tensors, [O(kind, [0], [1])], [0], [1]), CODES[None]


def added(kind: str, factor: float, seed: int) -> Case:
    """All pairs of codes, through ADD or SUB."""
    given, made = inexact(factor, seed)
    return pairs(kind, given, given, made)


# Scales at which the ratio of one input's scale to twice the larger one matters, to two pairs of codes each.
UNEQUAL = [
    ("SUB", 0.6256396770477295, 0.1700756698846817, 0.11272527277469635),
    ("SUB", 0.6634252667427063, 0.3845764398574829, 0.29963216185569763),
    ("SUB", 0.6869794130325317, 0.5722641944885254, 0.4912148416042328),
    ("ADD", 0.39963555335998535, 0.6159488558769226, 0.15395836532115936),
    ("ADD", 0.10580068081617355, 0.4552532732486725, 0.25778502225875854),
    ("ADD", 0.8729250431060791, 0.3553103804588318, 0.8348683714866638),
]


def pairs(kind: str, a: float, b: float, made: float) -> Case:
    tensors = [T((1, 256, 1), a, 0), constant(CODES.reshape(1, 1, 256), b), T((1, 256, 256), made, 0)]
    return graphs.build(tensors, [O(kind, [0, 1], [2])], [0], [2]), CODES.reshape(1, 256, 1)


def sloped(factor: float, seed: int) -> Case:
    """Every code with every slope."""
    given, made = inexact(factor, seed)
    image = (1, 256, 256)
    tensors = [T(image, given, 0), constant(CODES.reshape(1, 1, 256), float32(1 / 100)), T(image, made, 0)]
    return graphs.build(tensors, [O("PRELU", [0, 1], [2])], [0], [2]), np.repeat(CODES, 256).reshape(image)


def multiplied(seed: int) -> Case:
    """All pairs of codes; the product of three scales."""
    random = np.random.default_rng(seed)
    products = (CODES.astype(np.int64)[:, None] * CODES.astype(np.int64)).ravel()
    while True:
        a, b = (float32(10 ** random.uniform(-3, -1)) for _ in range(2))
        made = float32(a * b * 128)
        if differs(products, a * b / made, float(np.float32(a) * np.float32(b)) / made).sum() >= SUMS:
            break
    tensors = [T((1, 256, 1), a, 0), constant(CODES.reshape(1, 1, 256), b), T((1, 256, 256), made, 0)]
    return graphs.build(tensors, [O("MUL", [0, 1], [2])], [0], [2]), CODES.reshape(1, 256, 1)


# beta and scale of SOFTMAX whose product in float32 changes an output of 256 rows (127, code); found by a search.
PROBABILITIES = [
    *((0.7, 0.0032351750414818525), (0.9, 0.00957018043845892), (1.7, 0.004026019014418125)),
    *((0.9, 0.003899357281625271), (0.3, 0.013277505524456501), (0.9, 0.013238326646387577)),
    *((1.3, 0.005467394832521677), (0.3, 0.0043439981527626514), (1.3, 0.007094018626958132)),
    *((1.3, 0.00934428907930851), (0.7, 0.01766594871878624), (0.7, 0.05645051226019859)),
]


def probabilities(beta: float, scale: float) -> Case:
    sample = np.stack([np.full(256, 127), CODES], axis=1).astype(np.int8)[None]
    tensors = [T((1, 256, 2), scale, 0), T((1, 256, 2), 1 / 256, -128)]
    return graphs.build(tensors, [O("SOFTMAX", [0], [1], {"beta": beta})], [0], [1]), sample


# Where 6 / scale lies half way between two codes; the division is a float32 one.
CLAMPS = [
    float32(6 / (k + 0.5)) for k in range(3, 126) if float32(6 / float32(6 / (k + 0.5))) != 6 / float32(6 / (k + 0.5))
]


def clamped(kind: str, scale: float) -> Case:
    tensors = [T((1, 256), scale, 0), T((1, 256), scale, 0), constant(np.zeros((1, 1), np.int8), scale)]
    if kind == "RELU6":
        return graphs.build(tensors, [O(kind, [0], [1])], [0], [1]), CODES[None]
    ops = [O(kind, [0, 2], [1], {"fused_activation_function": 3})]
    return graphs.build(tensors, ops, [0], [1]), CODES[None]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(weighted("CONV_2D", each=False), id="CONV_2D"),
        pytest.param(weighted("CONV_2D", each=True), id="CONV_2D per channel"),
        pytest.param(weighted("CONV_2D", each=False, bias=True), id="CONV_2D with a bias"),
        pytest.param(weighted("DEPTHWISE_CONV_2D", each=False), id="DEPTHWISE_CONV_2D"),
        pytest.param(weighted("DEPTHWISE_CONV_2D", each=True), id="DEPTHWISE_CONV_2D per channel"),
        pytest.param(weighted("FULLY_CONNECTED", each=False), id="FULLY_CONNECTED"),
        pytest.param(weighted("FULLY_CONNECTED", each=True), id="FULLY_CONNECTED per channel"),
        pytest.param(weighted("FULLY_CONNECTED", each=False, bias=True), id="FULLY_CONNECTED with a bias"),
        pytest.param(weighted("FULLY_CONNECTED", each=True, bias=True), id="FULLY_CONNECTED with a bias, per channel"),
        *(
            pytest.param(rescaled(kind, factor, 3), id=f"{kind}, {factor:g}")
            for kind in ("QUANTIZE", "RELU", "MEAN")
            for factor in (0.75, 1.5, 2.5)
        ),
        *(
            pytest.param(added(kind, factor, 4), id=f"{kind}, {factor:g}")
            for kind in ("ADD", "SUB")
            for factor in (0.375, 0.75)
        ),
        *(pytest.param(pairs(*case), id=f"{case[0]} of unequal scales {i}") for i, case in enumerate(UNEQUAL)),
        *(pytest.param(sloped(factor, 5), id=f"PRELU, {factor:g}") for factor in (0.375, 0.75, 1.5)),
        *(pytest.param(multiplied(seed), id=f"MUL {seed}") for seed in range(2)),
        *(pytest.param(probabilities(*pair), id=f"SOFTMAX {i}") for i, pair in enumerate(PROBABILITIES)),
        *(
            pytest.param(clamped(kind, scale), id=f"{kind}, six is {6 / scale:.9f}")
            for kind in ("RELU6", "ADD")
            for scale in CLAMPS[:SUMS]
        ),
    ],
)
def test_critical_sums_equal_the_wheel(case: Case) -> None:
    data, sample = case
    (made,) = interpret(lower(tflite.parse(data, "critical")), sample[None])
    np.testing.assert_array_equal(made.reshape(1, -1), graphs.wheel(data, sample[None]))
