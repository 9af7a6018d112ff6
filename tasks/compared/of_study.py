"""What a comparison says of a study beside its numbers: labels that models saw, and axes of maps."""

from tasks.comparison.job import TwoAxes
from tasks.evaluate import EvaluateSection
from tasks.explain import explained_slides
from tasks.slides.row import SlideRow
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection, weakly_labelled

EVIDENCE = "evidence"
"""The mark of what speaks for the explained class."""

LABELLED = ("tile_localisation", "tile_marks")
"""The metrics that compare values of tiles with labels or marks of tiles, the better known first."""


def weak_labels_in_words(study: Study) -> str:
    """Return a sentence on tiles that have nothing but the label of their slide; empty where none have.

    Slide models are meant for such labels, so nothing is said of them.
    """
    if study.config.level == "slide":
        return ""
    first = study.section(TilingRecipe).classes[0]
    trained = len(weakly_labelled(study))
    evaluated = sum(study.row[slide].is_weakly_labelled(first) for slide in explained_slides(study))
    said = []
    if trained:
        said.append(
            f"the tiles of {trained} slides to train or validate on have only the label of their whole "
            "slide, also where they show nothing of it"
        )
    if evaluated:
        said.append(f"the tiles of {evaluated} evaluated slides are judged by the label of their whole slide")
    return f"weak labels: {', and '.join(said)}" if said else ""


def two_axes(study: Study) -> TwoAxes | None:
    """Return the metrics by which maps of slides are judged, the first of each axis; None at level tile."""
    if study.config.level == "tile":
        return None
    metrics = study.section(EvaluateSection).metrics
    removing = (m.id for m in metrics if m.removal is not None)
    # By name: that its truth is a label of tiles is no part of what a metric declares. Marks of other things
    # than evidence say nothing of what is plausible. Where no tile has a label of its own, marks come first.
    names = LABELLED if any(map(_labels_tiles, _evaluated(study))) else LABELLED[::-1]
    labelled = (
        m.id for name in names for m in metrics if m.name == name and getattr(m, "mark", EVIDENCE) == EVIDENCE
    )
    return TwoAxes(next(removing, ""), next(labelled, ""))


def _evaluated(study: Study) -> list[SlideRow]:
    return [study.row[slide] for slide in explained_slides(study)]


def _labels_tiles(row: SlideRow) -> bool:
    return row.annotation is not None or row.points is not None or row.lists_tiles


def trained_on_in_words(study: Study) -> str:
    """Return a sentence on the labels that each arm of slide models was trained on; empty at level tile."""
    section = study.section(TrainSection)
    arms: dict[str, list[str]] = {}
    for arm in section.arms:
        bag = arm.applied_to(section.recipe).bag
        if bag is not None:
            arms.setdefault(bag.model.labels, []).append(arm.id)
    said = [f"{', '.join(ids)} on labels of {label}s" for label, ids in arms.items()]
    return f"what arms were trained on: {'; '.join(said)}" if said else ""
