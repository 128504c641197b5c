"""TFLite_Detection_PostProcess: boxes decoded from their anchors; of those that overlap, the one of the best score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._exponential_64 import exp

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.tflite import Tensor

    Float = npt.NDArray[np.float32]

KIND = "CUSTOM TFLite_Detection_PostProcess"
PER_CLASS = 100
"""Detections of each class where the file says nothing."""


@dataclass(frozen=True)
class Detection(Work):
    """`columns`: scores of a box, the background's first where there is one more than `classes`.

    regular: overlaps are looked for class by class, `per_class` at most kept; else among the best scores of all boxes.
    scales:  of y, x, height and width.
    """

    boxes: int
    coordinates: int
    columns: int
    classes: int
    detections: int
    regular: bool
    per_class: int
    score: float
    overlap: float
    scales: tuple[float, float, float, float]

    @property
    def signature(self) -> Signature:
        given = ((self.boxes, self.coordinates), (self.boxes, self.columns), (self.boxes, 4))
        made = ((self.detections, 4), (self.detections,), (self.detections,), (1,))
        inputs, outputs = (tuple(Operand(shape, "float32") for shape in shapes) for shapes in (given, made))
        return Signature(inputs, outputs)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """micro/kernels/detection_postprocess.cc; what no detection fills is 0."""
        count = len(inputs[0])
        made = [np.zeros((count, *operand.shape), np.float32) for operand in self.signature.outputs]
        given = (side.astype(np.float32) for side in inputs)
        for i, (codes, scores, anchors) in enumerate(zip(*given, strict=True)):
            boxes = self.decoded(codes, anchors)
            wanted = scores[:, self.columns - self.classes :]
            kept = self.of_every_class(boxes, wanted) if self.regular else self.of_the_best(boxes, wanted)
            for at, (box, of_class) in enumerate(kept):
                made[0][i, at], made[1][i, at], made[2][i, at] = boxes[box], of_class, wanted[box, of_class]
            made[3][i] = len(kept)
        return tuple(made)

    def decoded(self, codes: Float, anchors: Float) -> Float:
        """Boxes [n, (ymin, xmin, ymax, xmax)]; centres and half sizes are formed in double and rounded to float32."""
        with np.errstate(all="ignore"):
            moved = codes[:, :4].astype(np.float64) / np.array(self.scales, np.float32).astype(np.float64)
            wide = anchors.astype(np.float64)
            centre = (moved[:, :2] * wide[:, 2:] + wide[:, :2]).astype(np.float32)
            half = (0.5 * exp(moved[:, 2:]) * wide[:, 2:]).astype(np.float32)
            return np.concatenate([centre - half, centre + half], axis=1)

    def of_the_best(self, boxes: Float, scores: Float) -> list[tuple[int, int]]:
        best = scores.argmax(axis=1)
        return [(box, int(best[box])) for box in self.apart(boxes, scores.max(axis=1), self.detections)]

    def of_every_class(self, boxes: Float, scores: Float) -> list[tuple[int, int]]:
        kept: list[tuple[int, int]] = []
        for of_class in range(self.classes):
            kept += [(box, of_class) for box in self.apart(boxes, scores[:, of_class], self.per_class)]
            kept = sorted(kept, key=lambda one: -scores[one])[: self.detections]
        return kept

    def apart(self, boxes: Float, scores: Float, most: int) -> list[int]:
        """The best boxes of those with enough of a score, none of which overlaps a better one too much."""
        enough = [int(i) for i in np.flatnonzero(scores >= np.float32(self.score))]
        order = sorted(enough, key=lambda i: -scores[i])
        kept: list[int] = []
        while order and len(kept) < most:
            kept.append(order.pop(0))
            order = [i for i in order if not overlap(boxes[kept[-1]], boxes[i]) > np.float32(self.overlap)]
        return kept


def overlap(a: Float, b: Float) -> np.float32:
    """Intersection over union, in float32."""
    with np.errstate(all="ignore"):
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
        if areas[0] <= 0 or areas[1] <= 0:
            return np.float32(0)
        sides = [max(min(a[2 + i], b[2 + i]) - max(a[i], b[i]), np.float32(0)) for i in range(2)]
        common = sides[0] * sides[1]
        return np.float32(common / (areas[0] + areas[1] - common))


@cache
def _numbers(custom: bytes) -> Mapping[str, float]:
    """The operator's options, a map of flexbuffers; empty where they are none."""
    from flatbuffers import flexbuffers

    try:
        read = flexbuffers.Loads(custom)
    except Exception:  # noqa: BLE001  (whatever it makes of damaged bytes)
        return {}
    return {str(k): v for k, v in read.items() if isinstance(v, int | float)} if isinstance(read, dict) else {}


