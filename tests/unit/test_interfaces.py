"""The public fakes keep the interfaces they stand in for."""

from __future__ import annotations

import numpy as np
import pytest

from tinyperf import cores
from tinyperf.device.link import Link, ScriptedLink
from tinyperf.engines import Engine, FakeEngine, Target
from tinyperf.errors import UsageError
from tinyperf.measure.monitor import Chunk, Monitor, ScriptedMonitor, open_monitor, parse_monitor
from tinyperf.tflite import Model, Quantization, Tensor


def tiny_model() -> Model:
    codes = Quantization((1.0,), (0,))
    tensors = (Tensor(0, "in", (1, 8), "int8", codes), Tensor(1, "out", (1, 4), "int8", codes))
    return Model("tiny", "0" * 64, 0, tensors, (), (0,), (1,))


def test_scripted_link_plays_its_script() -> None:
    link: Link = ScriptedLink([("host", b"name%"), ("device", b"m-name-dut-[x]\r\n"), ("silence", b"")])
    link.write(b"na")
    link.write(b"me%")
    assert link.read(1.0) == b"m-name-dut-[x]\r\n"
    assert link.read(2.0) == b""
    assert link.now_s() == 2.0


def test_scripted_link_fails_on_the_first_wrong_byte() -> None:
    link = ScriptedLink([("host", b"name%")])
    with pytest.raises(AssertionError, match="script expects"):
        link.write(b"nose%")


def test_fake_engine_states_its_arena() -> None:
    engine: Engine = FakeEngine()
    made = engine.generate(tiny_model(), Target(cores.load("host")), {})
    assert made.arena_bytes == 12
    assert "input[8]" in made.sources["model.c"]


def test_scripted_monitor_powers_off_on_close() -> None:
    fake = ScriptedMonitor([Chunk(0, np.zeros(3))])
    monitor: Monitor = fake
    monitor.power(on=True)
    assert [c.first for c in monitor.samples()] == [0]
    monitor.close()
    assert fake.calls == ["power on", "power off", "close"]


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        pytest.param("ppk2", "ppk2", {}, id="name alone"),
        pytest.param(
            "lpm01a:port=/dev/ttyACM1,freq=5k", "lpm01a", {"port": "/dev/ttyACM1", "freq": "5k"}, id="two options"
        ),
    ],
)
def test_monitor_argument(text: str, name: str, options: dict[str, str]) -> None:
    assert parse_monitor(text) == (name, options)


def test_unknown_monitor_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown energy monitor 'nosuch'"):
        open_monitor("nosuch")
