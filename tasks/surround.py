"""Stage surround: read the explained tiles of one slide again, with the pixels around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.explain import ExplainSection, explained_slides, halo_of, sample_of
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required
from tasks.study.study import Study
from tasks.tile import mpp_override_of, tile_key
from tasks.tiling.recipe import TilingRecipe, tiling_recipe
from tasks.tiling.surround import HaloJob, surround_tiles


@dataclass(frozen=True)
class SurroundInputs:
    """The stored tiles; the slide is a file."""

    tiles: TileSet = required()


class Surround(Stage[SurroundInputs]):
    """One set of SurroundedTiles per explained slide; none where nothing is explained with a halo.

    Explainers, models and metrics share it, so a slide is read once more and not once per explainer.
    """

    name = "surround"
    group = "explain"
    makes = SurroundedTiles
    reads_slides = True
    retries = 2

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the surroundings of every explained slide; bags of features have none."""
        if study.config.level == "slide":
            return
        halo_px = _halo_px(study)
        for slide in explained_slides(study) if halo_px else ():
            row = study.row[slide]
            yield Planned(
                key=ArtifactKey(self.name, slide=slide),
                recipe={
                    "halo_px": halo_px,
                    "tiling": tiling_recipe(study.section(TilingRecipe)),
                    "mpp": row.mpp,
                    **mpp_override_of(row),
                    **sample_of(study),
                },
                modules=("tasks.tiling.surround",),
                inputs={"tiles": tile_key(slide)},
                files={"slide": f"sha256:{study.hashes[row.path]}"},
            )

    def build(self, inputs: SurroundInputs, out: Path, context: BuildContext) -> Measures:
        """Read the surroundings of one slide."""
        study = context.study
        row = study.row[str(context.key.slide)]
        tiling, sample = study.section(TilingRecipe), study.section(ExplainSection).most_tiles
        job = HaloJob(_halo_px(study), sample, tiling)
        return surround_tiles(row, study.data_root, inputs.tiles, job, out, context.advance)


def _halo_px(study: Study) -> int:
    """Return the halo that explainers of the study have in common; 0 where none has one."""
    return max(halo_of(study, explainer) for explainer in study.section(ExplainSection).everything)
