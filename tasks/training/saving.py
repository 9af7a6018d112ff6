"""When an unfinished epoch is saved: after so many minutes, so that a kill loses no more than these."""

from pathlib import Path
from time import monotonic

import torch

from tasks.training.costs import CostClock
from tasks.training.epoch_sums import EpochSums
from tasks.training.run import TrainingRun
from tasks.training.unfinished import collected

SHARED_EVERY = 20
"""Steps between two looks at the clock where several processes train. They must agree, and that waits."""


class EpochSaver:
    """Saves a run in ``work`` within its epochs, when ``save_minutes`` have passed since it was saved last.

    Where several processes train, the clock of the first decides for all, and only the first writes.
    """

    def __init__(self, run: TrainingRun, work: Path, clock: CostClock) -> None:
        self._run, self._work, self._clock = run, work, clock
        self._seconds = 60 * run.job.resources.save_minutes
        self._saved = monotonic()
        self._counted = 0

    def begin_epoch(self) -> None:
        """Note that the run was just saved, or has just begun, before the next epoch."""
        self._saved = monotonic()
        self._counted = 0 if self._run.unfinished is None else self._run.unfinished.steps
        self._clock.begin_steps()

    def after_step(self, sums: EpochSums) -> None:
        """Save the run if it is time to."""
        if not self._due(sums.steps):
            return
        run = self._run
        self._clock.end_steps()
        streams = list(run.arm.generators)
        unfinished = collected(sums, streams, run.device, with_globals=run.job.draws_globally)
        if run.job.rank.first:
            run.costs = run.costs.plus(self._clock.costs(self.tiles_of(sums.steps)))
            run.save(self._work, unfinished)
        self._counted, self._saved = sums.steps, monotonic()
        self._clock.begin_steps()

    def tiles_of(self, steps: int) -> int:
        """Return the tiles of an epoch's first ``steps`` that no saved costs count yet."""
        return (steps - self._counted) * self._run.job.step_size

    def _due(self, steps: int) -> bool:
        rank, late = self._run.job.rank, monotonic() - self._saved >= self._seconds
        if rank.count == 1:
            return late
        if steps % SHARED_EVERY:
            return False
        return bool(rank.mean(torch.tensor(float(late and rank.first), device=self._run.device)) > 0)
