"""The layers of the code: who may import whom, and who may touch the world."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "tinyperf"

# Lowest first; a module imports only from its own layer and from those before it.
LAYERS = [
    ["errors"],
    ["content", "cores", "ctext", "result", "request"],
    ["templates", "options"],
    [
        "benchmark",
        "board",
        "tflite",
        "wire",
        "measure.monitor",
        "engines",
        "rules",
        "device.protocol",
        "device.link",
        "firmware.render",
    ],
    ["measure.recorder"],
    ["datasets"],
    ["learn"],
    ["device", "virtual", "firmware"],
    ["session", "measure", "diagnosis"],
    ["api"],
    ["cli", "__main__"],
]

# Top-level modules of the standard library or PyPI -> where they may be imported.
WORLD = {
    "serial": {"device", "virtual", "diagnosis", "firmware.flash"},
    "subprocess": {"device", "firmware", "engines.aot.host", "diagnosis", "learn", "virtual"},
    "socket": {"device", "virtual"},
    "unicorn": {"virtual.board"},
    "tensorflow": {"learn"},
    "keras": {"learn"},
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


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            if node.module.startswith("tinyperf"):
                found |= {
                    f"{node.module}.{alias.name}"
                    for alias in node.names
                    if (PACKAGE.parent / node.module.replace(".", "/") / f"{alias.name}.py").exists()
                }
    return found


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_point_downward(path: Path) -> None:
    own = dotted(path)
    for name in imports(path):
        if name.startswith("tinyperf.") and own:
            other = name.removeprefix("tinyperf.")
            assert layer_of(other) <= layer_of(own), f"{own} imports {other}, which stands above it"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_only_the_edge_touches_the_world(path: Path) -> None:
    own = dotted(path)
    for name in imports(path):
        allowed = WORLD.get(name.split(".")[0])
        assert allowed is None or any(own == a or own.startswith(a + ".") for a in allowed), f"{own} imports {name}"


def test_no_package_takes_a_verb_s_name() -> None:
    """Once imported, a package `tinyperf/data` would stand in `tinyperf.data` where the verb was."""
    verbs = {p.stem for p in (PACKAGE / "cli").glob("*.py") if not p.stem.startswith("_")}
    assert verbs & {dotted(p) for p in modules()} == set()
