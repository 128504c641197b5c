"""What sessions are made of in tests: what a device says when it is measured, as a transcript holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.device.happenings import sample_note
from tinyperf.formats.recorded import About, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinyperf.device.happenings import Record

ABOUT = About(
    id="20261125100000",
    mode="performance",
    model="kws01",
    vendor="nobody",
    profile="ULPMark for tinyML Firmware V0.0.1",
    classes=3,
    input_bytes=490,
    stride_bytes=0,
    warmups=1,
    inferences=100,
    created="2026-11-25T10:00:00+00:00",
    made_by="tinyperf: a test",
    where="sessions/x",
)


def trial(
    index: int,
    name: str,
    inferences: int,
    results: tuple[float, ...],
    *,
    stamps_us: tuple[int | None, int | None] = (None, None),
    host_s: tuple[float, float] = (0.0, 11.0),
    label: int | None = None,
) -> Trial:
    """One input measured; `stamps_us`, `host_s`: begin and end of the window by either clock."""
    return Trial(
        index=index,
        window=0,
        name=name,
        inferences=inferences,
        warmups=1,
        results=results,
        start_us=stamps_us[0],
        end_us=stamps_us[1],
        begin_s=host_s[0],
        end_s=host_s[1],
        at_s=host_s[1],
        label=label,
    )


def conversation(measured: Iterable[Trial], cut: int) -> Iterator[Record]:
    """What a transcript holds of these trials; what the device says comes in pieces of `cut` bytes."""
    for trial in measured:
        yield "note", sample_note(trial.index, trial.window, trial.name).encode(), trial.begin_s - 1
        yield "host", b"db load 490%", trial.begin_s - 1
        yield "device", b"m-[Expecting 490 bytes]\r\n\0m-ready\r\n", trial.begin_s - 0.9
        yield "host", f"infer {trial.inferences} {trial.warmups}%".encode(), trial.begin_s - 0.5
        yield from spoken(f"m-warmup-done\r\nm-infer-start-{trial.inferences}\r\n", trial.begin_s, cut)
        yield from spoken(f"m-lap-us-{trial.start_us}\r\n", trial.begin_s, cut)
        yield from spoken(f"m-lap-us-{trial.end_us}\r\nm-infer-done\r\n", trial.end_s, cut)
        results = ",".join(f"{v:.3f}" for v in trial.results)
        yield from spoken(f"m-results-[{results}]\r\nm-ready\r\n", trial.at_s, cut)


def spoken(text: str, at_s: float, cut: int) -> Iterator[Record]:
    data = text.encode()
    for at in range(0, len(data), cut):
        yield "device", data[at : at + cut], at_s
