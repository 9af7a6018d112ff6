"""The checklists there are, by name."""

import difflib

from tasks.reporting.checklists.checklist import Checklist
from tasks.reporting.checklists.claim import CLAIM
from tasks.reporting.checklists.tripod_ai import TRIPOD_AI

CHECKLISTS = {each.name: each for each in (CLAIM, TRIPOD_AI)}


def checklist_of(name: str) -> Checklist:
    """Return the checklist that is called ``name``.

    Raises:
        ValueError: there is none; the message names the nearest one and all that exist.

    Example:
        >>> len(checklist_of("claim").items)
        44
    """
    if name in CHECKLISTS:
        return CHECKLISTS[name]
    near = difflib.get_close_matches(name.casefold(), CHECKLISTS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"there is no checklist {name!r}{hint}; there are: {', '.join(CHECKLISTS)}")
