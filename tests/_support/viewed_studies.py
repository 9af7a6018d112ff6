"""A home with a review page over slides on disk, as a study leaves it, without any training."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from flows.config import StudyConfig
from flows.open_study import open_study
from flows.viewing.listed import ListedStudy, list_study
from tasks.artifacts.attributions import Attributions, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.review.job import ReviewedExplainer, ReviewJob
from tasks.reporting.review.write import write_review
from tasks.study.study import Study
from tasks.tiling.build import tile_slide
from tasks.tiling.on_demand import SlidePixels
from tasks.tiling.recipe import TilingRecipe

MODEL = ModelKey("standard", 0)
EXPLAINERS = (
    ReviewedExplainer("gradient", map_kind="sensitivity"),
    ReviewedExplainer("grad_cam"),
    ReviewedExplainer("random_map", is_control=True),
)


def make_viewed(folder: Path, config: StudyConfig, explained: int, side: int) -> Study:
    """Tile the test slides of a study, make up maps of some tiles, write the page, and note the study.

    Args:
        folder: where the study file ``study.yaml`` and the ``home`` go.
        config: the study.
        explained: tiles of each slide that have maps: those that come first in the table.
        side: of a map in pixels.
    """
    file, home = folder / "study.yaml", folder / "home"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    study = open_study(config, home, None)
    slides, maps, inputs = {}, {}, {}
    for row in study.slides:
        if row.split != "test":
            continue
        reference, tiles = _tiled(study, row.slide_id)
        slides[row.slide_id], inputs[f"tiles/{row.slide_id}"] = tiles, reference
        for number, explainer in enumerate(EXPLAINERS):
            key = ArtifactKey("explain", MODEL, explainer.id, row.slide_id)
            reference = _stored(
                study, "Attributions", key.label, partial(_write_maps, tiles, explained, side, number)
            )
            inputs[f"maps/{key.label}"] = reference
            drawn: DrawnMaps = Attributions.open(study.store.path(reference)).pixel_maps
            maps[MODEL, explainer.id, row.slide_id] = drawn
    job = ReviewJob(
        study=study.name, classes=study.section(TilingRecipe).classes, target=1, slides=slides,
        models=(MODEL,), explainers=EXPLAINERS, maps=maps, reviewed=len(slides),
    )  # fmt: skip
    _stored(study, "ReviewPage", "review", lambda out: write_review(job, out), inputs)
    list_study(home, ListedStudy(study.name, file, Path(config.manifest), None))
    return study


def _tiled(study: Study, slide: str) -> tuple[Reference, TileSet]:
    recipe, row = study.section(TilingRecipe), study.row[slide]
    write = partial(tile_slide, row, study.data_root, recipe)
    reference = _stored(study, "TileSet", f"tile/{slide}", write)
    return reference, TileSet.open(study.store.path(reference), SlidePixels(study.data_root, study.row))


def _stored(
    study: Study, kind: str, label: str, write: Callable[[Path], Any], inputs: dict[str, Any] | None = None
) -> Reference:
    recipe = {"study": study.name, "label": label}
    spec = ArtifactSpec(stage="made up", label=label, kind=kind, recipe=recipe, inputs=inputs or {})
    return study.store.reuse_or_build(spec, write)


def _write_maps(tiles: TileSet, explained: int, side: int, number: int, out: Path) -> None:
    """Values of a map rise by its rows from -1 to 1, doubled in the second explainer; the last is noise."""
    few = tiles.table.iloc[tiles.usable[:explained]].reset_index(drop=True)
    index = pd.DataFrame({"tile_id": few["tile_id"].astype(str), "target": 1, "logit_0": 0.0})
    logits = np.linspace(-2, 2, len(few))
    index.assign(logit_1=logits, completeness_error=np.nan).to_parquet(out / INDEX, index=False)
    generator = np.random.default_rng(number)
    array = create_maps(out, len(few), side)
    for start in range(0, len(few), 256):
        count = min(256, len(few) - start)
        if number == len(EXPLAINERS) - 1:
            values = generator.normal(size=(count, side, side))
        else:
            rising = np.linspace(-1, 1, side)[None, :, None] * (number + 1)
            values = np.broadcast_to(rising, (count, side, side))
        array[start : start + count] = values.astype(np.float32)
