"""``validate --deep``: every slide and annotation is opened once, and what came of it is kept."""

import csv
from collections.abc import Mapping
from pathlib import Path

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.resolve import Resolver
from flows.isolated import isolated
from flows.progress import tally
from tasks.artifacts.journal import Journal
from tasks.artifacts.whole_file import whole_file
from tasks.slides.row import SlideRow
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.inspection import InspectionJob, SlideInspection, inspect_slide
from tasks.tiling.recipe import TilingRecipe

REPORT_COLUMNS = (
    "slide_id", "split", "result", "tiles", "mpp", "mpp_source", "reader", "doubt", "labels", "notes",
)  # fmt: skip

_WEAK = "every tile has the label of the whole slide"
"""What tiling notes of a slide whose tiles have nothing but its label."""


class Inspections:
    """Looks at slides, kept below the home by the fingerprint of the slide's tiles.

    The fingerprint holds the recipe, the row, the bytes of all files and the code. So a slide is inspected
    again where any of it changed, and only there.
    """

    def __init__(self, plan: Plan) -> None:
        self._study = plan.study
        self._journal = Journal(self._study.home / "work" / "inspections.jsonl")
        resolver = Resolver(plan, RerunOptions())
        specs = {
            str(planned.key.slide): resolver.resolve(planned).spec for planned in plan.of(tile_key("").stage)
        }
        self._keys = {slide: spec.fingerprint for slide, spec in specs.items() if spec is not None}

    def stored(self) -> dict[str, SlideInspection]:
        """Return the inspections that are kept, by slide."""
        kept = {slide: self._journal.get(key) for slide, key in self._keys.items()}
        return {
            slide: SlideInspection.model_validate(each) for slide, each in kept.items() if each is not None
        }

    def take(self) -> dict[str, SlideInspection]:
        """Return the inspection of every slide, with progress.

        Those that are kept are not made again, but for problems: a disk that did not answer may answer now.
        """
        study, inspected = self._study, self.stored()
        recipe = study.section(TilingRecipe)
        jobs = {
            row.slide_id: InspectionJob(row, study.data_root, recipe)
            for row in study.slides
            if row.slide_id not in inspected or inspected[row.slide_id].problem
        }
        with tally("inspecting slides", len(jobs)) as counted:
            for slide, each, died in isolated(inspect_slide, jobs, study.config.resources.workers):
                inspected[slide] = each if each is not None else SlideInspection(problem=f"{slide}: {died}")
                if each is not None:  # what killed a process may have been anything, so it is tried again
                    self._journal.put(self._keys[slide], each.model_dump(mode="json"))
                counted.finish()
        return {row.slide_id: _as_told(inspected[row.slide_id], row, study) for row in study.slides}


def _as_told(each: SlideInspection, row: SlideRow, study: Study) -> SlideInspection:
    """Return an inspection; at level slide without labels of tiles that are only the slide's."""
    if study.config.level == "tile" or not row.is_weakly_labelled(study.section(TilingRecipe).classes[0]):
        return each
    notes = tuple(note for note in each.notes if _WEAK not in note)
    return each.model_copy(update={"labels": {"": each.tiles} if each.tiles else {}, "notes": notes})


def write_report(study: Study, inspected: Mapping[str, SlideInspection]) -> Path:
    """Write one line per slide as CSV below the home, and return where."""
    path = study.home / "reports" / f"{study.name}_slides.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(REPORT_COLUMNS)
        for slide, each in inspected.items():
            labels = "; ".join(f"{label or 'no label'} {count}" for label, count in each.labels.items())
            split = study.row[slide].split
            result = each.problem or "ok"
            doubt, notes = f"{each.doubt:.3f}", " ".join(each.notes)
            cells = (
                slide,
                split,
                result,
                each.tiles,
                each.mpp,
                each.mpp_source,
                each.reader,
                doubt,
                labels,
                notes,
            )
            writer.writerow(cells)
    return path
