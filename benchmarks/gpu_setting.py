"""What :mod:`benchmarks.gpu` is measured on: the full setting and the rehearsal."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.models.recipe import NetworkRecipe


@dataclass(frozen=True)
class GpuSetting:
    """Sizes of everything that is measured.

    Attributes:
        device: the torch device that is measured; the CPU is what it must agree with.
        rehearsal: whether the inputs are so small that speeds mean nothing.
        networks: what is trained, by name.
        tile_px: side of a tile when speed is measured.
        batch: tiles of a training step.
        explained: tiles that are explained at once.
        steps: training steps that are timed.
        seconds: how long an explainer is timed, at least.
        small: the network on which agreement is measured: it needs no size.
        small_px: its tiles.
        images: tiles on which agreement is measured.
        metric_images: tiles that are scored when speed is measured.
        draws: settings of explainers whose cost is linear in them.
    """

    device: str
    rehearsal: bool
    networks: Mapping[str, NetworkRecipe]
    tile_px: int
    batch: int
    explained: int
    steps: int
    seconds: float
    small: NetworkRecipe
    small_px: int
    images: int
    metric_images: int
    draws: Mapping[str, Mapping[str, int]]

    @classmethod
    def full(cls, device: str) -> "GpuSetting":
        """Return the setting of a run of a few minutes on a GPU."""
        names = ("resnet18", "resnet50")
        return cls(
            device=device,
            rehearsal=False,
            networks={n: NetworkRecipe.model_validate({"name": n, "width": 1}) for n in names},
            tile_px=224,
            batch=128,
            explained=64,
            steps=40,
            seconds=1.5,
            small=NetworkRecipe(width=0.5),
            small_px=64,
            images=8,
            metric_images=32,
            draws={
                "noisegrad": {"draws": 8},
                "fusiongrad": {"draws": 4, "samples": 4},
                "smoothgrad": {"samples": 8},
                "integrated_gradients": {"steps": 8},
                "rise": {"draws": 32},
                "occlusion": {"windows": 4},
            },
        )

    @classmethod
    def tiny(cls, device: str) -> "GpuSetting":
        """Return the setting of the rehearsal."""
        one = {"draws": 1, "samples": 1}
        return cls(
            device=device,
            rehearsal=True,
            networks={"resnet18": NetworkRecipe(width=0.125)},
            tile_px=32,
            batch=4,
            explained=2,
            steps=1,
            seconds=0.0,
            small=NetworkRecipe(width=0.125),
            small_px=32,
            images=2,
            metric_images=2,
            draws={
                "noisegrad": {"draws": 1},
                "fusiongrad": one,
                "smoothgrad": {"samples": 1},
                "integrated_gradients": {"steps": 2},
                "rise": {"draws": 2},
                "occlusion": {"windows": 2},
            },
        )
