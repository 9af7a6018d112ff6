"""What a search for a dose is made with."""

from dataclasses import dataclass

from tasks.training.job import TrainingJob


@dataclass(frozen=True)
class DoseSettings:
    """The training of the arm and the measurement of its check.

    Attributes:
        job: the training of the arm, with ``arm.dose``; its seed is not used.
        seeds: the seeds of the networks that are trained for each dose.
        target: index of the explained class.
        batch: tiles in flight while the check is measured; a resource.
    """

    job: TrainingJob
    seeds: tuple[int, ...]
    target: int
    batch: int = 64
