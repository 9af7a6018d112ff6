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
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.look import LookJob, SlideLook, look_at_slide
from tasks.tiling.recipe import TilingRecipe

REPORT_COLUMNS = ("slide_id", "split", "result", "tiles", "mpp", "mpp_source", "labels")


class SlideLooks:
    """Looks at slides, kept below the home by the fingerprint of the slide's tiles.

    The fingerprint holds the recipe, the row, the bytes of all files and the code. So a look is taken again
    where any of it changed, and only there.
    """

    def __init__(self, plan: Plan) -> None:
        self._study = plan.study
        self._journal = Journal(self._study.home / "work" / "looks.jsonl")
        resolver = Resolver(plan, RerunOptions())
        specs = {
            str(planned.key.slide): resolver.resolve(planned).spec for planned in plan.of(tile_key("").stage)
        }
        self._keys = {slide: spec.fingerprint for slide, spec in specs.items() if spec is not None}

    def stored(self) -> dict[str, SlideLook]:
        """Return the looks that were taken before, by slide."""
        kept = {slide: self._journal.get(key) for slide, key in self._keys.items()}
        return {slide: SlideLook.model_validate(look) for slide, look in kept.items() if look is not None}

    def take(self) -> dict[str, SlideLook]:
        """Return a look at every slide, by slide; those that are not kept are taken now, with progress."""
        study, looks = self._study, self.stored()
        recipe = study.section(TilingRecipe)
        jobs = {
            row.slide_id: LookJob(row, study.data_root, recipe)
            for row in study.slides
            if row.slide_id not in looks
        }
        with tally("looking at slides", len(jobs)) as counted:
            for slide, look, died in isolated(look_at_slide, jobs, study.config.resources.workers):
                looks[slide] = look if look is not None else SlideLook(problem=f"{slide}: {died}")
                if look is not None:  # what killed a process may have been anything, so it is tried again
                    self._journal.put(self._keys[slide], look.model_dump(mode="json"))
                counted.finish()
        return {row.slide_id: looks[row.slide_id] for row in study.slides}


def write_report(study: Study, looks: Mapping[str, SlideLook]) -> Path:
    """Write one line per slide as CSV below the home, and return where."""
    path = study.home / "reports" / f"{study.name}_slides.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(REPORT_COLUMNS)
        for slide, look in looks.items():
            labels = "; ".join(f"{label or 'no label'} {count}" for label, count in look.labels.items())
            split = study.row[slide].split
            result = look.problem or "ok"
            writer.writerow((slide, split, result, look.tiles, look.mpp, look.mpp_source, labels))
    return path
