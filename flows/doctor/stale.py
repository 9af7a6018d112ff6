"""Runs that are said to run although their process died."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.doctor.finding import Finding
from flows.showing.address import server_of, silence_of

_NAMED = 3


def stale_findings(home: Path) -> Iterator[Finding]:
    """Yield what is found in MLflow and in Prefect; the next run of such a study closes and resumes it."""
    from tasks.tracking.database_check import check_database

    yield _finding("MLflow", check_database(home.resolve()).stale)
    url = server_of(home)
    # That a server does not answer is a finding of its own.
    if url is not None and not silence_of(url):
        from flows.showing.stale import find_stale_runs  # Prefect, which the other checks do not need

        yield _finding("Prefect", [run.name for run in find_stale_runs(url)])


def _finding(where: str, names: Sequence[str]) -> Finding:
    if not names:
        return Finding("stale runs", "ok", f"{where} shows no run of a dead process")
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Finding(
        "stale runs",
        "warning",
        f"{where} shows {len(names)} runs as running whose process ended: "
        f"{', '.join(names[:_NAMED])}{more}; run the study again, which closes them",
    )
