"""What can stop a training."""


class TrainingDataError(Exception):
    """The tiles cannot be trained on as they are; the message is one sentence."""


class DivergedError(Exception):
    """The loss is no longer a finite number; ``epoch`` (from 1) says when."""

    def __init__(self, epoch: int, name: str, value: float) -> None:
        super().__init__(f"training diverged in epoch {epoch}: {name} is {value}; needed a finite number")
        self.epoch = epoch
