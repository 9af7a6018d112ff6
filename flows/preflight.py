"""What is quickly checked at the start of every run; ``veritile doctor`` checks more."""

from flows.doctor.versions import unfit_versions
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.estimate.costs import refuse_too_large
from flows.estimate.estimate import StudyEstimate, estimate
from flows.input_hashes import InputHashes
from flows.inspections import Inspections
from tasks.study.study import Study


def warn_or_refuse(study: Study, options: RerunOptions) -> tuple[str, ...]:
    """Check at the start of a run what is quickly checked.

    Returns:
        Sentences about what may go wrong.

    Raises:
        UsageError: the disk has no room for what the run makes.
    """
    if options.only is None:
        refuse_without_room(Plan(study))
    unfit = list(unfit_versions())
    return (f"libraries are not as needed: {'; '.join(unfit)}",) if unfit else ()


def room_needed(plan: Plan) -> StudyEstimate:
    """Return what the rest of a study will cost. Slides that were never opened are opened for it."""
    study = plan.study
    paths = {row.slide_id: study.data_root / row.path for row in study.slides}
    facts = InputHashes(study.home).facts(list(paths.values()))
    return estimate(plan, {slide: facts[path] for slide, path in paths.items()}, Inspections(plan).stored())


def refuse_without_room(plan: Plan) -> float:
    """Return the bytes that the rest of a study needs.

    Raises:
        UsageError: the disk of its home has less.
    """
    needed = room_needed(plan)
    refuse_too_large(needed.costs, needed.free, {slide: each.tiles for slide, each in needed.tiles.items()})
    return sum(cost.size for cost in needed.costs)
