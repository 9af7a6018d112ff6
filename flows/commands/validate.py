"""veritile validate: everything about a study that can be told before it runs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.maps_in_words import halo_in_words, sample_in_words
from flows.commands.target import Target
from flows.engine.plan import Plan
from flows.engine.stages import all_stages
from flows.estimate.costs import StageCost, in_bytes, refuse_too_large
from flows.estimate.estimate import StudyEstimate, estimate
from flows.estimate.slide_tiles import basis_in_words
from flows.input_hashes import InputHashes
from flows.inspections import Inspections, write_report
from flows.open_study import refuse_absent_devices, refuse_unfit_encoder, refuse_unfit_network
from flows.preflight import lone_class
from flows.progress import shown
from tasks.slides.manifest import SlideRow
from tasks.slides.slide_facts import SlideFacts
from tasks.slides.slide_labels import label_notes
from tasks.study.config import Split
from tasks.study.errors import ConfigError, UsageError
from tasks.study.study import Study
from tasks.tiling.inspection import SlideInspection, misfit
from tasks.tiling.recipe import TilingRecipe

_SAID_DOUBT = 0.01
"""Doubt below this is not said on the line of a slide."""


def validate(target: Target, console: Console, *, deep: bool = False) -> None:
    """Check the study file, its manifest and its slides, and print what the study is and will cost.

    Args:
        target: the study.
        console: where it is printed.
        deep: open every slide and annotation, and print a line per slide.

    Raises:
        UsageError: with all problems, after everything was checked.
    """
    with shown(console):
        plan = target.plan()
        study = plan.study
        facts = _facts(study)
        inspections = Inspections(plan)
        inspected = inspections.take() if deep else inspections.stored()
    if deep:
        _print_inspections(study, inspected, console)
    problems = list(_problems(study, facts, inspected, console))
    _print_study(plan, console)
    costs = estimate(plan, facts, inspected)
    _print_estimate(costs, console)
    tiles = {slide: each.tiles for slide, each in costs.tiles.items()}
    problems += _refused(lambda: refuse_too_large(costs.costs, costs.free, tiles))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise UsageError("\n  ".join([f"the study has {count}:", *problems]))


def _facts(study: Study) -> dict[str, SlideFacts]:
    paths = {row.slide_id: study.data_root / row.path for row in study.slides}
    facts = InputHashes(study.home).facts(list(paths.values()))
    return {slide: facts[path] for slide, path in paths.items()}


def _problems(
    study: Study, facts: Mapping[str, SlideFacts], inspected: Mapping[str, SlideInspection], console: Console
) -> Iterator[str]:
    """Yield what keeps the study from running; print what does not but changes its numbers."""
    yield from _refused(lambda: refuse_absent_devices(study))
    notes: list[str] = []
    yield from _refused(lambda: notes.extend(refuse_unfit_network(study)))
    yield from _refused(lambda: refuse_unfit_encoder(study))
    recipe = study.section(TilingRecipe)
    wrong = {
        row.slide_id: problem
        for row in study.slides
        if (problem := _of_slide(row, facts[row.slide_id], inspected.get(row.slide_id), recipe))
    }
    allowed = study.config.failures.max_failed_slides
    if len(wrong) > allowed * len(study.slides):
        yield from wrong.values()
    elif wrong:
        notes += [f"tolerated by failures.max_failed_slides: {problem}" for problem in wrong.values()]
    notes += lone_class(study)
    if study.config.level == "tile":
        # Slide models learn from labels of slides, which say nothing of tiles.
        notes += label_notes(study.slides, recipe.classes[0])
    notes += _overridden(study.slides)
    for note in notes:
        console.print(escape(note), soft_wrap=True)


def _of_slide(row: SlideRow, facts: SlideFacts, each: SlideInspection | None, recipe: TilingRecipe) -> str:
    return each.problem if each is not None else misfit(row, facts, recipe)


def _refused(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except (ConfigError, UsageError) as error:
        return [str(error)]
    return []


def _overridden(rows: Sequence[SlideRow]) -> list[str]:
    return [
        f"{row.slide_id}: {row.mpp_override.x:g} x {row.mpp_override.y:g} um/px by mpp_override: "
        f"{row.mpp_override_reason}"
        for row in rows
        if row.mpp_override is not None
    ]


def _print_study(plan: Plan, console: Console) -> None:
    study = plan.study
    console.print(f"{study.name}: {_slides_by_split(study.slides)}")
    for fold in study.folds:
        console.print(f"fold {fold.index}: {_slides_by_split(fold.rows(study.slides))}")
    if study.config.level == "tile":
        console.print(f"halo: {halo_in_words(study)}")
    console.print(f"maps: {sample_in_words(study)}")
    counts = [(len(plan.of(stage.name)), stage.name) for stage in all_stages()]
    console.print("artifacts: " + ", ".join(f"{count} {stage}" for count, stage in counts if count))


def _slides_by_split(rows: Sequence[SlideRow]) -> str:
    splits = Counter(row.split for row in rows)
    return ", ".join(f"{splits[split]} {split} slides" for split in get_args(Split) if splits[split])


def _print_estimate(costs: StudyEstimate, console: Console) -> None:
    console.print(basis_in_words(costs.tiles), soft_wrap=True)
    if not costs.costs:
        console.print("estimate: nothing is to be made")
        return
    table = Table("to make", "artifacts", "disk", "from", "memory", "hours", box=None, pad_edge=False)
    for cost in costs.costs:
        table.add_row(*_cells(cost))
    console.print(table)
    total = sum(cost.size for cost in costs.costs)
    hours = [cost.hours for cost in costs.costs if cost.hours is not None]
    told = f"; {_in_hours(sum(hours))} hours, one stage after another" if hours else ""
    console.print(
        f"estimate: {in_bytes(total)} on disk, {in_bytes(costs.free)} are free; memory is a guess{told}"
    )
    if len(hours) < len(costs.costs):
        console.print("hours are unknown until the first artifacts of a stage are made in this home")


def _cells(cost: StageCost) -> tuple[str, ...]:
    memory = "unknown" if cost.memory is None else in_bytes(cost.memory)
    hours = "unknown" if cost.hours is None else _in_hours(cost.hours)
    return cost.stage, f"{cost.artifacts:,}", in_bytes(cost.size), cost.basis, memory, hours


def _in_hours(hours: float) -> str:
    return "< 0.01" if hours < 0.01 else f"{hours:,.2f}" if hours < 10 else f"{hours:,.0f}"


def _print_inspections(study: Study, inspected: Mapping[str, SlideInspection], console: Console) -> None:
    for slide, each in inspected.items():
        told = each.problem or f"{slide}: ok, {each.tiles:,} tiles ({_labels(each)}){_doubt(slide, each)}"
        console.print(escape(told), soft_wrap=True, highlight=False)
    bad = sum(bool(each.problem) for each in inspected.values())
    console.print(f"{len(inspected) - bad} of {len(inspected)} slides are ok; {_report(study, inspected)}")


def _report(study: Study, inspected: Mapping[str, SlideInspection]) -> str:
    try:
        return f"{write_report(study, inspected)} has a line of each"
    except OSError as error:  # what was found is told all the same
        return f"a file with a line of each could not be written ({error.strerror})"


def _doubt(slide: str, each: SlideInspection) -> str:
    doubt = [f"{each.doubt:.0%} of the tissue in doubt"] if each.doubt >= _SAID_DOUBT else []
    said = "; ".join([*doubt, *(note.removeprefix(f"{slide}: ") for note in each.notes)])
    return f"; {said}" if said else ""


def _labels(each: SlideInspection) -> str:
    return ", ".join(f"{count:,} {label or 'without label'}" for label, count in each.labels.items())
