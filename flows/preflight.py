"""What is quickly checked at the start of every run; ``veritile doctor`` checks more."""

from collections.abc import Mapping

from flows.doctor.versions import unfit_versions
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.estimate.costs import refuse_too_large
from flows.estimate.estimate import estimate
from flows.input_hashes import InputHashes
from flows.inspections import Inspections
from tasks.slides.slide_facts import SlideFacts
from tasks.study.errors import UsageError
from tasks.study.study import Study
from tasks.tiling.inspection import misfit
from tasks.tiling.recipe import TilingRecipe


def warn_or_refuse(plan: Plan, options: RerunOptions) -> tuple[str, ...]:
    """Check at the start of a run what is quickly checked.

    Returns:
        Sentences about what may go wrong.

    Raises:
        UsageError: no slide can be tiled as the study asks, or the disk has no room for what the run makes.
    """
    if options.only is None:
        refuse_hopeless(plan)
    unfit = list(unfit_versions())
    libraries = (f"libraries are not as needed: {'; '.join(unfit)}",) if unfit else ()
    return (*libraries, *lone_class(plan.study))


def lone_class(study: Study) -> tuple[str, ...]:
    """Return what cannot be measured where slide models are judged on slides of one class alone."""
    there = {row.label for row in study.slides if row.split == "test"}
    if study.config.level != "slide" or len(there) != 1:
        return ()
    return (
        f"all slides to test on have the label {next(iter(there))!r}: the AUROC and the balanced accuracy of "
        "slides cannot be measured, nor scores by label of the other classes",
    )


def refuse_hopeless(plan: Plan) -> float:
    """Refuse what would fail for every slide, or run out of room. Slides that are new are opened for it.

    Returns:
        The bytes that the rest of the study needs.

    Raises:
        UsageError: no slide can be tiled as the study asks, or the disk of its home has less.
    """
    study = plan.study
    paths = {row.slide_id: study.data_root / row.path for row in study.slides}
    opened = InputHashes(study.home).facts(list(paths.values()))
    facts = {slide: opened[path] for slide, path in paths.items()}
    _refuse_untileable(study, facts)
    needed = estimate(plan, facts, Inspections(plan).stored())
    refuse_too_large(needed.costs, needed.free, {slide: each.tiles for slide, each in needed.tiles.items()})
    return sum(cost.size for cost in needed.costs)


def _refuse_untileable(study: Study, facts: Mapping[str, SlideFacts]) -> None:
    """Where only some cannot be tiled, the study goes on without them, as far as it tolerates that."""
    recipe = study.section(TilingRecipe)
    wrong = [why for row in study.slides if (why := misfit(row, facts[row.slide_id], recipe))]
    if wrong and len(wrong) == len(study.slides):
        raise UsageError(f"none of the {len(wrong)} slides can be tiled as the study asks; {wrong[0]}")
