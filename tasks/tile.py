"""Stage tile: cut one slide into tiles."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.slides.info import read_info
from tasks.slides.manifest import SlideRow, input_files
from tasks.study.stage import BuildContext, Measures, Planned, Stage
from tasks.study.study import Study
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe, tiling_recipe

_log = logging.getLogger("veritile.tile")

_OF_SLIDE = {"slide_id", "patient_id", "site", "split", "label", "mpp"}


@dataclass(frozen=True)
class TileInputs:
    """A slide is made from files alone."""


class Tile(Stage[TileInputs]):
    """One TileSet per slide."""

    name = "tile"
    group = "tile"
    makes = TileSet
    section = TilingRecipe
    reads_slides = True
    tolerates_failures = True
    retries = 2

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the tiles of every slide."""
        tiling = tiling_recipe(study.section(TilingRecipe))
        for row in study.slides:
            yield Planned(
                key=tile_key(row.slide_id),
                recipe={
                    "tiling": tiling,
                    "slide": row.model_dump(mode="json", include=_OF_SLIDE) | mpp_override_of(row),
                },
                modules=("tasks.tiling.build",),
                files={name: f"sha256:{study.hashes[path]}" for name, path in input_files(row).items()},
            )

    def build(self, inputs: TileInputs, out: Path, context: BuildContext) -> Measures:
        """Cut the slide."""
        study = context.study
        row = study.row[str(context.key.slide)]
        measures = tile_slide(row, study.data_root, study.section(TilingRecipe), out, context.advance)
        info = read_info(out)
        # A slide model is trained on labels of slides: there they are no weak ones.
        for note in info.notes if not (info.weak_labels and study.config.level == "slide") else ():
            _log.warning("%s", note)
        return measures


def tile_key(slide: str) -> ArtifactKey:
    """Return the key of the tiles of ``slide``."""
    return ArtifactKey("tile", slide=slide)


def mpp_override_of(row: SlideRow) -> dict[str, tuple[float, float]]:
    """Return the override of a slide's resolution as a piece of a recipe; none where there is none."""
    return {} if row.mpp_override is None else {"mpp_override": (row.mpp_override.x, row.mpp_override.y)}
