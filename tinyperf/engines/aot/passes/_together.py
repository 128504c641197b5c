"""Which values share bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph


@dataclass(frozen=True)
class _Member:
    """A value of a group lies `at` bytes behind the group's first value."""

    group: int
    at: int


class Together:
    """Which values share bytes, by the forms of the nodes alone; states are not yet joined."""

    def __init__(self, graph: Graph) -> None:
        self._member = {i: _Member(i, 0) for i in graph.values}
        self._values = {i: {i} for i in graph.values}
        for node in graph.nodes:
            for shared in (node.form or Form()).shared:
                self._join(node.inputs[shared.input], node.outputs[shared.output], shared.offset)

    def with_value(self, i: int) -> set[int]:
        """All that share bytes with value `i`, itself included."""
        return self._values[self._member[i].group]

    def behind(self, i: int, other: int) -> int:
        """How many bytes behind `i` the value `other` of the same group starts."""
        return self._member[other].at - self._member[i].at

    def _join(self, first: int, second: int, offset: int) -> None:
        one, other = self._member[first], self._member[second]
        if one.group == other.group:
            return
        for i in self._values.pop(other.group):
            self._member[i] = _Member(one.group, self._member[i].at + one.at + offset - other.at)
            self._values[one.group].add(i)
