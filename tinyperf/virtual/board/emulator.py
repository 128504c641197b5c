"""The package `unicorn`: the only module that imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinyperf.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from tinyperf.cores import Core

NEVER = 0xFFFFFFFE
"""No code lies here: a run until here ends for another reason."""


def unicorn_module() -> Any:
    """The `unicorn` package.

    Raises: MissingExtraError: it is not installed.
    """
    try:
        import unicorn
    except ImportError as exc:
        raise MissingExtraError(
            "the Python package 'unicorn' is not installed",
            means="the virtual board runs on Unicorn, whose engine is GPLv2, so it is an extra of its own",
            hint="pip install 'tinyperf[virtual]'",
        ) from exc
    return unicorn


def library() -> Any:
    """Its C library, for calls that cost less without the package's own wrappers."""
    from unicorn.unicorn_py3.unicorn import uclib

    return uclib


def register(name: str) -> int:
    """Unicorn's number of a register such as R0 or XPSR."""
    from unicorn import arm_const

    return int(getattr(arm_const, f"UC_ARM_REG_{name}"))


def fresh(core: Core) -> Any:
    """A new emulator of this core, without memories.

    Raises: UsageError: Unicorn has no such core. MissingExtraError: it is not installed.
    """
    u = unicorn_module()
    from unicorn import arm_const

    if core.unicorn is None:
        raise UsageError(f"Unicorn has no {core.title}", hint="a board of such a core runs under QEMU, or on silicon")
    uc = u.Uc(u.UC_ARCH_ARM, u.UC_MODE_THUMB)
    uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{core.unicorn}"))
    return uc
