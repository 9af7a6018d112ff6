"""Bytes of artifacts that nobody measured yet: computed where arrays have a shape, else a guess."""

from collections.abc import Callable

from flows.estimate.bags import BAG_STAGES, bag_size
from tasks.artifacts.key import ArtifactKey
from tasks.explain import ExplainSection, halo_of
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection

_PARAMETERS = {"resnet18": 11.2e6, "resnet34": 21.3e6, "resnet50": 23.5e6}
"""Parameters at width 1; they grow with the square of the width."""

_ROW = 200
"""Bytes of a row of a table about one tile."""

_PICTURES = 300_000
"""Bytes of the pictures and masks of a slide at low resolution."""

_SCORES = 2000
"""Bytes of the scores and curves of one tile and metric: a guess."""

_GEOJSON, _OME_TIFF = 61, 0.28
"""Bytes per tile of one export, and the fraction of raw maps that the other takes, as measured once."""

_PAGE, _SMALL = 2_000_000, 20_000
"""Bytes of a page or comparison of a study, and of a scale or calibration: a guess."""

MAP_BYTES = {"float16": 2, "float32": 4}
"""Bytes per value of a stored map, by ``explain.map_dtype``; compression saves a few hundredths."""


def computed_size(study: Study, key: ArtifactKey, tiles: int) -> tuple[float, bool]:
    """Return the bytes of an artifact about ``tiles`` tiles, and whether they are a guess."""
    if study.config.level == "slide" and key.stage in BAG_STAGES:
        return bag_size(study, key, tiles)
    if key.stage == "train":
        return _checkpoint_size(study)
    if key.stage in _TILES:
        pictures = _PICTURES if key.stage == "tile" else 0
        return pictures + tiles * _TILES[key.stage](study), key.stage in _GUESSED
    return float(_PAGE if key.stage in _PAGES else _SMALL), True


def _of_tile(study: Study) -> float:
    recipe = study.section(TilingRecipe)
    return _ROW + (3.0 * recipe.tile_px**2 if recipe.keep == "pixels" else 0.0)


def _of_surrounded_tile(study: Study) -> float:
    recipe = study.section(TilingRecipe)
    halo_px = max(halo_of(study, explainer) for explainer in study.section(ExplainSection).everything)
    return _ROW + (3.0 * (recipe.tile_px + 2 * halo_px) ** 2 if recipe.keep == "pixels" else 0.0)


def _of_map(study: Study) -> float:
    size = MAP_BYTES[study.section(ExplainSection).map_dtype]
    return _ROW + size * float(study.section(TilingRecipe).tile_px) ** 2


def _of_drawn_tile(study: Study) -> float:
    pixels, exports = study.section(TilingRecipe).tile_px ** 2, study.section(ExplainSection).heatmaps.exports
    raw = MAP_BYTES["float32"] * pixels * _OME_TIFF if "ome_tiff" in exports else 0.0
    return raw + (_GEOJSON if "geojson" in exports else 0) + _of_pictures(study)


def _of_pictures(study: Study) -> float:
    return float(study.section(TilingRecipe).tile_px ** 2)


_TILES: dict[str, Callable[[Study], float]] = {
    "tile": _of_tile,
    "surround": _of_surrounded_tile,
    "explain": _of_map,
    "predict": lambda study: _ROW,
    "draw": _of_drawn_tile,
    "record": _of_pictures,  # a copy of what was drawn, without the exports
    "evaluate": lambda study: _SCORES,
    "measure": lambda study: _SCORES,
}
"""Stages whose bytes grow with tiles, and the bytes of one tile."""

_GUESSED = frozenset({"draw", "record", "evaluate", "measure"})
_PAGES = frozenset({"compare", "review", "exemplify"})


def _checkpoint_size(study: Study) -> tuple[float, bool]:
    network = study.section(TrainSection).recipe.network
    if network.module is not None:
        return 4 * _PARAMETERS["resnet50"], True
    return 4 * _PARAMETERS[network.name] * network.width**2, False