NEEDED = (
    *("max_detections", "max_classes_per_detection", "num_classes", "nms_score_threshold", "nms_iou_threshold"),
    *("y_scale", "x_scale", "h_scale", "w_scale"),
)


def options_are_whole(use: Use) -> str | None:
    """The options name max_detections (1 or more), num_classes, thresholds and scales. max_classes_per_detection is 1
    but with use_regular_nms (TFLM writes behind the outputs otherwise); nms_iou_threshold is above 0, at most 1.
    """
    numbers = _numbers(use.op.custom)
    missing = [name for name in NEEDED if name not in numbers]
    if missing:
        return f"options without {', '.join(missing)}"
    several = min(numbers["max_classes_per_detection"], numbers["num_classes"]) != 1
    seen = ("max_detections", "num_classes", "max_classes_per_detection", "nms_iou_threshold", "y_scale")
    if (
        numbers["max_detections"] < 1
        or numbers["num_classes"] < 1
        or (several and not numbers.get("use_regular_nms"))
        or not 0 < numbers["nms_iou_threshold"] <= 1
        or numbers.get("detections_per_class", 1) < 1
    ):
        return ", ".join(f"{name} {numbers[name]:g}" for name in seen)
    return None


def shapes_fit(use: Use) -> str | None:
    """Inputs are [1, boxes, 4 or more], [1, boxes, classes or one more] and [boxes, 4]; outputs hold max_detections."""
    codes, scores, anchors = (tensor.shape for tensor in use.data)
    classes, most = (int(_numbers(use.op.custom)[name]) for name in ("num_classes", "max_detections"))
    made = [tensor.elements for tensor in use.outputs]
    fits = (
        len(codes) == len(scores) == 3
        and codes[0] == scores[0] == 1
        and codes[1] == scores[1]
        and codes[2] >= 4
        and anchors == (codes[1], 4)
        and scores[2] - classes in {0, 1}
        and made == [4 * most, most, most, 1]
    )
    return None if fits else f"{list(codes)}, {list(scores)}, {list(anchors)} to {[list(t.shape) for t in use.outputs]}"


def lower(use: Use) -> Detection:
    numbers = _numbers(use.op.custom)
    (_, boxes, coordinates), columns = use.input(0).shape, use.input(1).shape[2]
    y, x, h, w = (numbers[f"{name}_scale"] for name in "yxhw")
    return Detection(
        boxes,
        coordinates,
        columns,
        int(numbers["num_classes"]),
        int(numbers["max_detections"]),
        bool(numbers.get("use_regular_nms", False)),
        int(numbers.get("detections_per_class", PER_CLASS)),
        numbers["nms_score_threshold"],
        numbers["nms_iou_threshold"],
        (y, x, h, w),
    )


def sample(random: Random) -> Sample:
    from flatbuffers import flexbuffers

    boxes, classes, most = random.integer(1, 12), random.integer(1, 4), random.integer(1, 6)
    numbers = {
        "max_detections": most,
        "max_classes_per_detection": 1,
        "detections_per_class": random.integer(1, 5),
        "use_regular_nms": random.pick(True, False),
        "nms_score_threshold": random.pick(0.0, 0.3, -10.0),
        "nms_iou_threshold": random.pick(0.1, 0.3, 0.6, 1.0),
        "num_classes": classes,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    anchors = random.generator.uniform(0.1, 1, (boxes, 4)).astype(np.float32)
    shapes: list[tuple[int, ...]] = [(1, boxes, 4), (1, boxes, classes + random.integer(0, 1))]
    given = [random.tensor(shape, 1.0, dtype="float32") for shape in shapes]
    made: list[Tensor] = [random.tensor(s, 1.0, dtype="float32") for s in ((1, most, 4), (1, most), (1, most), (1,))]
    custom = bytes(flexbuffers.Dumps(numbers))
    drawn = random.use(KIND, (*given, random.constant(anchors), *made), (0, 1, 2), made=4)
    return replace(drawn, custom=custom)


OPERATOR = Operator(
    kind=KIND,
    arity=Arity(3, 3, data=(0, 3), outputs=4),
    rules=(options_are_whole, shapes_fit),
    lower=lower,
    sample=sample,
    types=(Typed(("float32",)),),
)
