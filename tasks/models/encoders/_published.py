"""Published vision transformers: their sizes, transforms, licences and sources, one row each.

Sizes and transforms are those of the loaders that their authors or TRIDENT publish. Licences are what the
cards of the models said when this table was written; the card that you accepted counts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.models.encoders._transform import TileTransform
from tasks.models.vit import VitShape


class VitPreset(BaseModel):
    """What belongs to one published encoder.

    Attributes:
        shape: the network.
        transform: what is done to a tile.
        tiles: sides in pixels that a tile may have; empty: any.
        mpp: resolutions that it was trained at, in micrometres per pixel of a tile; empty: any.
        features: ``cls``: the class token; ``cls_and_mean``: beside it the mean of the patches.
        trained_px: side of the images that its positions were trained for, where that is not ``shape.size``.
        smooth: whether positions of another size are resized with smoothing, as later releases of DINOv2 do.
        licence: what its weights may be used for.
        citation: where it was published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: VitShape
    transform: TileTransform = TileTransform()
    tiles: tuple[int, ...] = ()
    mpp: tuple[float, ...] = ()
    features: Literal["cls", "cls_and_mean"] = "cls"
    trained_px: int | None = Field(default=None, ge=1)
    smooth: bool = False
    licence: str = ""
    citation: str = ""

    @model_validator(mode="after")
    def _transform_gives_the_size(self) -> Self:
        side = self.transform.crop or self.transform.resize
        if side is None and self.tiles != (self.shape.size,):
            raise ValueError(f"without resize or crop, tiles must be [{self.shape.size}]")
        if side is not None and side != self.shape.size:
            raise ValueError(f"the transform gives images of {side} px, the network takes {self.shape.size}")
        return self


