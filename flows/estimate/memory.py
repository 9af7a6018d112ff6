"""Memory that stages need at most, as far as it can be computed before anything ran."""

from flows.estimate.bags import bag_memory
from tasks.explain import ExplainSection, halo_of
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection

LIBRARIES = 700_000_000
"""Bytes of a process that has imported torch, MONAI and the rest."""

_READER = 200_000_000
"""Bytes of an open slide with its caches, and of the block that is being read."""

_OVERVIEW_BYTES = 16
"""Bytes per pixel of the picture in which tissue is looked for: colours, saturation and masks."""

_FEATURES = 64
"""How many times the bytes of its input a network holds in a pass, at width 1. It is a guess."""


def memory_of(study: Study, stage: str, largest_um2: float, most_tiles: int = 0) -> float | None:
    """Return the bytes of memory that a stage needs, the libraries included; None where it is not known.

    Args:
        study: the study.
        stage: its name.
        largest_um2: area of the largest slide in square micrometres.
        most_tiles: tiles of the slide that has the most; slide models hold all of them at once.
    """
    if study.config.level == "slide" and stage not in ("tile", "surround"):
        needed = bag_memory(study, stage, most_tiles)
        return None if needed is None else LIBRARIES + needed
    recipe, resources = study.section(TilingRecipe), study.config.resources
    explaining = study.section(ExplainSection)
    halo_px = max((halo_of(study, explainer) for explainer in explaining.everything), default=0)
    match stage:
        case "tile" | "surround":
            overview = largest_um2 / recipe.tissue_mpp**2 * _OVERVIEW_BYTES
            return LIBRARIES + resources.workers * (_READER + overview)
        case "train":
            batch = study.section(TrainSection).recipe.batch
            return LIBRARIES + 2 * _pass(study, batch, recipe.tile_px)
        case "predict" | "measure":
            return LIBRARIES + _pass(study, resources.batch, recipe.tile_px)
        case "explain" | "evaluate":
            return LIBRARIES + 2 * _pass(study, resources.batch, recipe.tile_px + 2 * halo_px)
        case _:
            return None


def _pass(study: Study, batch: int, side_px: int) -> float:
    width = study.section(TrainSection).recipe.network.width
    return len(study.device_slots) * 4.0 * 3 * batch * side_px**2 * _FEATURES * width
