"""Pass 5: C text. Decides nothing; writes down what the other passes decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf import __version__, content, templates
from tinyperf.ctext import c_array, c_comment, c_identifier
from tinyperf.engines import Layer
from tinyperf.engines.aot.kernels import Array, Code, Place
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from tinyperf.engines import Target
    from tinyperf.engines.aot.plan import Plan
    from tinyperf.engines.aot.select import Choice
    from tinyperf.tflite import Model, Tensor


@dataclass(frozen=True)
class LayerText:
    title: str
    why: str
    symbol: str
    body: str


@dataclass(frozen=True)
class ModelFile:
    """Context of model.c.j2."""

    version: str
    model: str
    sha256: str
    macs: int
    target: str
    map: tuple[str, ...]
    headers: tuple[str, ...]
    arena_bytes: int
    layers: tuple[LayerText, ...]
    input_offset: int
    output_offset: int


@dataclass(frozen=True)
class WeightsFile:
    """Context of model_weights.h.j2."""

    version: str
    model: str
    sha256: str
    weights_bytes: int
    arrays: tuple[Array, ...]


@dataclass(frozen=True)
class Emitted:
    sources: dict[str, str]
    layers: tuple[Layer, ...]
    weights_bytes: int


def emit(model: Model, choices: tuple[Choice, ...], plan: Plan, target: Target) -> Emitted:
    """Sources (model.c, model_weights.h and the kernels used) and what the report says of every layer."""
    texts: list[LayerText] = []
    layers: list[Layer] = []
    arrays: dict[str, Array] = {}
    headers: set[str] = set()
    for position, choice in enumerate(choices):
        step = choice.step
        symbol = f"tp_layer_{step.index:02d}_{c_identifier(step.kind.lower())}" if choice.kernel else ""
        own: tuple[Array, ...] = ()
        if choice.kernel:
            inputs = tuple(_operand(model.tensors[i], plan, arrays) for i in step.inputs)
            scratch = f"&tp_arena[{plan.scratch[position]}]" if position in plan.scratch else "NULL"
            place = Place(f"layer_{step.index:02d}", inputs, f"&tp_arena[{plan.tensors[step.output]}]", scratch)
            code: Code = choice.kernel.emit(step.work, place)
            own = code.arrays
            arrays |= {array.name: array for array in own}
            headers.add(choice.kernel.header)
            why = choice.why + ("; in place" if position in plan.in_place else "")
            texts.append(LayerText(_title(model, choice), c_comment(why), symbol, code.body))
        layers.append(
            Layer(
                index=step.index,
                op=step.kind,
                macs=step.macs,
                kernel=choice.kernel.name if choice.kernel else "none",
                why=choice.why,
                symbol=symbol,
                weights_bytes=sum(array.size_bytes for array in own),
                scratch_bytes=choice.cost.scratch_bytes,
            )
        )
    for tensor in (model.input, model.output):
        if tensor.index not in plan.tensors:
            raise ModelError(
                f"the model's output, tensor {tensor.index}, is a constant", hint="the model computes nothing"
            )
    weights_bytes = sum(array.size_bytes for array in arrays.values())
    name = c_comment(model.name)
    context = ModelFile(
        version=__version__,
        model=name,
        sha256=model.sha256,
        macs=sum(c.step.macs for c in choices),
        target=f"{target.core.name}{' with DSP instructions' if 'dsp' in target.core.features else ''}",
        map=_map(plan),
        headers=tuple(sorted(headers)),
        arena_bytes=plan.arena_bytes,
        layers=tuple(texts),
        input_offset=plan.tensors[model.inputs[0]],
        output_offset=plan.tensors[model.outputs[0]],
    )
    weights = WeightsFile(__version__, name, model.sha256, weights_bytes, tuple(arrays.values()))
    sources = {
        "model.c": templates.render("engines/aot/model.c.j2", context),
        "model_weights.h": templates.render("engines/aot/model_weights.h.j2", weights),
    }
    folder = content.shipped("firmware_templates") / "engines" / "aot"
    shared = {"tp_kernels.h"} | ({"tp_dsp.h"} if any(h.endswith("_dsp.h") for h in headers) else set())
    for header in sorted(shared | headers):
        sources[header] = (folder / header).read_text(encoding="utf-8")
    return Emitted(sources, tuple(layers), weights_bytes)


def _operand(tensor: Tensor, plan: Plan, arrays: dict[str, Array]) -> str:
    """Where an input lies: in the arena, or, a constant, in flash."""
    if tensor.data is None:
        return f"&tp_arena[{plan.tensors[tensor.index]}]"
    name = f"constant_{tensor.index:02d}"
    arrays[name] = Array(
        name, "int8_t", tensor.elements, c_array(tensor.data.ravel().tolist()), "A constant input.", tensor.elements
    )
    return name


def _title(model: Model, choice: Choice) -> str:
    step = choice.step
    given = " and ".join("x".join(map(str, model.tensors[i].shape)) for i in step.inputs)
    made = "x".join(map(str, model.tensors[step.output].shape))
    kernel = choice.kernel.name if choice.kernel else "none"
    return f"Layer {step.index}, {step.kind}: {given} -> {made}; kernel {kernel}"


def _map(plan: Plan) -> tuple[str, ...]:
    return tuple(
        f"{offset:7d} .. {offset + s.size_bytes:7d}  {s.name}, steps {max(s.first, 0)} to {s.last}"
        for offset, s in plan.storages
    )