_NC_ND = (
    "CC-BY-NC-ND-4.0, gated; its terms count models trained on its outputs as derivatives: no commercial use "
    "and no redistribution"
)
_RESIZED = TileTransform(resize=224)
_BICUBIC = TileTransform(resize=224, interpolation="bicubic")
_H_OPTIMUS = TileTransform(mean=(0.707223, 0.578729, 0.703617), std=(0.211883, 0.230117, 0.177517))
_GIGAPATH = TileTransform(resize=256, crop=224, interpolation="bicubic")
_LUNIT = TileTransform(mean=(0.70322989, 0.53606487, 0.66096631), std=(0.21716536, 0.26081574, 0.20723464))
_KAIKO = TileTransform(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
_HALF = (0.5,)
_PYRAMID = (0.25, 0.5, 1.0, 2.0)
_EITHER = (224, 256)

_LARGE16 = VitShape(token_px=16, dim=1024, depth=24, heads=16, hidden=4096)
_HUGE14 = VitShape(token_px=14, dim=1280, depth=32, heads=16, hidden=3416, gated=True)
_GIANT14 = VitShape(
    token_px=14, dim=1536, depth=40, heads=24, hidden=4096, gated=True, registers=4, positions="patches"
)
_SMALL8 = VitShape(token_px=8, dim=384, depth=12, heads=6, hidden=1536, scaled=False)
_SMALL16 = VitShape(token_px=16, dim=384, depth=12, heads=6, hidden=1536, scaled=False)
_BASE16 = VitShape(token_px=16, dim=768, depth=12, heads=12, hidden=3072, scaled=False)


def _kaiko(shape: VitShape) -> VitPreset:
    return VitPreset(
        shape=shape,
        transform=_KAIKO,
        tiles=(224,),
        mpp=_PYRAMID,
        licence="kaiko.ai, non-commercial",
        citation="kaiko.ai, Aben et al. (2024), arXiv:2404.15217",
    )


def _dinov2(dim: int, depth: int, heads: int, hidden: int, *, registers: bool) -> VitPreset:
    shape = VitShape(
        token_px=14,
        dim=dim,
        depth=depth,
        heads=heads,
        hidden=hidden,
        gated=dim == 1536,
        registers=4 if registers else 0,
        positions="cls",
    )
    return VitPreset(
        shape=shape,
        transform=_BICUBIC,
        trained_px=518,
        smooth=registers,
        licence="Apache-2.0",
        citation="Oquab et al. (2023), arXiv:2304.07193; registers: Darcet et al. (2023), arXiv:2309.16588",
    )


PRESETS: Mapping[str, VitPreset] = MappingProxyType(
    {
        "uni": VitPreset(
            shape=_LARGE16,
            transform=_RESIZED,
            tiles=_EITHER,
            mpp=_HALF,
            licence=_NC_ND,
            citation="Chen et al. (2024), doi:10.1038/s41591-024-02857-3",
        ),
        "uni2_h": VitPreset(
            shape=_GIANT14.model_copy(update={"depth": 24, "registers": 8}),
            transform=_RESIZED,
            tiles=_EITHER,
            mpp=_HALF,
            licence=_NC_ND,
            citation="Chen et al. (2024), doi:10.1038/s41591-024-02857-3, second release (2025)",
        ),
        "virchow": VitPreset(
            shape=_HUGE14,
            transform=_BICUBIC,
            tiles=_EITHER,
            mpp=_HALF,
            features="cls_and_mean",
            licence="Apache-2.0, gated",
            citation="Vorontsov et al. (2024), doi:10.1038/s41591-024-03141-0",
        ),
        "virchow2": VitPreset(
            shape=_HUGE14.model_copy(update={"registers": 4, "positions": "all"}),
            transform=_BICUBIC,
            tiles=_EITHER,
            mpp=_PYRAMID,
            features="cls_and_mean",
            licence=_NC_ND,
            citation="Zimmermann et al. (2024), arXiv:2408.00738",
        ),
        "h_optimus_0": VitPreset(
            shape=_GIANT14,
            transform=_H_OPTIMUS,
            tiles=(224,),
            mpp=_HALF,
            licence="Apache-2.0",
            citation="Bioptimus (2024), H-optimus-0",
        ),
        "h_optimus_1": VitPreset(
            shape=_GIANT14,
            transform=_H_OPTIMUS,
            tiles=(224,),
            mpp=_HALF,
            licence=_NC_ND,
            citation="Bioptimus (2025), H-optimus-1",
        ),
        "prov_gigapath": VitPreset(
            shape=_GIANT14.model_copy(update={"token_px": 16, "registers": 0, "positions": "cls"}),
            transform=_GIGAPATH,
            tiles=(256,),
            mpp=_HALF,
            licence="for research, gated: see the terms that you accepted",
            citation="Xu et al. (2024), doi:10.1038/s41586-024-07441-w",
        ),
        "phikon": VitPreset(
            shape=_BASE16.model_copy(update={"eps": 1e-12}),
            transform=_RESIZED,
            tiles=_EITHER,
            mpp=_HALF,
            licence="Owkin, non-commercial",
            citation="Filiot et al. (2023), doi:10.1101/2023.07.21.23292757",
        ),
        "phikon_v2": VitPreset(
            shape=_LARGE16,
            transform=_RESIZED,
            tiles=_EITHER,
            mpp=_HALF,
            licence="Owkin, non-commercial",
            citation="Filiot et al. (2024), arXiv:2409.09173",
        ),
        "lunit_s8": VitPreset(
            shape=_SMALL8,
            transform=_LUNIT,
            tiles=(224,),
            mpp=(0.25, 0.5),
            licence="Lunit, non-commercial",
            citation="Kang et al. (2023), arXiv:2212.04690",
        ),
        "kaiko_s8": _kaiko(_SMALL8),
        "kaiko_s16": _kaiko(_SMALL16),
        "kaiko_b8": _kaiko(_BASE16.model_copy(update={"token_px": 8})),
        "kaiko_b16": _kaiko(_BASE16),
        "dinov2_s14": _dinov2(384, 12, 6, 1536, registers=False),
        "dinov2_b14": _dinov2(768, 12, 12, 3072, registers=False),
        "dinov2_l14": _dinov2(1024, 24, 16, 4096, registers=False),
        "dinov2_g14": _dinov2(1536, 40, 24, 4096, registers=False),
        "dinov2_s14_reg": _dinov2(384, 12, 6, 1536, registers=True),
        "dinov2_b14_reg": _dinov2(768, 12, 12, 3072, registers=True),
        "dinov2_l14_reg": _dinov2(1024, 24, 16, 4096, registers=True),
        "dinov2_g14_reg": _dinov2(1536, 40, 24, 4096, registers=True),
    }
)
"""The published encoders by name. ``kaiko_*`` and ``lunit_s8`` come with timm's names; ``dinov2_*`` are of
photographs, so they have no resolution and take tiles of any size."""
