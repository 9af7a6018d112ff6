"""Bytes of artifacts that nobody measured yet: computed where arrays have a shape, else a guess."""

from tasks.artifacts.key import ArtifactKey
from tasks.explain import ExplainSection, halo_of
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection

_PARAMETERS = {"resnet18": 11.2e6, "resnet34": 21.3e6, "resnet50": 23.5e6}
"""Parameters at width 1; they grow with the square of the width."""

_ROW = 200
"""Bytes of a row of a table about one tile."""

_SCORES = 2000
"""Bytes of the scores and curves of one tile and metric: a guess."""

_GEOJSON, _OME_TIFF = 474, 0.28
"""Bytes per tile of one export, and the fraction of raw maps that the other takes, as measured once."""

_PAGE, _SMALL = 2_000_000, 20_000
"""Bytes of a page or comparison of a study, and of a scale or calibration: a guess."""

MAP_BYTES = 4
"""Bytes per value of a stored map."""


def computed_size(study: Study, key: ArtifactKey, tiles: int) -> tuple[float, bool]:
    """Return the bytes of an artifact about ``tiles`` tiles, and whether they are a guess."""
    recipe = study.section(TilingRecipe)
    pixels = recipe.tile_px**2
    match key.stage:
        case "tile":
            return tiles * (_ROW + stored_pixel_bytes(recipe) * pixels), False
        case "surround":
            return tiles * 3.0 * (recipe.tile_px + 2 * _halo_px(study)) ** 2, False
        case "explain":
            return tiles * (_ROW + float(MAP_BYTES) * pixels), False
        case "predict":
            return tiles * float(_ROW), False
        case "train":
            return _checkpoint_size(study)
        case "draw" | "record":
            return tiles * _exported(study, pixels), True
        case "evaluate" | "measure":
            return tiles * float(_SCORES), True
        case "compare" | "review" | "exemplify":
            return float(_PAGE), True
        case _:
            return float(_SMALL), True


def stored_pixel_bytes(recipe: TilingRecipe) -> int:
    """Return the bytes that a TileSet keeps for each pixel of a tile: its colour and two masks."""
    return 3 + 2


def _checkpoint_size(study: Study) -> tuple[float, bool]:
    network = study.section(TrainSection).recipe.network
    if network.module is not None:
        return 4 * _PARAMETERS["resnet50"], True
    return 4 * _PARAMETERS[network.name] * network.width**2, False


def _exported(study: Study, pixels: int) -> float:
    exports = study.section(ExplainSection).heatmaps.exports
    raw = MAP_BYTES * pixels * _OME_TIFF if "ome_tiff" in exports else 0.0
    return raw + (_GEOJSON if "geojson" in exports else 0) + pixels


def _halo_px(study: Study) -> int:
    return max(halo_of(study, explainer) for explainer in study.section(ExplainSection).everything)
