"""Vision transformers: one plain network that takes the published weights of many encoders."""

import difflib
from typing import Annotated, ClassVar

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from tasks.models.encoders._published import PRESETS, VitPreset
from tasks.models.encoders._transform import Transformed
from tasks.models.encoders._weighted import WeightedEncoder, frozen
from tasks.models.errors import ModelError
from tasks.models.fitting import fitting
from tasks.models.published_weights import read_published
from tasks.models.vit import VisionTransformer
from tasks.models.vit_names import resized_positions, timm_names

_SAME_MPP = 0.01
"""Resolutions closer than this, as a share, are the same."""


def _preset(named: object) -> object:
    if isinstance(named, str) and named not in PRESETS:
        near = difflib.get_close_matches(named, PRESETS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"no preset {named!r}{hint}; there are: {', '.join(PRESETS)}")
    return named


class Vit(WeightedEncoder):
    """The class token of a vision transformer; of Virchow beside it the mean of the patches.

    ``preset`` names a published encoder, or describes one of your own. Weights may have the names of timm, of
    DINOv2 or of transformers: which, is told by the names themselves. Nothing is downloaded.
    """

    source: ClassVar[str] = (
        "Dosovitskiy et al. (2021), arXiv:2010.11929; DINOv2, Oquab et al. (2023), arXiv:2304.07193; "
        "registers, Darcet et al. (2023), arXiv:2309.16588; each preset cites its own"
    )

    preset: Annotated[str | VitPreset, BeforeValidator(_preset)]
    """A published encoder such as ``uni``, or the description of another."""
    mpp: float | None = Field(default=None, gt=0)
    """A resolution other than that of the encoder, where that is meant. None: the encoder's own alone."""

    @property
    def network(self) -> str:
        """The name of the preset."""
        return self.preset if isinstance(self.preset, str) else self.name

    @property
    def licence(self) -> str:
        """What the weights of the preset may be used for."""
        return self.described.licence

    @property
    def described(self) -> VitPreset:
        """What belongs to the encoder."""
        return PRESETS[self.preset] if isinstance(self.preset, str) else self.preset

    def refuse_tiles(self, tile_px: int, mpp: float) -> None:
        """Refuse tiles of a size or resolution that the encoder does not take."""
        known = self.described
        if known.tiles and tile_px not in known.tiles:
            sizes = " or ".join(map(str, known.tiles))
            raise ModelError(f"{self.network} takes tiles of {sizes} px, got {tile_px} px: set tile.tile_px")
        allowed = known.mpp if self.mpp is None else (self.mpp,)
        if allowed and not any(abs(mpp - each) <= _SAME_MPP * each for each in allowed):
            listed = " or ".join(f"{each:g}" for each in allowed)
            raise ModelError(
                f"{self.network} takes tiles at {listed} um/px, got {mpp:g}: set tile.mpp, or name this "
                "resolution in encoder.mpp if it is meant"
            )

    def build(self) -> nn.Module:
        """Return the network."""
        known = self.described
        with torch.device("meta"):
            network = VisionTransformer(known.shape)
        given = timm_names(read_published(self.file, self.title))
        if known.trained_px is not None and "pos_embed" in given:
            given["pos_embed"] = resized_positions(given["pos_embed"], known.shape, smooth=known.smooth)
        network.load_state_dict(fitting(given, network.state_dict(), self.title), assign=True)
        features = FromTokens(network, with_mean=known.features == "cls_and_mean")
        return frozen(Transformed(known.transform, features))


class FromTokens(nn.Module):
    """Maps normalised images to one vector each: the class token, and with it the mean of the patches."""

    def __init__(self, network: VisionTransformer, *, with_mean: bool) -> None:
        super().__init__()
        self.network = network
        self.with_mean = with_mean

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, dim], or [B, 2 dim] with the mean. Registers are left out of it."""
        tokens: Tensor = self.network(images)
        first = tokens[:, 0]
        if not self.with_mean:
            return first
        patches = tokens[:, 1 + self.network.shape.registers :]
        return torch.cat([first, patches.mean(1)], dim=1)
