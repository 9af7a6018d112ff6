"""Explaining tiles with the pixels around them: which tile has which surroundings, and what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from tasks.artifacts.afresh import Afresh
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.surrounded_index import SurroundedIndex
from tasks.functional.halo import images_at_once, middle, put_in_middle
from tasks.functional.passes import Passes
from tasks.functional.pixels import spans, to_images


@dataclass(frozen=True)
class HaloExplainer:
    """An explainer that is asked about tiles and explains them inside their surroundings.

    Metrics call it to explain changed tiles as the stored maps were made: the images that they give stand in
    the middle of what surrounded the tile of the same key, the larger image is explained, and its middle is
    returned. What surrounds a tile is never changed.

    Attributes:
        explainer: what made the stored maps, for images of the tile's size.
        slides: the slides whose tiles may be asked about; all have the same halo.
        batch: tiles at once; of the larger images fewer go through the network, so memory stays the same.
    """

    explainer: Explainer
    slides: Sequence[SurroundedTiles]
    batch: int

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the network that the explainer needs."""
        return self.explainer.prepare(model)

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, keys: Tensor) -> Tensor:
        """Return the maps [B, H, W] of images [B, C, H, W].

        Raises:
            ExplanationError: the surroundings of a tile were not read.
        """
        halo_px, tile_px = self._halo_px, images.shape[-1]
        fitted = self.explainer.with_halo(tile_px, halo_px)
        pieces = []
        for part in spans(len(images), images_at_once(self.batch, tile_px, halo_px)):
            shown = put_in_middle(self._surrounded(keys[part], images), images[part], halo_px)
            maps = fitted.attribute(model, shown, targets[part], keys[part])
            pieces.append(middle(maps, halo_px))
        return torch.cat(pieces)

    def passes(self) -> Passes:
        """Return the passes per image. Each image is larger than a tile."""
        if not self._halo_px:
            return self.explainer.passes()
        side = next(slide.pixels.shape[1] for slide in Afresh(self.slides) if len(slide.index))
        return self.explainer.with_halo(side - 2 * self._halo_px, self._halo_px).passes()

    @cached_property
    def _halo_px(self) -> int:
        return max((slide.halo_px for slide in Afresh(self.slides)), default=0)

    @cached_property
    def _places(self) -> SurroundedIndex:
        return SurroundedIndex.of(self.slides)

    def _surrounded(self, keys: Tensor, like: Tensor) -> Tensor:
        """Return the surrounded tiles [B, C, H + 2 halo, W + 2 halo] of some keys."""
        return to_images(self._places.pixels(keys.cpu().numpy()), like.device).to(like)


def refuse_fixed_size(model: nn.Module, image: Tensor, halo_px: int) -> None:
    """Ask a network about one surrounded tile [1, C, H, W] before anything is explained.

    Raises:
        ExplanationError: it takes images of one size only, or gives no logits [1, K] for a larger one.
    """
    tile, size = image.shape[-1] - 2 * halo_px, image.shape[-1]
    advice = f"explain.halo_px is {halo_px}, so tiles of {tile} px are explained in images of {size} px"
    try:
        with torch.no_grad():
            logits = model(image)
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError) as error:
        said = str(error).strip().partition("\n")[0]
        raise ExplanationError(
            f"{advice}, which the network does not take ({said}); set explain.halo_px to 0"
        ) from error
    if logits.ndim != 2:
        raise ExplanationError(
            f"{advice}, for which the network gives {list(logits.shape)} in place of one row of logits; "
            "set explain.halo_px to 0"
        )
