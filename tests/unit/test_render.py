"""The rendered project: every template gets exactly its fields, C literals read back, nothing unescaped reaches C."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import jinja2
import jinja2.meta
import pytest

from tinyperf import board, content, cores, engines
from tinyperf.benchmark import BENCHMARKS
from tinyperf.engines import Target
from tinyperf.errors import BuildError, ContentError, UsageError
from tinyperf.firmware import render
from tinyperf.firmware.render import Project, Toolset
from tinyperf.tflite import Model, Quantization, Tensor

REFERENCE = {"kws": (0.5847029089927673, 83), "vww": (1 / 255, -128), "ic": (1.0, -128), "ad": (0.3910152, 89)}
REFERENCE |= {"ic2": REFERENCE["ic"], "sww": (0.0037010426, -128)}


def model(name: str) -> Model:
    """A model of the benchmark's sizes, with the reference model's quantization."""
    benchmark = BENCHMARKS[name]
    scale, zero_point = REFERENCE[name]
    outputs = 640 if name == "ad" else len(benchmark.labels)
    tensors = (
        Tensor(0, "in", benchmark.input_shape, "int8", Quantization((scale,), (zero_point,))),
        Tensor(1, "out", (1, outputs), "int8", Quantization((1 / 256,), (-128,))),
    )
    return Model(f"{name}.tflite", "ab" * 32, 1, tensors, (), (0,), (1,))


def project(name: str = "kws", on: str = "nucleo-l4r5zi", toolset: Toolset | None = None, **options: bool) -> Project:
    target = board.load(on)
    generated = engines.FakeEngine().generate(model(name), Target(target.core), {})
    return render.render(target, model(name), generated, benchmark=BENCHMARKS[name], toolset=toolset, **options)


@pytest.mark.parametrize("name", sorted(render.TEMPLATES))
def test_template_uses_exactly_the_fields_of_its_context(name: str) -> None:
    text = (content.shipped("firmware_templates") / name).read_text(encoding="utf-8")
    used = jinja2.meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(text))
    assert used == {f.name for f in fields(render.TEMPLATES[name])}


def test_every_template_of_the_application_and_the_project_is_known() -> None:
    folder = content.shipped("firmware_templates")
    found = {p.relative_to(folder).as_posix() for part in ("app", "project") for p in (folder / part).rglob("*.j2")}
    assert found == set(render.TEMPLATES)


@pytest.mark.parametrize("on", ["host", "nucleo-l4r5zi"])
@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_same_arguments_same_bytes(name: str, on: str) -> None:
    assert project(name, on) == project(name, on)


def test_build_id_is_in_the_header_and_changes_with_what_is_built() -> None:
    plain = project()
    header = plain.files["src/app/tp_config.h"]
    assert f'#define TP_BUILD_ID "{plain.build_id}"' in header
    assert re.fullmatch("[0-9a-f]{32}", plain.build_id)
    others = {
        project("vww").build_id,
        project(energy=True).build_id,
        project(toolset=Toolset("offline", "another compiler")).build_id,
        project(on="host").build_id,
    }
    assert len(others | {plain.build_id}) == 5


def test_energy_mode_is_9600_baud_and_pulses_on_pf13() -> None:
    header = project(energy=True).files["src/app/tp_config.h"]
    for line in ("TP_BAUD 9600U", "TP_ENERGY_MODE 1", "TP_TIMESTAMP_PORT 5U", "TP_TIMESTAMP_PIN 13U"):
        assert f"#define {line}\n" in header


def test_energy_mode_without_a_pin_is_refused() -> None:
    with pytest.raises(UsageError, match="no timestamp pin"):
        project(on="host", energy=True)


def test_offline_project_names_only_what_lies_in_it() -> None:
    made = project(toolset=Toolset("offline", "gcc", "4.41101.0"))
    ini = made.files["platformio.ini"]
    assert "core_dir = pio\nplatforms_dir = pio/platforms\npackages_dir = pio/packages\n" in ini
    assert "platform = tinyperf-cortexm\n" in ini
    assert '"version": "4.41101.0"' in made.files["pio/packages/tool-scons/package.json"]
    assert not [name for name in made.files if "/." in f"/{name}"], "a hidden file is lost in copies, and marked"
    assert "pio/platforms/tinyperf-cortexm/boards/nucleo_l4r5zi.json" in made.files


def test_online_project_pins_platform_and_compiler() -> None:
    made = project(toolset=Toolset("online"))
    ini = made.files["platformio.ini"]
    assert "platform = ststm32@19.6.0\nboard = nucleo_l4r5zi\n" in ini
    assert "    platformio/toolchain-gccarmnoneeabi@~1.120301.0\n" in ini
    assert "-mfloat-abi=hard" in ini
    assert "-mfloat-abi=hard" in made.files["extra.py"]
    assert not [name for name in made.files if name.startswith("pio/")]


def test_online_form_needs_a_platform_in_the_board_file() -> None:
    bare = board.load("nucleo-l4r5zi").model_copy(update={"platformio": None})
    generated = engines.FakeEngine().generate(model("kws"), Target(cores.load("cortex-m4")), {})
    with pytest.raises(BuildError, match="names no PlatformIO platform"):
        render.render(bare, model("kws"), generated, benchmark=None, toolset=Toolset("online"))


@pytest.mark.parametrize("mcu", ["stm32f9", "../app", ""])
def test_unknown_mcu_folder_is_named(mcu: str) -> None:
    odd = board.load("nucleo-l4r5zi").model_copy(update={"mcu": mcu})
    generated = engines.FakeEngine().generate(model("kws"), Target(cores.load("cortex-m4")), {})
    with pytest.raises(ContentError, match="there is no mcu"):
        render.render(odd, model("kws"), generated, benchmark=None)


def test_hostile_names_stay_inside_comments_and_strings() -> None:
    hostile = replace(model("kws"), name='*/ #error \\\n"x" {{ 1 }}.tflite')
    generated = engines.FakeEngine().generate(hostile, Target(cores.load("cortex-m4")), {})
    made = render.render(board.load("nucleo-l4r5zi"), hostile, generated, benchmark=None)
    for name in ("src/app/tp_config.h", "src/app/tp_config.c", "ldscript.ld"):
        second = made.files[name].splitlines()[1]
        assert second.startswith("/* Made by tinyperf")
        assert second.index("*/") == len(second) - 2
    assert made.files["platformio.ini"].splitlines()[1].startswith("; Made by tinyperf")
