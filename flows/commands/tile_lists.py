"""veritile tile-lists: from any table of ready-made tile images to tile lists and a manifest."""

from rich.console import Console
from rich.markup import escape

from tasks.interchange.drawn_splits import SplitFractions
from tasks.interchange.tile_tables import TileTableJob, write_tile_lists
from tasks.study.errors import UsageError


def tile_lists(job: TileTableJob, console: Console) -> None:
    """Write the lists, and print what was written and what a person should know of it."""
    written = write_tile_lists(job)
    for note in written.notes:
        console.print(escape(note), soft_wrap=True)
    console.print(
        f"wrote {written.slides} tile lists of {written.tiles} tiles and {written.manifest}; "
        f"{written.manifest.parent} is the data root",
        soft_wrap=True,
    )


def pairs(text: str, option: str) -> dict[str, str]:
    """Return ``a=b,c=d`` as a dictionary.

    Raises:
        UsageError: a piece without ``=``, or a name twice.
    """
    found: dict[str, str] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, value = (each.strip() for each in piece.partition("="))
        if not sign or not name or not value or name in found:
            raise UsageError(f"{option}: {piece!r} is no pair such as name=value, or its name stands twice")
        found[name] = value
    return found


def split_fractions(text: str) -> SplitFractions:
    """Return ``train=0.6,val=0.2,test=0.2`` as fractions; a split that is not named gets none.

    Raises:
        UsageError: another name than that of a split, or no number.
    """
    named = pairs(text, "--fractions")
    unknown = sorted(set(named).difference(SplitFractions._fields))
    if unknown:
        raise UsageError(f"--fractions names {unknown[0]!r}; allowed are train, val and test")
    try:
        return SplitFractions(*(float(named.get(name, 0)) for name in SplitFractions._fields))
    except ValueError as error:
        raise UsageError(f"--fractions: {error}") from None
