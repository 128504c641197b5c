"""The layers of the code: who may import whom, and who may touch the world."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

PACKAGE = Path(__file__).parent.parent.parent / "tinyperf"

# Lowest first; a module imports only from its own layer and from those before it.
LAYERS = [
    ["errors"],
    ["content", "cores", "ctext", "cut", "figures", "folders", "foreign", "request", "result", "tool"],
    ["templates", "options", "description"],
    ["chip"],
    [
        "benchmark",
        "board",
        "tflite",
        "described",
        "wire",
        "wakeword",
        "measure.monitor",
        "engines",
        "rules",
        "device.happenings",
        "device.protocol",
        "device.link",
        "device.ports",
        "firmware.render",
        "firmware.streaming",
    ],
    ["formats", "measure.recorder"],
    ["datasets"],
    ["learn"],
    ["device"],
    ["virtual"],
    ["firmware"],
    ["session", "measure", "diagnosis", "submissions", "reporting"],
    ["api"],
    ["cli", "__main__"],
]

# Top-level modules of the standard library or PyPI -> where they may be imported.
WORLD = {
    "serial": {"device.link", "device.port_reader", "device.ports"},
    "subprocess": {"tool", "device.process", "engines.aot.host"},
    "socket": {"virtual.board.serve"},
    "unicorn": {"virtual.board.emulator"},
    "tensorflow": {"learn"},
    "keras": {"learn"},
    "onnx": {"learn"},
    "torch": {"learn"},
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_shipped" not in p.parts)


def dotted(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__") if name != "__init__" else ""


def layer_of(name: str) -> int:
    best = max(
        (entry for layer in LAYERS for entry in layer if name == entry or name.startswith(entry + ".")),
        key=len,
        default=None,
    )
    return next((i for i, layer in enumerate(LAYERS) if best in layer), len(LAYERS))


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports: inside functions too, and for type checkers alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {_named(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(text.value) for text in node.args if isinstance(text, ast.Constant)}
    return frozenset(found)


def _named(module: str, name: str) -> str:
    """What `from module import name` needs: the submodule where it is one."""
    place = PACKAGE.parent / module.replace(".", "/") / name
    if module.startswith("tinyperf") and (place.with_suffix(".py").exists() or (place / "__init__.py").exists()):
        return f"{module}.{name}"
    return module


def circles(graph: Mapping[str, AbstractSet[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node, and nodes that name themselves (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node] & graph.keys()):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(members) > 1 or node in graph[node]:
                found.append(sorted(members))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def below(name: str, entries: Iterable[str]) -> bool:
    """`name` is one of `entries`, or a module inside one."""
    return any(name == entry or name.startswith(f"{entry}.") for entry in entries)


def test_imports_point_downward() -> None:
    wrong = [
        f"{dotted(path)} imports {other}, which stands above it"
        for path in modules()
        for name in sorted(imports(path))
        if name.startswith("tinyperf.") and dotted(path)
        if layer_of(other := name.removeprefix("tinyperf.")) > layer_of(dotted(path))
    ]
    assert wrong == []


def test_only_the_edge_touches_the_world() -> None:
    wrong = [
        f"{dotted(path)} imports {name}"
        for path in modules()
        for name in sorted(imports(path))
        if (allowed := WORLD.get(name.split(".")[0])) is not None and not below(dotted(path), allowed)
    ]
    assert wrong == []


def test_no_import_runs_in_a_circle() -> None:
    """A module that must import inside a function to break a circle stands in the wrong place.

    The package itself is left out: for type checkers it imports every verb.
    """
    graph = {f"tinyperf.{dotted(path)}": imports(path) for path in modules() if dotted(path)}
    assert circles(graph) == []


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        pytest.param({"a": {"b"}, "b": {"c"}, "c": set()}, [], id="a chain is none"),
        pytest.param({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, [], id="a diamond is none"),
        pytest.param({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]], id="three in a ring"),
        pytest.param({"a": {"a"}}, [["a"]], id="one that names itself"),
        pytest.param({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]], id="two rings"),
    ],
)
def test_circles_are_found(edges: dict[str, set[str]], found: list[list[str]]) -> None:
    assert circles(edges) == found


def test_no_package_takes_a_verb_s_name() -> None:
    """Once imported, a package `tinyperf/data` would stand in `tinyperf.data` where the verb was."""
    verbs = {p.stem for p in (PACKAGE / "cli").glob("*.py") if not p.stem.startswith("_")}
    assert verbs & {dotted(p) for p in modules()} == set()


LONGEST = 60
"""Lines of a function, signature and docstring included."""


def test_no_function_is_long() -> None:
    content = [path for folder in ("energy", "models") for path in sorted((PACKAGE.parent / folder).glob("*.py"))]
    long = [
        f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name} has {lines} lines"
        for path in [*modules(), *content]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST
    ]
    assert long == []


@pytest.mark.parametrize("path", [p for p in modules() if dotted(p).startswith("rules.")], ids=dotted)
def test_rules_are_arithmetic_and_touch_no_file(path: Path) -> None:
    assert not imports(path) & {"json", "pathlib", "os", "io", "csv", "struct", "time"}
