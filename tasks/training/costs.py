"""What a training has cost so far, summed over all the calls it took."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingCosts:
    """Costs of the finished epochs of a training, over all calls that trained them.

    They are kept with the resume state and reported in the record beside the checkpoint. The checkpoint
    itself holds no measurement, so that the same training gives the same bytes.

    Attributes:
        seconds: wall-clock time of each call from its start to its last finished epoch. What a call spent
            on an epoch that was cut off is not counted.
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
            "tiles_per_second": self.tiles / self.step_seconds if self.step_seconds else 0.0,
            "peak_memory_mb": self.peak_memory_mb,
            "epochs": float(self.epochs),
        }
