"""C of works that are done row by row: a function for each, and the layer, which calls them as rows are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.ctext import WIDTH, c_block, c_identifier, c_statement, c_type
from tinyperf.engines.aot.kernels import Place, by_name
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.passes._row_forms import bands, bands_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinyperf.engines.aot.graph import Form
    from tinyperf.engines.aot.kernels import Code
    from tinyperf.engines.aot.rows import ByRows, Sight, Stage

HEADER = "tp_rows.h"


@dataclass(frozen=True)
class Function:
    comment: str
    symbol: str
    arguments: str
    body: str


@dataclass(frozen=True)
class RowsText:
    """A function that makes a row, for each work; `codes`: what else these need. `body`: of the layer."""

    functions: tuple[Function, ...]
    codes: tuple[Code, ...]
    body: str


def rows_text(work: ByRows, form: Form, name: str, ends: tuple[Sequence[int], int], scratch: int) -> RowsText:
    """Args: name: starts those of functions and arrays. ends: offsets of the inputs and of the output in the arena, and
    of the scratch.
    """
    kernels_scratch = f"&tp_arena[{scratch + bands_bytes(work)}]"
    pairs = [
        _function(stage, rows, f"{name}{letter}", kernels_scratch)
        for letter, stage, rows in zip(_letters(work), work.stages, form.rows, strict=True)
    ]
    layer = _Layer(work, tuple(function.symbol for function, _ in pairs))
    functions, codes = zip(*pairs, strict=True)
    return RowsText(functions, codes, layer.body(ends, scratch))


def _letters(work: ByRows) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[: len(work.stages)]


def _function(stage: Stage, form: Form, name: str, scratch: str) -> tuple[Function, Code]:
    kernel = by_name()[form.kernel]
    many = len(stage.given) > 1
    inputs = tuple(f"input_{n + 1}" if many else "input" for n in range(len(stage.given)))
    padded = stage.sights[0].padded
    place = Place(name, inputs, ("output",), scratch, form, ("in_h", "pad_h") if padded else ())
    code = kernel.emit(stage.row, place)
    types = [operand.dtype for operand in stage.work.signature.inputs]
    arguments = [f"const {c_type(dtype)} *{given}" for dtype, given in zip(types, inputs, strict=True)]
    arguments += ["int32_t top"] * padded + [f"{c_type(stage.made.dtype)} *output"]
    origin = stage.node.origin[0]
    title = f"Layer {origin.index}, {origin.kind}: a row of {_shape(stage.made.shape)}; kernel {form.kernel}"
    top = "`top`: the row of the image that its window starts at." if padded else ""
    symbol = f"tp_{name}_{c_identifier(origin.kind.lower())}"
    body = _edge(stage.sights[0]) + code.body if padded else code.body
    return Function(c_block(title, top) if top else c_block(title), symbol, ", ".join(arguments), body), code


def _edge(sight: Sight) -> str:
    """The variables of `Place.edge`: rows above the image, and those of it from the first one seen on."""
    return f"    const int32_t pad_h = top < 0 ? -top : 0;\n    const int32_t in_h = {sight.height} - top - pad_h;\n"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


@dataclass(frozen=True)
class _Layer:
    """The layer's own function."""

    work: ByRows
    symbols: tuple[str, ...]

    def body(self, ends: tuple[Sequence[int], int], scratch: int) -> str:
        given, made = ends
        last = self.work.stages[-1]
        inputs = zip(self._given, given, strict=True)
        lines = [f"    const int8_t *const {name} = &tp_arena[{at}];" for name, at in inputs]
        lines.append(f"    int8_t *output = &tp_arena[{made}];")
        for letter, stage, (start, _) in zip(_letters(self.work), self.work.inner, bands(self.work), strict=False):
            at = f"&tp_arena[{scratch + start}]"
            lines.append(f"    struct tp_rows {letter} = {{{at}, {stage.made.row_bytes}, 0, 0}};")
        lines += ["", f"    for (int32_t y = 0; y < {last.made.height}; y++) {{"]
        lines += [f"        const int32_t {self._end(i)} = {self._needed(i)};" for i in reversed(range(self._last))]
        for i in range(self._last):
            lines += self._rows(i)
        lines += [*self._row(self._last, 8), f"        output += {last.made.row_bytes};", "    }"]
        return "\n".join(_wrapped(line) for line in lines)

    @property
    def _given(self) -> tuple[str, ...]:
        count = len(self.work.given)
        return tuple(f"input_{n + 1}" for n in range(count)) if count > 1 else ("input",)

    @property
    def _last(self) -> int:
        return len(self.work.inner)

    def _letter(self, i: int) -> str:
        return _letters(self.work)[i]

    def _end(self, i: int) -> str:
        """So many rows of what stage i makes must be there."""
        return f"{self._letter(i)}_end"

    def _needed(self, i: int) -> str:
        height = self.work.stages[i].made.height
        ends = []
        for n, sight in self.work.readers(len(self.work.given) + i):
            whole = (self.work.stages[n].made.height - 1) * sight.step - sight.above + sight.reach
            behind = sight.reach - sight.above - (0 if n == self._last else sight.step)
            end = _affine(sight.step, "y" if n == self._last else self._end(n), behind)
            ends.append(f"tp_least({end}, {height})" if whole > height else end)
        return _nested("tp_most", ends)

    def _rows(self, i: int) -> list[str]:
        """Those of what stage i makes that are missing."""
        letter = self._letter(i)
        seen = [
            _affine(sight.step, "y" if n == self._last else f"{self._letter(n)}.end", -sight.above)
            for n, sight in self.work.readers(len(self.work.given) + i)
        ]
        return [
            f"        tp_forget_rows(&{letter}, {_nested('tp_least', seen)});",
            f"        while ({letter}.end < {self._end(i)}) {{",
            *self._row(i, 12),
            "        }",
        ]

    def _row(self, i: int, indent: int) -> list[str]:
        """One row of what stage i makes."""
        stage, lines, margin = self.work.stages[i], [], " " * indent
        row = "y" if i == self._last else f"{self._letter(i)}.end"
        (sight, *_) = stage.sights
        first = _affine(sight.step, row, -sight.above)
        if sight.padded:
            lines.append(f"{margin}const int32_t top = {first};")
            first = "tp_most(top, 0)" if sight.above else "top"
        given = [self._input(n, first) for n in stage.given]
        arguments = [_cast(dtype, text) for dtype, text in zip(self._types(stage), given, strict=True)]
        made = "output" if i == self._last else f"tp_next_row(&{self._letter(i)})"
        made = made if stage.made.dtype == "int8" else f"({c_type(stage.made.dtype)} *)(void *){made}"
        if i < self._last and not sight.padded and row in "".join(arguments):
            lines.append(f"{margin}const int32_t row = {row};")
            arguments = [argument.replace(row, "row") for argument in arguments]
        return [*lines, call(self.symbols[i], *arguments, *["top"] * sight.padded, made, indent=indent)]

    def _types(self, stage: Stage) -> Iterable[str]:
        return (operand.dtype for operand in stage.work.signature.inputs)

    def _input(self, n: int, first: str) -> str:
        """Where row `first` of an image is."""
        if n >= len(self.work.given):
            return f"tp_row(&{self._letter(n - len(self.work.given))}, {first})"
        image = self.work.given[n]
        row = f"({first})" if " " in first and not first.endswith(")") else first
        return f"&{self._given[n]}[{image.row_bytes} * {row}]"


def _wrapped(line: str) -> str:
    """A statement on several lines, where one is too short; what has line breaks already stays."""
    if len(line) <= WIDTH or "\n" in line:
        return line
    return c_statement(line.lstrip(), " " * (len(line) - len(line.lstrip())))


def _cast(dtype: str, text: str) -> str:
    return text if dtype == "int8" else f"(const {c_type(dtype)} *)(const void *){text}"


def _affine(step: int, variable: str, more: int) -> str:
    """step * variable + more, as one writes it."""
    text = variable if step == 1 else f"{step} * {variable}"
    return text if not more else f"{text} {'+' if more > 0 else '-'} {abs(more)}"


def _nested(function: str, values: list[str]) -> str:
    """The least or the most of several."""
    text = values[0]
    for value in values[1:]:
        text = f"{function}({text}, {value})"
    return text
