"""What can stop a training."""


class TrainingDataError(Exception):
    """The tiles cannot be trained on as they are; the message is one sentence."""


class StoppedError(Exception):
    """Training cannot continue. ``epoch`` (from 1) says when it stopped; the message is one sentence."""

    def __init__(self, epoch: int, sentence: str) -> None:
        super().__init__(sentence)
        self.epoch = epoch


class DivergedError(StoppedError):
    """The loss is no longer a finite number."""

    def __init__(self, epoch: int, name: str, value: float) -> None:
        super().__init__(
            epoch, f"training diverged in epoch {epoch}: {name} is {value}; needed a finite number"
        )


class CollapsedError(StoppedError):
    """The weights have no gradient any more, or the network gives all tiles the same answer."""
