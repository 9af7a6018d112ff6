"""Controls that see no network."""

from typing import ClassVar

from tasks.explainers.base import Explainer, Kind
from tasks.functional.passes import Passes


class BlindControl(Explainer):
    """A map made of the image alone, or of nothing: it costs no pass and is no explanation."""

    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True

    def passes(self) -> Passes:
        """None."""
        return Passes()
