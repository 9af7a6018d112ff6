"""Standings as rows of a table: many parts that wait for the same reason are told in one."""

from collections.abc import Hashable, Iterable

from flows.status import Standing

Row = tuple[str, str, str]
"""The part, its state, and why."""

MANY = 8
"""More parts than this in one stage, with one state and one reason, are folded."""


def standing_rows(standings: Iterable[Standing], *, every: bool = False) -> list[Row]:
    """Return a row for each part that is not done; ``every`` folds none."""
    groups: dict[Hashable, list[Standing]] = {}
    for standing in standings:
        if standing.state not in ("done", "untouched"):
            groups.setdefault(standing.slot.label if every else _likeness(standing), []).append(standing)
    return [row for group in groups.values() for row in _rows(group)]


def _likeness(standing: Standing) -> Hashable:
    # Parts that wait for others name different ones, which is no different reason.
    waiting = standing.state == "would run" and standing.part is None
    return standing.slot.stage, standing.state, None if waiting else standing.reasons


def _rows(group: list[Standing]) -> list[Row]:
    shown = group if len(group) <= MANY else group[:1]
    rows: list[Row] = [(each.slot.label, each.state, "; ".join(each.reasons)) for each in shown]
    if len(shown) < len(group):
        rows.append((f"... and {len(group) - 1} more like it", group[0].state, "--all names them"))
    return rows
