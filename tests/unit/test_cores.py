"""The registry of cores: what a core is, what a chip may leave out of it, and how GCC is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyperf import cores
from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_the_folder_is_the_registry() -> None:
    folder = Path(cores.__file__).parent
    assert len(cores.known()) == len([p for p in folder.glob("*.py") if not p.stem.startswith("_")])
    assert {"cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "host"} <= set(cores.known())


@pytest.mark.parametrize("core", cores.known().values(), ids=lambda core: core.name)
def test_every_core_is_whole(core: cores.Core) -> None:
    assert core.features <= set(cores.FEATURES)
    assert core.optional <= core.features
    assert {"fpu", "fpu_double"} & core.features == set(core.fpus)
    assert core.without(core.optional).features.isdisjoint(core.optional)


@pytest.mark.parametrize(
    ("name", "missing", "flags"),
    [
        pytest.param("host", [], (), id="this computer"),
        pytest.param("cortex-m0plus", [], ("-mthumb", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"), id="m0plus"),
        pytest.param("cortex-m4", [], ("-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"), id="m4"),
        pytest.param("cortex-m4", ["fpu"], ("-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft"), id="m4 without FPU"),
        pytest.param(
            "cortex-m7",
            ["fpu_double"],
            ("-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
            id="m7 of single precision",
        ),
        pytest.param("cortex-m7", [], ("-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"), id="m7"),
        pytest.param(
            "cortex-m33", ["dsp", "fpu"], ("-mthumb", "-mcpu=cortex-m33+nodsp", "-mfloat-abi=soft"), id="bare m33"
        ),
        pytest.param(
            "cortex-m55",
            ["mve"],
            ("-mthumb", "-mcpu=cortex-m55+nomve", "-mfpu=auto", "-mfloat-abi=hard"),
            id="m55 without Helium",
        ),
    ],
)
def test_the_compiler_is_told_what_the_chip_has(
    name: str, missing: Sequence[cores.Feature], flags: tuple[str, ...]
) -> None:
    assert cores.load(name).without(missing).gcc_flags == flags


def test_a_core_always_has_what_is_not_optional() -> None:
    with pytest.raises(ContentError, match="a cortex-m4 always has dsp") as caught:
        cores.load("cortex-m4").without(["dsp"])
    assert caught.value.hint == "it may be without: fpu"


def test_an_unknown_core_is_told_with_the_closest_name() -> None:
    with pytest.raises(ContentError, match=r"unknown core 'cortex-m44', did you mean cortex-m4\?"):
        cores.load("cortex-m44")
