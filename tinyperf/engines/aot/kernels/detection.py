"""TFLite_Detection_PostProcess in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_number
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.tflite_detection_postprocess import Detection

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Detection, costs: Costs) -> tuple[Form, ...]:
    """Scratch: four floats, a score and two indices of every box; what is found, and what was before."""
    scratch = 4 * (7 * work.boxes + 4 * work.detections)
    return (Form(costs["box"] * work.boxes * (work.classes if work.regular else 1), scratch_bytes=scratch),)


def emit(work: Detection, place: Place) -> Code:
    regular = "true" if work.regular else "false"
    integers = (work.boxes, work.coordinates, work.columns, work.classes, work.detections, work.per_class)
    scales = ", ".join(c_number(float(scale)) for scale in work.scales)
    fields = [*map(str, integers), regular, c_number(work.score), c_number(work.overlap), f"{{{scales}}}"]
    rows = ",\n".join(f"        {field}" for field in fields)
    body = f"    static const struct tp_detection detection = {{\n{rows},\n    }};\n"
    ends = (*place.inputs, f"(char *){place.scratch}", *place.outputs)
    return Code((), body + call("tp_detection", "&detection", *ends))


KERNEL = Kernel("detection", Detection, "tp_detection.h", forms, emit, costs={"box": 8000.0})
