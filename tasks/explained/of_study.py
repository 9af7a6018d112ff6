"""What of a study is explained: models, slides, and what the recipes and inputs of maps have in common."""

from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.explained.section import MOST_HALO_PX, ExplainSection
from tasks.explainers.base import Explainer
from tasks.slides.manifest import SlideRow
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import PlannedModel, TrainSection, models


def explained_rows(study: Study, model: PlannedModel) -> list[SlideRow]:
    """Return the slides that ``model`` explains."""
    splits = study.section(ExplainSection).splits
    return [row for row in model.rows(study.slides) if row.split in splits]


def explained_models(study: Study) -> list[tuple[PlannedModel, list[SlideRow]]]:
    """Return the models that explain any slide, each with the slides that it explains."""
    pairs = [(model, explained_rows(study, model)) for model in models(study)]
    return [(model, rows) for model, rows in pairs if rows]


def explained_slides(study: Study) -> list[str]:
    """Return the ids of the slides that any model explains, in the order of the manifest."""
    explained = {row.slide_id for _, rows in explained_models(study) for row in rows}
    return [row.slide_id for row in study.slides if row.slide_id in explained]


def halo_of(study: Study, explainer: Explainer) -> int:
    """Return how many pixels around a tile ``explainer`` sees; 0 for a map of the tile itself."""
    if not explainer.takes_halo:
        return 0
    asked = study.section(ExplainSection).halo_px
    if asked != "auto":
        return asked
    if study.section(TrainSection).recipe.network.module is not None:
        return 0
    return min(study.section(TilingRecipe).tile_px // 4, MOST_HALO_PX)


def surrounded_of(study: Study, explainer: Explainer, slide: str) -> dict[str, ArtifactKey]:
    """Return the surroundings that ``explainer`` needs of ``slide``; empty where it needs none."""
    return {"surrounded": ArtifactKey("surround", slide=slide)} if halo_of(study, explainer) else {}


def sample_of(study: Study) -> dict[str, int]:
    """Return the sample of tiles where there is one. The recipe of maps of all tiles does not mention it."""
    most = study.section(ExplainSection).most_tiles
    return {} if most is None else {"tiles_per_slide": most}


def dtype_recipe(study: Study) -> dict[str, str]:
    """Return how maps are stored. The recipe of maps of full precision does not mention it."""
    dtype = study.section(ExplainSection).map_dtype
    return {} if dtype == "float32" else {"map_dtype": dtype}


def maps_key(model: PlannedModel, explainer: Explainer, slide: str) -> ArtifactKey:
    """Return the key of the maps of ``explainer`` on ``slide``; those of a blind control are of no model."""
    return ArtifactKey("explain", None if explainer.blind else model.key, explainer.id, slide)


def calibration_of(study: Study, model: ModelKey, explainer: Explainer) -> dict[str, ArtifactKey]:
    """Return the calibration that ``explainer`` waits for as an input; empty where it waits for none."""
    recipe = explainer.calibration_recipe()
    if recipe is None:
        return {}
    return {"calibration": ArtifactKey("calibrate", model, study.section(ExplainSection).searches[recipe])}


def halo_recipe(study: Study, explainer: Explainer) -> dict[str, int]:
    """Return the halo where there is one. The recipe of maps without a halo does not mention it."""
    halo_px = halo_of(study, explainer)
    return {"halo_px": halo_px} if halo_px else {}
