"""A converter of TensorFlow to a float32 .tflite, and which of its inputs and outputs is which."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from tinyperf.errors import ModelError
from tinyperf.learn.interpreter import interpreter
from tinyperf.learn.silence import silent_stderr
from tinyperf.learn.sources import Port, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.learn.sources import Exact


def source(
    make: Callable[[], Any],
    path: str,
    form: str,
    *,
    inputs: Mapping[str, Port],
    outputs: Mapping[str, Port],
    exact: Exact | None = None,
) -> Source:
    """Args: make: the converter. inputs, outputs: by their name in its signature; those of `exact` in this order.

    Raises: ModelError: the converter refuses the model.
    """
    content = converted(make)
    model = interpreter(content)
    signature = model._get_full_signature_list()["serving_default"]  # noqa: SLF001  (no public way to the tensors)
    given = _in_order(model.get_input_details(), signature["inputs"], inputs)
    made = _in_order(model.get_output_details(), signature["outputs"], outputs)
    if len(given) != len(inputs) or len(made) != len(outputs):
        raise ModelError(
            f"{path}: of inputs {', '.join(inputs)} and outputs {', '.join(outputs)} the converted model has only "
            f"{', '.join((*given, *made))}",
            means="an input that nothing depends on, or two outputs that are one",
            hint="leave it out of the model",
        )
    return Source(
        path,
        form,
        content,
        tuple(inputs[name] for name in given),
        tuple(outputs[name] for name in made),
        exact
        and _reordered(exact, [given.index(name) for name in inputs], [list(outputs).index(name) for name in made]),
    )


def _in_order(details: list[dict[str, Any]], tensors: Mapping[str, int], ports: Mapping[str, Port]) -> list[str]:
    """The ports' names in the order of the model's tensors."""
    names = {index: name for name, index in tensors.items() if name in ports}
    return [names[entry["index"]] for entry in details if entry["index"] in names]


def _reordered(exact: Exact, inputs: list[int], outputs: list[int]) -> Exact:
    def run(values: Any) -> list[Any]:
        made = exact([values[i] for i in inputs])
        return [made[i] for i in outputs]

    return run


def converted(make: Callable[[], Any]) -> bytes:
    """Raises: ModelError: the converter refuses a layer."""
    try:
        # Keras and the converter print while they work; stdout is the result's.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent_stderr():
            warnings.simplefilter("ignore")
            content: bytes = make().convert()
    except ModelError:
        raise
    except Exception as exc:  # the converter raises RuntimeError, ValueError and its own
        raise ModelError(
            f"TensorFlow's converter refuses the model: {str(exc).strip().splitlines()[0][:200]}",
            means="a layer that has no form in TensorFlow Lite",
            hint="use layers that TensorFlow Lite Micro has: convolution, dense, pooling, add, softmax, ReLU",
        ) from exc
    return content
