"""Runs that are said to run although their process died."""

from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding

_NAMED = 3


def stale_findings(home: Path) -> Iterator[Finding]:
    """Yield what is found; the next run of such a study closes and resumes it."""
    from tasks.tracking.database_check import check_database

    names = check_database(home.resolve()).stale
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield Finding(
            "stale runs",
            "warning",
            f"MLflow shows {len(names)} runs as running whose process ended: "
            f"{', '.join(names[:_NAMED])}{more}; run the study again, which closes them",
        )
    else:
        yield Finding("stale runs", "ok", "MLflow shows no run of a dead process")
