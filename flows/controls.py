"""The maps that every explanation is held against, where a study names none itself."""

from typing import Any

BLIND = (
    "random_map",
    "blurred_noise",
    "uniform_map",
    "edge_map",
    "optical_density",
    "tissue_mask",
    "centre_prior",
)
"""They never see a network."""

HOLDING = ("shuffled_map", "untrained_network")
"""They hold an explainer: its values without their places, and its maps of a network that learned nothing."""


def all_controls(explainer: Any) -> list[Any]:
    """Return every control as a study file would list it, with ``explainer`` held where one is."""
    return [*({"name": name} for name in BLIND), *({"name": name, "base": explainer} for name in HOLDING)]
