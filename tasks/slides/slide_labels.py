"""The labels that a manifest gives whole slides, held against the classes of a study."""

from collections.abc import Iterable, Sequence

from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow


def refuse_strange_label(row: SlideRow, classes: Sequence[str]) -> None:
    """Raise SlideError if the manifest's label of a slide is no class."""
    if row.label is not None and row.label not in classes:
        near = [name for name in classes if name.casefold() == row.label.casefold()]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SlideError(
            f"{row.slide_id}: the manifest's label {row.label!r} is no class; "
            f"allowed are {', '.join(classes)}{hint}"
        )


def label_notes(rows: Iterable[SlideRow], first_class: str) -> list[str]:
    """Return sentences on the slides of a manifest whose tiles get no label, or only that of their slide."""
    slides = tuple(rows)
    bare = [row.slide_id for row in slides if row.is_unlabelled]
    weak = [row.slide_id for row in slides if row.is_weakly_labelled(first_class)]
    notes = []
    if bare:
        notes.append(
            f"no labels: {_few(bare)} without annotation, points and label; their tiles drop out of training "
            "and of scores by label"
        )
    if weak:
        notes.append(f"weak labels: {_few(weak)} with the label of the whole slide on every tile")
    return notes


def _few(names: Sequence[str]) -> str:
    """Return how many slides there are, and the first three names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} {'slide' if len(names) == 1 else 'slides'} ({', '.join(names[:3])}{more})"
