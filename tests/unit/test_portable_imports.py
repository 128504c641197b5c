"""Windows has none of these modules: every module of tinyperf must be importable without them, and so must --help."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import tinyperf

ABSENT = ("pty", "fcntl", "termios", "tty", "resource", "grp", "pwd", "readline")
OPTIONAL = ("unicorn", "capstone", "tensorflow", "keras", "onnx", "matplotlib", "plotly", "PIL", "soundfile", "mkdocs")


def test_every_module_is_imported_without_them() -> None:
    names = [
        found.name for found in pkgutil.walk_packages(tinyperf.__path__, "tinyperf.") if "__main__" not in found.name
    ]
    assert len(names) > 300
    code = f"""
import importlib, sys
import serial, serial.tools.list_ports  # what it needs of a system is its own
for name in {(*ABSENT, *OPTIONAL)!r}:
    sys.modules[name] = None
failed = []
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ImportError as exc:
        failed.append(f"{{name}}: {{exc}}")
print("\\n".join(failed))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split("\n") == ["", ""]
