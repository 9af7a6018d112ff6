"""Some tiles of one slide on the device."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tasks.evidence.slide import MaskName, SlideEvidence
from tasks.evidence.sources import Rows
from tasks.functional.tile_keys import tile_keys


@dataclass(frozen=True)
class TileBlock:
    """Some tiles of one slide on the device, few enough for one forward pass; an element is a pixel.

    ``images`` float32 [n, 3, H, W] in [0, 1], ``targets`` and ``keys`` int64 [n].
    """

    slide: SlideEvidence
    rows: Rows
    images: Tensor
    targets: Tensor
    keys: Tensor

    @classmethod
    def of(cls, slide: SlideEvidence, rows: Rows, device: torch.device) -> "TileBlock":
        """Open some tiles of a slide."""
        return cls(
            slide=slide,
            rows=rows,
            images=slide.images(rows, device),
            targets=torch.from_numpy(slide.targets[rows]).to(device),
            keys=tile_keys(slide.sample_ids(rows)).to(device),
        )

    @property
    def inputs(self) -> Tensor:
        """The images."""
        return self.images

    @property
    def element_count(self) -> int:
        """The pixels of a tile, H * W."""
        return self.images[0, 0].numel()

    @property
    def elements(self) -> None:
        """None: all tiles have the same pixels."""
        return None

    def attributions(self, explainer_id: str) -> Tensor:
        """Return float32 [n, H, W]."""
        return torch.from_numpy(self.slide.maps(explainer_id, self.rows)).to(self.images.device)

    def completeness_errors(self, explainer_id: str) -> Tensor:
        """Return float64 [n]; NaN where the explainer names no reference."""
        errors = self.slide.completeness_errors(explainer_id, self.rows)
        return torch.from_numpy(errors).to(self.images.device)

    def halo_sums(self, explainer_id: str) -> Tensor:
        """Return float64 [n]; 0 for maps without a halo."""
        return torch.from_numpy(self.slide.halo_sums(explainer_id, self.rows)).to(self.images.device)

    def mask(self, name: MaskName) -> Tensor:
        """Return bool [n, H, W]."""
        return torch.from_numpy(self.slide.mask(name, self.rows)).to(self.images.device)

    @cached_property
    def kept(self) -> dict[Hashable, Tensor]:
        """Results computed from the tiles alone, by name; they live as long as the block."""
        return {}

    @cached_property
    def tissue(self) -> Tensor:
        """Bool [n, H, W]."""
        return torch.from_numpy(self.slide.tissue(self.rows)).to(self.images.device)

    @cached_property
    def tissue_colour(self) -> Tensor:
        """[3], the slide's mean tissue colour."""
        return torch.from_numpy(self.slide.tissue_colour).to(self.images)
