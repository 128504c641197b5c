"""Accuracy mode: every input once, spread over as many devices as help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.session import parallel, store
from tinyperf.session.record import Spent

if TYPE_CHECKING:
    from tinyperf.session.plan import Prepared
    from tinyperf.session.progress import Progress
    from tinyperf.session.store import Session


def measure(session: Session, prepared: Prepared, progress: Progress) -> Spent:
    """The inputs that the session lacks."""
    transcripts = store.read_back(session.at)
    done = {key for one in transcripts for key in one.trials}
    begun = frozenset(key for one in transcripts for key in one.begun)
    samples = session.record.planned.samples
    wanted = [(index, window) for index, sample in enumerate(samples) for window in range(sample.windows)]
    missing = [key for key in wanted if key not in done]
    if not missing:
        return Spent()
    jobs = parallel.jobs_for(prepared, len(missing))
    spent = parallel.run(
        [
            parallel.Share(session.at, prepared, number, tuple(keys), begun)
            for number, keys in enumerate(parallel.split(missing, jobs))
        ],
        lambda identity: session.learn(**identity),
        lambda count: progress("inputs", len(wanted) - len(missing) + count, len(wanted)),
    )
    total_s = (spent.download_s or 0.0) + (spent.infer_s or 0.0)
    return Spent(
        download_s=spent.download_s,
        infer_s=spent.infer_s,
        jobs=jobs,
        inputs=len(missing),
        seconds_per_input=round(total_s / len(missing), 6),
    )
