"""Room and memory of studies of level slide: features, slide models, values of tiles and their drawings."""

from tasks.artifacts.key import ArtifactKey
from tasks.draw import drawn_slides
from tasks.embed import EmbedSection
from tasks.explain import ExplainSection, explained_slides
from tasks.models.encoders.base import Encoder
from tasks.models.encoders.vit import Vit
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection, models
from tasks.training.bag_recipe import BagRecipe

_DIMS = {"colour_statistics": 27, "resnet50": 2048, "efficientnet_lite0": 1280}
"""Numbers of a feature, where the encoder has one size."""
_LIKELY_DIM = 1024
"""Numbers of a feature of an encoder that has to be opened to know: a guess."""

_BYTES = {"float16": 2, "float32": 4}
_PLACE, _VALUE = 60, 30
"""Bytes of a row about a tile beside its features, and of one value of a map, compressed."""
_OVERLAY = 200_000
"""Bytes of one drawing of a slide: a guess."""
_EXPORTED = 90
"""Bytes of a tile in the exports of one model, compressed: a guess."""

_HELD = 4
"""How many arrays of the size of a bag a slide model holds in a pass, the bag itself included: a guess."""
_ASKED_AT_ONCE = 1 << 15
"""Tiles that metrics ask about at once."""
_PER_INPUT = 64
"""How many times the bytes of its input an encoder holds in a pass: a guess."""

BAG_STAGES = frozenset({"embed", "train", "predict", "explain", "draw", "record"})
"""Stages whose room is of another kind than where models are asked about tiles."""


def feature_dim(encoder: Encoder) -> tuple[int, bool]:
    """Return how many numbers a feature has, and whether that is a guess."""
    if isinstance(encoder, Vit):
        known = encoder.described
        return known.shape.dim * (2 if known.features == "cls_and_mean" else 1), False
    found = _DIMS.get(encoder.name)
    return (_LIKELY_DIM, True) if found is None else (found, False)


def bag_size(study: Study, key: ArtifactKey, tiles: int) -> tuple[float, bool]:
    """Return the bytes of an artifact about ``tiles`` tiles, and whether they are a guess."""
    dim, guessed = feature_dim(study.section(EmbedSection).encoder)
    match key.stage:
        case "embed":
            return tiles * (dim * _BYTES[study.section(EmbedSection).dtype] + _PLACE), guessed
        case "train":
            return 4.0 * _parameters(study, key, dim), guessed
        case "explain":
            return float(tiles * _VALUE), False
        case "draw":
            return _drawn(study, tiles), True
        case "record":
            explainers = len(study.section(ExplainSection).explainers)
            return float(len(drawn_slides(study)) * explainers * _pictures(study)), True
        case _:
            return float(_PLACE * len(explained_slides(study))), False


def bag_memory(study: Study, stage: str, most_tiles: int) -> float | None:
    """Return the bytes that a stage needs beside the libraries; None where it is not known.

    Args:
        study: a study of level slide.
        stage: its name.
        most_tiles: tiles of the slide that has the most.
    """
    dim, _ = feature_dim(study.section(EmbedSection).encoder)
    recipe, slots = study.section(TrainSection).recipe, len(study.device_slots)
    match stage:
        case "embed":
            side = study.section(TilingRecipe).tile_px
            return slots * 4.0 * 3 * study.config.resources.batch * side**2 * _PER_INPUT
        case "train":
            shown = min(most_tiles, (recipe.bag or BagRecipe()).tiles_per_bag)
            return slots * 2 * 4.0 * recipe.batch * shown * dim * _HELD
        case "predict" | "explain":
            return slots * 4.0 * most_tiles * dim * _HELD
        case "evaluate":
            return slots * 4.0 * max(most_tiles, _ASKED_AT_ONCE) * dim * _HELD
        case _:
            return None


def _parameters(study: Study, key: ArtifactKey, dim: int) -> int:
    """Return how many numbers a slide model has; it is built to count them, which takes no data."""
    section = study.section(TrainSection)
    arm = next((arm for arm in section.arms if key.model and arm.id == key.model.arm), section.arms[0])
    bag = arm.applied_to(section.recipe).bag or BagRecipe()
    network = bag.model.build(dim, len(section.recipe.classes), 0)
    return sum(each.numel() for each in network.parameters())


def _drawn(study: Study, tiles: int) -> float:
    """Return the bytes of the drawings of one slide; ``tiles`` are counted once per model."""
    exports = study.section(ExplainSection).heatmaps.exports
    return _pictures(study) + (tiles * _EXPORTED if exports else 0)


def _pictures(study: Study) -> float:
    """Return the bytes of an overlay per model, the sheet and the leading tiles of one slide."""
    return float(_OVERLAY * (len(models(study)) + 2))
