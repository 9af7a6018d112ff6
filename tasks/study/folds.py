"""Cross-validation: which slides each fold trains on, chooses the epoch on, and holds out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.artifacts.spec import digest_of
from tasks.slides.manifest import SlideRow
from tasks.study.config import FoldsRecipe, Split
from tasks.study.errors import ConfigError


@dataclass(frozen=True)
class Fold:
    """One fold; ``roles`` maps the id of every slide that was dealt out to what it is used for."""

    index: int
    roles: Mapping[str, Split]

    def rows(self, slides: Iterable[SlideRow]) -> list[SlideRow]:
        """Return the slides that have a role, with that role as their split."""
        dealt = (row for row in slides if row.slide_id in self.roles)
        return [row.model_copy(update={"split": self.roles[row.slide_id]}) for row in dealt]


def dealt_out(recipe: FoldsRecipe, slides: Iterable[SlideRow]) -> tuple[SlideRow, ...]:
    """Return the slides that the folds share out; the others are left out of the study."""
    return tuple(row for row in slides if row.split in recipe.of)


def make_folds(
    recipe: FoldsRecipe, slides: Iterable[SlideRow], shared_patients: frozenset[str]
) -> tuple[Fold, ...]:
    """Return the folds that are run, in the order of their numbers.

    In fold k group k is test, group k + 1 (after the last comes the first) is val, and the rest is train. So
    the epoch is chosen on slides that are neither trained on nor reported, and over all folds every slide is
    test once and val once.

    Raises:
        ConfigError: there are fewer patients or slides than groups, or a patient is parted who may not be.
    """
    rows = dealt_out(recipe, slides)
    groups = deal(recipe, rows)
    refuse_parted(recipe, rows, groups, shared_patients)
    chosen = range(recipe.count) if recipe.only is None else sorted(recipe.only)
    return tuple(Fold(index, _roles(recipe, groups, index)) for index in chosen)


def deal(recipe: FoldsRecipe, rows: Sequence[SlideRow]) -> dict[str, int]:
    """Return {slide id: group}; what goes as a whole is a patient or a slide.

    The wholes are dealt label by label (the set of the labels of their slides), within a label those of many
    slides first, and among equals in the order of a hash of seed and id, which shuffles them. Each goes to
    the group that has the fewest slides of its label, of these to the one that has the fewest slides, of
    these to the first. Slides dealt one by one thus differ by at most one between groups, as do those of
    each label; patients by at most the largest patient of a label. The order of ``rows`` does not matter.

    Raises:
        ConfigError: there are fewer wholes than groups.
    """
    wholes = _wholes(recipe, rows)
    if len(wholes) < recipe.count:
        raise ConfigError(
            f"folds.count is {recipe.count}, but the slides of {', '.join(recipe.of)} to be dealt out are of "
            f"{len(wholes)} {recipe.by}{'' if len(wholes) == 1 else 's'} only; each group needs one"
        )
    slides, labelled = Counter[int](), Counter[tuple[str, int]]()
    groups: dict[str, int] = {}
    for label, _, _, members in sorted(_order(recipe, name, whole) for name, whole in wholes.items()):
        group = min(range(recipe.count), key=lambda g: (labelled[label, g], slides[g], g))
        slides[group] += len(members)
        labelled[label, group] += len(members)
        groups.update(dict.fromkeys(members, group))
    return groups


def refuse_parted(
    recipe: FoldsRecipe, rows: Iterable[SlideRow], sides: Mapping[str, object], shared: frozenset[str]
) -> None:
    """Assert that no patient lies on two ``sides`` ({slide id: group or role}) who may not.

    Dealt by patient nobody may; dealt by slide those in ``shared`` may.

    Raises:
        ConfigError: naming a slide of the first who does.
    """
    seen: defaultdict[str, set[object]] = defaultdict(set)
    slides: dict[str, str] = {}
    for row in rows:
        seen[row.patient_id].add(sides[row.slide_id])
        slides.setdefault(row.patient_id, row.slide_id)
    allowed = shared if recipe.by == "slide" else frozenset()
    parted = sorted(patient for patient, found in seen.items() if len(found) > 1 and patient not in allowed)
    if parted:
        raise ConfigError(
            f"folds.by {recipe.by!r} parts the slides of the patient of {slides[parted[0]]!r}, who is not in "
            "shared_patients; name every such patient there, or deal by patient"
        )


def _wholes(recipe: FoldsRecipe, rows: Iterable[SlideRow]) -> dict[str, list[SlideRow]]:
    """Return what goes as a whole: {patient id or slide id: its slides}."""
    wholes: defaultdict[str, list[SlideRow]] = defaultdict(list)
    for row in rows:
        wholes[row.patient_id if recipe.by == "patient" else row.slide_id].append(row)
    return wholes


def _order(recipe: FoldsRecipe, name: str, whole: list[SlideRow]) -> tuple[str, int, str, list[str]]:
    """Return (label, minus the number of slides, hash, slide ids): sorted, the order of dealing."""
    labels = sorted({row.label or "" for row in whole})
    return "+".join(labels), -len(whole), digest_of([recipe.seed, name]), [row.slide_id for row in whole]


def _roles(recipe: FoldsRecipe, groups: Mapping[str, int], index: int) -> dict[str, Split]:
    named: dict[int, Split] = {index: "test", (index + 1) % recipe.count: "val"}
    return {slide: named.get(groups[slide], "train") for slide in sorted(groups)}
