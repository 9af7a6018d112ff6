"""Statuses as rows of a table: many artifacts that wait for the same reason are told in one."""

from collections.abc import Hashable, Iterable

from flows.engine.status import ArtifactStatus

Row = tuple[str, str, str]
"""The artifact, its state, and why."""

MANY = 8
"""More artifacts than this of one stage, with one state and one reason, are folded."""


def status_rows(statuses: Iterable[ArtifactStatus], *, every: bool = False) -> list[Row]:
    """Return a row for each artifact that is not done; ``every`` folds none."""
    groups: dict[Hashable, list[ArtifactStatus]] = {}
    for status in statuses:
        if status.state not in ("done", "untouched"):
            groups.setdefault(status.key if every else _likeness(status), []).append(status)
    return [row for group in groups.values() for row in _rows(group)]


def _likeness(status: ArtifactStatus) -> Hashable:
    # Artifacts that wait for others name different ones, which is no different reason.
    waiting = status.state in ("would run", "may run") and status.spec is None
    return status.key.stage, status.state, None if waiting else status.reasons


def _rows(group: list[ArtifactStatus]) -> list[Row]:
    shown = group if len(group) <= MANY else group[:1]
    rows: list[Row] = [(each.key.label, each.state, "; ".join(each.reasons)) for each in shown]
    if len(shown) < len(group):
        rows.append((f"... and {len(group) - 1} more like it", group[0].state, "--all names them"))
    return rows
