"""When a schedule fires: by cron, or every so often. Everything that is wrong with it is told here."""

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from tasks.study.errors import UsageError

LEAST_S = 60
MOST_S = 366 * 86_400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, in a month that has the day",
    "month": "1 to 12, or jan to dec",
    "day-of-week": "0 to 7, or sun to sat",
}


@dataclass(frozen=True)
class Clock:
    """When a schedule fires: ``cron`` in five fields, or ``every``, and the zone that both are read in."""

    cron: str | None
    every: timedelta | None
    timezone: str = "UTC"

    @classmethod
    def read(cls, cron: str | None, every: str | None, timezone: str) -> "Clock":
        """Return the clock that was typed.

        Raises:
            UsageError: neither or both are typed, or one of them is no such thing.
        """
        if (cron is None) == (every is None):
            raise UsageError("give either --cron or --every")
        _refuse_unknown_zone(timezone)
        if cron is not None:
            return cls(_cron(cron), None, timezone)
        return cls(None, _interval(every or ""), timezone)

    @property
    def words(self) -> str:
        """The rule, for people."""
        return rule_in_words(self.cron, self.every, self.timezone)


def rule_in_words(cron: str | None, every: timedelta | None, timezone: str | None) -> str:
    """Return a rule for people, such as ``0 2 * * * (Europe/Berlin)`` or ``every 6 h``."""
    if every is None:
        return f"{cron} ({timezone or 'UTC'})"
    seconds = int(every.total_seconds())
    unit = next(unit for unit, size in reversed(_SECONDS.items()) if seconds % size == 0)
    return f"every {seconds // _SECONDS[unit]} {unit}"


def _interval(text: str) -> timedelta:
    match = re.fullmatch(r"([+-]?\d+)\s*([smhd]?)", text.strip())
    if match is None:
        raise UsageError(
            f"--every {text}: give seconds, or a number with s, m, h or d, such as 90s, 15m or 6h"
        )
    seconds = int(match[1]) * _SECONDS[match[2] or "s"]
    if not LEAST_S <= seconds <= MOST_S:
        raise UsageError(
            f"--every {text}: a schedule fires at most once in {LEAST_S} seconds and at least once in "
            f"{MOST_S // 86_400} days"
        )
    return timedelta(seconds=seconds)


def _cron(text: str) -> str:
    """Return the five fields, after asking the parser of which the sentences are."""
    from cronsim import CronSim, CronSimError  # not needed to say --help

    rule = _SHORT.get(text.strip().lower(), " ".join(text.split()))
    fields = rule.split()
    if len(fields) != len(_FIELDS):
        raise UsageError(
            f"--cron {text!r} has {len(fields)} fields, not five: {' '.join(_FIELDS)}, such as '0 2 * * *'"
        )
    try:
        next(CronSim(rule, datetime.now(UTC)))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        allowed = f"; allowed is {_FIELDS[field]}" if field in _FIELDS else ""
        got = f" {fields[list(_FIELDS).index(field)]!r}" if field in _FIELDS else ""
        raise UsageError(f"--cron {text!r}: the {field}{got} cannot be read{allowed}") from None
    except StopIteration:
        raise UsageError(f"--cron {text!r}: such a day never comes") from None
    return rule


def _refuse_unknown_zone(name: str) -> None:
    zones = sorted(available_timezones())
    if name in zones:
        return
    by_word = {zone.lower(): zone for zone in zones}
    # A city alone is what people type; the whole name wins where both are near.
    by_word = {zone.rpartition("/")[2].lower(): zone for zone in zones} | by_word
    near = difflib.get_close_matches(name.lower(), by_word, n=1, cutoff=0.6)
    hint = f"did you mean {by_word[near[0]]!r}?" if near else "name one such as 'Europe/Berlin' or 'UTC'"
    raise UsageError(f"--timezone {name!r} is no timezone; {hint}")
