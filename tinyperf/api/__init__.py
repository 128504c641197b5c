"""Every verb as one typed function; notebooks, tests and the command line call these.

A path may be text or `Path`. Nothing heavy is imported before a verb is called.
"""

from tinyperf.api.energy import energy_check, energy_isolators, energy_monitors, energy_simulate
from tinyperf.api.firmware import (
    boards,
    build,
    doctor,
    flash,
    generate,
    generate_library,
    inspect,
    new_board,
    tflm_registered,
    tflm_use,
)
from tinyperf.api.learning import (
    data,
    data_synthetic,
    evaluate,
    models,
    models_pull,
    quantize,
    quantize_model,
    train,
    train_resume,
)
from tinyperf.api.measure import compare, console, emulate, profile, resume, run, run_all
from tinyperf.api.results import (
    energy_picture,
    energy_replay,
    plot_evaluation,
    published,
    published_standing,
    remark,
    replay,
    submission_build,
    submission_check,
)

__all__ = [
    "boards",
    "build",
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
    "published",
    "published_standing",
    "quantize",
    "quantize_model",
    "remark",
    "replay",
    "resume",
    "run",
    "run_all",
    "submission_build",
    "submission_check",
    "tflm_registered",
    "tflm_use",
    "train",
    "train_resume",
]
