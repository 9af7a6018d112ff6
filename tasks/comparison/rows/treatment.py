"""Whether the training of an arm did what it is meant to do, before its claims are judged.

A claim on maps of a robust network says nothing where the network did not become robust.
"""

from collections.abc import Iterable, Mapping

from tasks.comparison.job import ArmCheck
from tasks.comparison.row import Row
from tasks.comparison.wording import with_interval
from tasks.statistics.better import better


def not_taken(
    row: Row, checks: Mapping[str, tuple[ArmCheck, ...]], rows: Iterable[Row], confidence: float
) -> str:
    """Return why the claim in ``row`` was not tested. Empty where its arms took, or have no check.

    Each check is the paired difference of the arm to the reference arm in what its training is meant to move.
    It took if that difference lies on the right side, by its own uncorrected test.
    """
    moved = {(found.arm, found.name): found for found in rows if found.kind == "difference"}
    said = [
        _failed(arm, check, moved[arm, check.endpoint], confidence)
        for arm in dict.fromkeys((row.arm, row.against))
        for check in checks.get(arm, ())
        if (arm, check.endpoint) in moved
    ]
    return "; ".join(reason for reason in said if reason)


def not_measured(row: Row, checks: Mapping[str, tuple[ArmCheck, ...]]) -> str:
    """Return which checks of the arms the study does not measure, as half a sentence; empty if none."""
    needs = dict.fromkeys(
        check.needs for arm in (row.arm, row.against) for check in checks.get(arm, ()) if not check.endpoint
    )
    return f"whether the training took was not measured ({', '.join(needs)})" if needs else ""


def _failed(arm: str, check: ArmCheck, found: Row, confidence: float) -> str:
    took = better(found.value, 0.0, check.direction) and found.p < 1 - confidence
    if took:
        return ""
    return (
        f"the training of {arm} did not take: {check.endpoint} should be {check.direction} than in "
        f"{found.against}, and differs by {with_interval(found)}"
    )
