"""What the names in an annotation file mean: a class, nothing, or an error that lists them all."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tasks.slides.errors import SlideError
from tasks.slides.outline import Outline
from tasks.tiling.recipe import IGNORED, TilingRecipe, plain_name

_TUMOUR = ("tumour", "tumor")
_CAMELYON = frozenset({*_TUMOUR, "_0", "_1", "metastases"})
"""Names of tumour in CAMELYON16 and CAMELYON17. They mean the class ``tumour`` or ``tumor`` of a study."""

_QUPATH_IGNORES = "*"
"""QuPath leaves classes that end so, such as ``Ignore*`` and ``Region*``, out of all measurements."""


class UnknownNameError(LookupError):
    """A name is no class, and no line in ``outline_classes`` says what it means."""


def class_of(name: str, recipe: TilingRecipe, *, cut_out: bool = False) -> int | None:
    """Return the class index that a name stands for, None where it is ignored.

    Names are compared without case and outer spaces. In this sequence: a line in ``outline_classes``; the
    exclusions of the drawing program (``cut_out``), which are of the first class; the classes themselves; the
    names that CAMELYON gives tumour; the classes that QuPath ignores, which end in ``*``.

    Raises:
        UnknownNameError: it is none of these.
    """
    plain = plain_name(name)
    meant = {plain_name(key): value for key, value in recipe.outline_classes.items()}.get(plain)
    if meant is not None:
        return None if meant == IGNORED else recipe.classes.index(meant)
    if cut_out:
        return 0
    classes = [plain_name(item) for item in recipe.classes]
    if plain in classes:
        return classes.index(plain)
    tumour = [word for word in _TUMOUR if word in classes]
    if plain in _CAMELYON and tumour:
        return classes.index(tumour[0])
    if plain.endswith(_QUPATH_IGNORES):
        return None
    raise UnknownNameError(name)


def class_indices(outlines: Sequence[Outline], recipe: TilingRecipe, where: str) -> list[int | None]:
    """Return the class index of each outline, None where it is ignored.

    Raises:
        SlideError: a name that is no class; all names of the file are listed.
    """
    return indices_of([(outline.class_name, outline.cut_out) for outline in outlines], recipe, where)


def indices_of(
    named: Sequence[tuple[str, bool]], recipe: TilingRecipe, where: str, what: str = "outlines"
) -> list[int | None]:
    """Return the class index of each (name, whether it is an exclusion), None where it is ignored.

    Raises:
        SlideError: a name that is no class; all names are listed.
    """
    meanings: dict[tuple[str, bool], int | None] = {}
    unknown: list[str] = []
    for item in dict.fromkeys(named):
        try:
            meanings[item] = class_of(item[0], recipe, cut_out=item[1])
        except UnknownNameError:
            unknown.append(item[0])
    if unknown:
        counts = Counter(name for name, _ in named)
        raise SlideError(
            f"{where}: {_listed(unknown, counts)} is no class; the names of its {what} are "
            f"{_listed(counts, counts)}; the classes are {', '.join(recipe.classes)}. "
            f"A line in tile.outline_classes must say which class each name means, or {IGNORED!r}"
        )
    return [meanings[item] for item in named]


def ignored_names(names: Sequence[str], indices: Sequence[int | None]) -> dict[str, int]:
    """Return {why: how many} of what is ignored by its name."""
    ignored = Counter(name for name, index in zip(names, indices, strict=True) if index is None)
    return {f"the name {_quoted(name)} is ignored": count for name, count in sorted(ignored.items())}


def _listed(names: Iterable[str], counts: Counter[str]) -> str:
    return ", ".join(f"{_quoted(name)} ({counts[name]})" for name in sorted(names))


def _quoted(name: str) -> str:
    return repr(name) if name.strip() else '"" (no name)'
