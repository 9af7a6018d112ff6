"""What a training has cost so far, summed over all the calls it took."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

SPEED = "tiles_per_second"


@dataclass(frozen=True)
class TrainingCosts:
    """Costs of what a training has saved, over all calls that worked on it.

    They are kept with the resume state and reported in the record beside the checkpoint. The checkpoint
    itself holds no measurement, so that the same training gives the same bytes.

    Attributes:
        seconds: wall-clock time of each call from its start to the last time it saved. What a call spent
            after that is not counted.
        step_seconds: the time of training steps alone, without validation and saving.
        tiles: tiles trained on.
        epochs: finished epochs.
        peak_memory_mb: the highest peak of any call, in MiB.
    """

    seconds: float = 0.0
    step_seconds: float = 0.0
    tiles: int = 0
    epochs: int = 0
    peak_memory_mb: float = 0.0

    def plus(self, other: "TrainingCosts") -> "TrainingCosts":
        """Return the sum of both; of the two memory peaks the higher one."""
        return TrainingCosts(
            seconds=self.seconds + other.seconds,
            step_seconds=self.step_seconds + other.step_seconds,
            tiles=self.tiles + other.tiles,
            epochs=self.epochs + other.epochs,
            peak_memory_mb=max(self.peak_memory_mb, other.peak_memory_mb),
        )

    @property
    def measures(self) -> dict[str, float]:
        """The measures of a training record."""
        return {
            "seconds": self.seconds,
            SPEED: self.tiles / self.step_seconds if self.step_seconds else 0.0,
            "peak_memory_mb": self.peak_memory_mb,
            "epochs": float(self.epochs),
        }


class CostClock:
    """Measures what was spent since it was last read, and how much of it on training steps."""

    def __init__(self, peak_memory_mb: Callable[[], float]) -> None:
        self._memory = peak_memory_mb
        self._read = perf_counter()
        self._begun: float | None = None
        self._steps = 0.0

    def begin_steps(self) -> None:
        """Count the time from now on as that of training steps."""
        self._begun = perf_counter()

    def end_steps(self) -> None:
        """Stop counting it."""
        assert self._begun is not None
        self._steps, self._begun = self._steps + perf_counter() - self._begun, None

    def costs(self, tiles: int = 0, epochs: int = 0) -> TrainingCosts:
        """Return the costs since the last reading, in which so many tiles and epochs were done."""
        before, self._read = self._read, perf_counter()
        steps, self._steps = self._steps, 0.0
        return TrainingCosts(self._read - before, steps, tiles, epochs, self._memory())
