"""tinyperf: one number you can trust for a TinyML model on a microcontroller.

Every verb of the command line is a function here: `tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True)`.
`import tinyperf` itself is instant: a name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyperf.api import (
        boards,
        boards_picture,
        budget_table,
        build,
        check_budget,
        compare,
        console,
        data,
        data_synthetic,
        doctor,
        emulate,
        energy_check,
        energy_isolators,
        energy_monitors,
        energy_picture,
        energy_replay,
        energy_simulate,
        evaluate,
        flash,
        generate,
        generate_library,
        inspect,
        models,
        models_pull,
        new_board,
        plot_evaluation,
        profile,
        profile_beside,
        profile_boards,
        profile_picture,
        profile_plans,
        published,
        published_standing,
        quantize,
        quantize_model,
        remark,
        replay,
        report,
        resume,
        run,
        run_all,
        sessions_diff,
        sessions_list,
        sessions_schema,
        sessions_show,
        submission_build,
        submission_check,
        sweep,
        tflm_registered,
        tflm_use,
        train,
        train_resume,
        tune,
    )
    from tinyperf.errors import TinyperfError
    from tinyperf.request import RunOptions
    from tinyperf.result import RunResult

__version__ = "0.1.0"  # the one place: pyproject.toml reads it here

__all__ = [
    "RunOptions",
    "RunResult",
    "TinyperfError",
    "__version__",
    "boards",
    "boards_picture",
    "budget_table",
    "build",
    "check_budget",
    "compare",
    "console",
    "data",
    "data_synthetic",
    "doctor",
    "emulate",
    "energy_check",
    "energy_isolators",
    "energy_monitors",
    "energy_picture",
    "energy_replay",
    "energy_simulate",
    "evaluate",
    "flash",
    "generate",
    "generate_library",
    "inspect",
    "models",
    "models_pull",
    "new_board",
    "plot_evaluation",
    "profile",
    "profile_beside",
    "profile_boards",
    "profile_picture",
    "profile_plans",
    "published",
    "published_standing",
    "quantize",
    "quantize_model",
    "remark",
    "replay",
    "report",
    "resume",
    "run",
    "run_all",
    "sessions_diff",
    "sessions_list",
    "sessions_schema",
    "sessions_show",
    "submission_build",
    "submission_check",
    "sweep",
    "tflm_registered",
    "tflm_use",
    "train",
    "train_resume",
    "tune",
]

_TYPES = {"RunOptions": "request", "RunResult": "result", "TinyperfError": "errors"}
"""Where what is no verb comes from."""


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


if not TYPE_CHECKING:  # type checkers read the imports above, and know a misspelt name from a verb

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            msg = f"module 'tinyperf' has no attribute '{name}'"
            raise AttributeError(msg)
        found = getattr(importlib.import_module(f"tinyperf.{_TYPES.get(name, 'api')}"), name)
        globals()[name] = found
        return found
