"""Runs that were written while a study ran: the recording completes them, or takes them away."""

from collections.abc import Iterator

from tasks.tracking.mlflow_api import MlflowClient, Run
from tasks.tracking.runs import (
    CHECKPOINT_RUN,
    FINGERPRINT,
    KIND,
    LIVE,
    NAME,
    PARENT,
    STUDY,
    find_runs,
    is_own,
)

HANDED_OVER = "veritile.handed_over"
"""Tag of a live run that is written no further: the recording may have it."""


class Leftovers:
    """The live runs of one study in one experiment that no recording has completed.

    Args:
        client: where to look.
        experiment: id of the experiment.
        live: what tells the study and its home; empty: there are none.
    """

    def __init__(self, client: MlflowClient, experiment: str, live: str) -> None:
        self._client, self._experiment, self._live = client, experiment, live

    def parents(self) -> list[Run]:
        """Return the runs of the study, newest first, also those that another process still writes."""
        if not self._live:
            return []
        found = find_runs(self._client, self._experiment, {KIND: STUDY, LIVE: self._live})
        return [run for run in found if FINGERPRINT not in run.data.tags]

    def parent(self) -> str | None:
        """Return the newest run that nobody writes any more."""
        return next((str(run.info.run_id) for run in self.parents() if is_free(run)), None)

    def child(self, parent: str, name: str) -> Run | None:
        """Return the newest live run of a checkpoint below ``parent``."""
        return next((run for run in self.children(parent) if run.data.tags.get(NAME) == name), None)

    def children(self, parent: str) -> list[Run]:
        """Return the live runs of checkpoints below ``parent``, newest first."""
        found = find_runs(self._client, self._experiment, {KIND: CHECKPOINT_RUN, PARENT: parent})
        return [run for run in found if FINGERPRINT not in run.data.tags]

    def delete(self, parent: str | None = None) -> None:
        """Delete the runs that nobody writes any more, and the children that ``parent`` has left over."""
        for run_id in self._free_runs(parent):
            self._client.delete_run(run_id)

    def _free_runs(self, parent: str | None) -> Iterator[str]:
        for run in self.parents():
            if is_free(run):
                yield from (str(child.info.run_id) for child in self.children(run.info.run_id))
                yield str(run.info.run_id)
        if parent is not None:
            yield from (str(child.info.run_id) for child in self.children(parent))


def is_free(run: Run) -> bool:
    """Say whether no process writes ``run`` any more, or only this one."""
    return run.info.status != "RUNNING" or HANDED_OVER in run.data.tags or is_own(run)
