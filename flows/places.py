"""Where models stand in a study: every arm, fold and seed, and the slides that each of them explains."""

from collections.abc import Iterable
from dataclasses import dataclass

from flows.folds import Fold
from flows.session import Session
from tasks.artifacts.key import ModelKey
from tasks.slides.manifest import SlideRow
from tasks.training.recipe import ArmRecipe


@dataclass(frozen=True)
class Place:
    """One arm with one seed, in a study with folds also one fold."""

    arm: ArmRecipe
    seed: int
    fold: Fold | None = None

    @property
    def label(self) -> str:
        """``<arm>/seed<seed>``, with folds ``<arm>/fold<k>/seed<seed>``."""
        return ModelKey(self.arm.id, self.seed, None if self.fold is None else self.fold.index).label

    @property
    def coords(self) -> dict[str, str]:
        """The coordinates that selectors look at."""
        own = {"arm": self.arm.id, "seed": str(self.seed)}
        return own if self.fold is None else {**own, "fold": str(self.fold.index)}

    @property
    def checkpoint(self) -> str:
        """The label of its checkpoint."""
        return f"train/{self.label}"

    def rows(self, slides: Iterable[SlideRow]) -> list[SlideRow]:
        """Return the slides that it has to do with; with folds their split is their role in its fold."""
        return list(slides) if self.fold is None else self.fold.rows(slides)

    def learns_from(self, slides: Iterable[SlideRow]) -> list[SlideRow]:
        """Return the slides of its sites that the arm is trained on and that choose its epoch."""
        sites = self.arm.sites
        return [
            row for row in self.rows(slides) if row.split != "test" and (sites is None or row.site in sites)
        ]


def places(session: Session) -> list[Place]:
    """Return every place, arm by arm, fold by fold, seed by seed."""
    stage, folds = session.config.train, session.folds or (None,)
    return [Place(arm, seed, fold) for arm in stage.arms for fold in folds for seed in stage.seeds]


def explaining(session: Session, slides: Iterable[SlideRow]) -> list[tuple[Place, list[SlideRow]]]:
    """Return the places that explain any slide, each with the slides that it explains."""
    rows = list(slides)
    found = [(place, _explained(session, place.rows(rows))) for place in places(session)]
    return [(place, own) for place, own in found if own]


def explained(session: Session, slides: Iterable[SlideRow], fold: int | None = None) -> list[SlideRow]:
    """Return the slides that are explained, in order; of one ``fold``, or of all: no slide is in two."""
    rows = list(slides)
    if not session.folds:
        return _explained(session, rows)
    folds = [known for known in session.folds if fold in (None, known.index)]
    found = {row.slide_id: row for known in folds for row in _explained(session, known.rows(rows))}
    return [found[row.slide_id] for row in rows if row.slide_id in found]


def tiles_of(rows: Iterable[SlideRow]) -> dict[str, str]:
    """Return the tiles of ``rows`` as inputs of a slot."""
    return {f"tiles/{row.slide_id}": f"tile/{row.slide_id}" for row in rows}


def _explained(session: Session, rows: Iterable[SlideRow]) -> list[SlideRow]:
    return [row for row in rows if row.split in session.config.explain.splits]
