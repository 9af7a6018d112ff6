"""Which way is better where a map is held against a mask."""

from typing import Literal

from tasks.faithfulness._evidence import MaskName


def mask_direction(mask: MaskName) -> Literal["higher", "none"]:
    """Return ``higher``, but ``none`` for an artefact.

    A faithful map of a model that looks at the pen lies on the pen: this tells about the model, and neither
    end is a merit of the map.
    """
    return "none" if mask == "artefact" else "higher"
