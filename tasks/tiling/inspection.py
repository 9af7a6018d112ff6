"""An inspection of a slide and its annotations: all that tiling does, but for reading the tiles."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.slides.errors import SlideError
from tasks.slides.file_names import without_file_names
from tasks.slides.opening import Opening
from tasks.slides.row import SlideRow
from tasks.slides.slide_facts import SlideFacts
from tasks.tiling.labelled import lay_out_and_label
from tasks.tiling.layout import refuse_coarse
from tasks.tiling.recipe import TilingRecipe


@dataclass(frozen=True)
class InspectionJob:
    """A slide to inspect: its row, where paths start from, and how it would be tiled."""

    row: SlideRow
    data_root: Path
    recipe: TilingRecipe


class SlideInspection(BaseModel):
    """What an inspection of a slide found.

    Attributes:
        problem: why it cannot be tiled, as the stage ``tile`` would say it; empty where it can.
        tiles: how many tiles it has.
        labels: tiles by label; "" stands for no label.
        mpp: micrometres per level-0 pixel along x.
        mpp_source: where ``mpp`` comes from.
        reader: which path reads the file.
        doubt: fraction of the tissue whose class is in doubt.
        notes: sentences on what a person should look at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: str = ""
    tiles: int = 0
    labels: dict[str, int] = {}
    mpp: float | None = None
    mpp_source: str = ""
    reader: str = ""
    doubt: float = 0.0
    notes: tuple[str, ...] = ()


def inspect_slide(job: InspectionJob) -> SlideInspection:
    """Open a slide, find its tissue, lay the grid and read its annotations, masks and label."""
    row, recipe = job.row, job.recipe
    try:
        with Opening.of(row, job.data_root, recipe.resample).open() as slide:
            layout, truth = lay_out_and_label(row, job.data_root, slide, recipe)
            return SlideInspection(
                tiles=len(layout.positions),
                labels=dict(sorted(Counter(truth.labels).items())),
                mpp=slide.geometry.mpp,
                mpp_source=slide.geometry.mpp_source,
                reader=slide.choice.name,
                doubt=layout.tissue.doubt_fraction,
                notes=(*layout.tissue.notes.warnings, *truth.notes),
            )
    except SlideError as error:
        return SlideInspection(problem=without_file_names(_with_name(row.slide_id, error), row))


def misfit(row: SlideRow, facts: SlideFacts, recipe: TilingRecipe) -> str:
    """Return why a slide cannot be tiled as far as opening it says, or "" where nothing speaks against it."""
    if facts.problem:
        return without_file_names(f"{row.slide_id}: {facts.problem}", row)
    if not row.has_pixels:
        return ""
    try:
        resolution = facts.resolution(row.stated_mpp, row.slide_id)
        refuse_coarse(resolution.mpp, recipe, row.slide_id)
    except SlideError as error:
        return _with_name(row.slide_id, error)
    if min(facts.width * resolution.mpp, facts.height * resolution.mpp_y) < recipe.tile_um:
        return (
            f"{row.slide_id}: the slide of {facts.width * resolution.mpp:g} x "
            f"{facts.height * resolution.mpp_y:g} um is smaller than one tile of {recipe.tile_um:g} um"
        )
    return ""


def _with_name(slide_id: str, error: SlideError) -> str:
    """Return a sentence that begins with the slide; many begin with a file, whose name need not be unique."""
    return f"{slide_id}: {str(error).removeprefix(f'{slide_id}: ')}"
