"""The estimate of a study: tiles by slide, and the cost of each stage."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import ArtifactStatus, plan_status
from flows.estimate.costs import StageCost, free_bytes, stage_costs
from flows.estimate.slide_tiles import SlideTiles, tiles_by_size
from flows.estimate.units import UnitCounter
from tasks.explain import ExplainSection
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.slides.slide_facts import SlideFacts
from tasks.study.study import Study
from tasks.tiling.inspection import SlideInspection
from tasks.tiling.recipe import TilingRecipe


class StudyEstimate(NamedTuple):
    """What a study will cost.

    Attributes:
        tiles: tiles of each slide, with what the number rests on.
        costs: of each stage of which something is to be made.
        free: free bytes of the disk of the home.
    """

    tiles: Mapping[str, SlideTiles]
    costs: Sequence[StageCost]
    free: int


def estimate(
    plan: Plan, facts: Mapping[str, SlideFacts], inspected: Mapping[str, SlideInspection]
) -> StudyEstimate:
    """Return what the rest of a study will cost.

    Args:
        plan: the plan.
        facts: what opening each slide says, by slide.
        inspected: what inspections found, by slide.
    """
    study = plan.study
    statuses = plan_status(plan, RerunOptions())
    tiles = slide_tiles(study, statuses, facts, inspected)
    # Slide models and their maps are of all tiles.
    sample = None if study.config.level == "slide" else study.section(ExplainSection).most_tiles
    units = UnitCounter({slide: each.tiles for slide, each in tiles.items()}, sample)
    largest = max((_area_um2(row, facts[row.slide_id]) for row in study.slides), default=0.0)
    return StudyEstimate(tiles, stage_costs(study, statuses, units, largest), free_bytes(study.home))


def slide_tiles(
    study: Study,
    statuses: Sequence[ArtifactStatus],
    facts: Mapping[str, SlideFacts],
    inspected: Mapping[str, SlideInspection],
) -> dict[str, SlideTiles]:
    """Return the tiles of each slide from the surest source: store, inspection, pixels or bytes."""
    recipe = study.section(TilingRecipe)
    stored = {}
    for status in statuses:
        if status.key.stage == "tile" and status.state == "done" and status.spec is not None:
            record = study.store.find(status.spec, lately=True)
            if record is not None:
                stored[str(status.key.slide)] = SlideTiles(int(record.measures.get("tiles", 0)), "tiled")
    tiles = {}
    for row in study.slides:
        each = inspected.get(row.slide_id)
        if row.slide_id in stored:
            tiles[row.slide_id] = stored[row.slide_id]
        elif each is not None:
            tiles[row.slide_id] = SlideTiles(each.tiles, "inspected")
        else:
            path = study.data_root / row.path
            tiles[row.slide_id] = tiles_by_size(row, facts[row.slide_id], path, recipe)
    return tiles


def _area_um2(row: SlideRow, facts: SlideFacts) -> float:
    try:
        resolution = facts.resolution(row.stated_mpp, row.slide_id)
    except SlideError:
        return 0.0
    return facts.width * resolution.mpp * facts.height * resolution.mpp_y
