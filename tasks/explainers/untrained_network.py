"""Control: the same explainer on the same network before training."""

from typing import ClassVar

from torch import nn

from tasks.explainers._controls import HoldingControl
from tasks.functional.reinitialise import reinitialised


class UntrainedNetwork(HoldingControl):
    """The held explainer on a re-initialised copy: what architecture and tissue alone draw."""

    source: ClassVar[str] = (
        "Adebayo et al. (2018), arXiv:1810.03292: all layers at once, see tasks.functional.reinitialise"
    )
    default_position: ClassVar[int] = 9

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the re-initialised copy, as the held explainer needs it."""
        return super().prepare(reinitialised(model, self.seed))
