"""A study in MLflow while it runs: one run for the study, one for each model once it is trained.

It is a view. What it shows is read from the store, and the recording at the end completes the same runs.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.reporting.pseudonyms import without_patients
from tasks.tracking.child import ChildFacts
from tasks.tracking.database import exclusive, experiment_id, has_server, open_client
from tasks.tracking.errors import address_of, in_words
from tasks.tracking.failed import FAILED, failed_in_short, why_failed
from tasks.tracking.job import RecordedCheckpoint, RecordJob
from tasks.tracking.leftovers import HANDED_OVER, Leftovers, is_free
from tasks.tracking.mlflow_api import MlflowClient, Run
from tasks.tracking.names import tag_text
from tasks.tracking.runs import (
    CHECKPOINT_RUN,
    KIND,
    LIVE,
    NAME,
    NOTE,
    PARENT,
    RECORDED,
    STUDY,
    command_tags,
    log_points,
    reopen,
    set_tags,
    start_run,
    sweep,
)

_log = logging.getLogger("veritile.tracking")
TRAINED = "veritile.trained"
"""Tag of a live run of a model: the digest of its checkpoint."""


@dataclass(frozen=True)
class LiveStudy:
    """What is known of a study when it starts.

    Attributes:
        job: the study as it will be recorded, as yet without results.
        planned: {stage: number of artifacts}.
        links: {words: address} for the description, for instance of the run in Prefect.
    """

    job: RecordJob
    planned: Mapping[str, int]
    links: Mapping[str, str] = field(default_factory=dict)


class LivePage:
    """The runs of one study that is under way. Every call may raise TrackingError and be repeated."""

    def __init__(self, client: MlflowClient, experiment: str, parent: str, study: LiveStudy) -> None:
        self._client, self._experiment, self.parent = client, experiment, parent
        self._study, self._job = study, study.job
        self._place = address_of(study.job.home, study.job.tracking_uri)
        self._leftovers = Leftovers(client, experiment, study.job.live)
        self._children: dict[str, Run] = {}
        self._shown: dict[str, set[tuple[str, int]]] = {}
        self._done: Mapping[str, int] = {}

    @classmethod
    def open(cls, study: LiveStudy) -> "LivePage | None":
        """Begin to show a study; None where another living process shows it already.

        An interrupted page of the same study and home is continued.

        Raises:
            TrackingError: MLflow cannot be used.
        """
        job = study.job
        with in_words(address_of(job.home, job.tracking_uri)), exclusive(job.home, "live"):
            client = open_client(job.home, job.tracking_uri)
            name = job.experiment or job.study
            experiment = experiment_id(client, name, job.home, local=not has_server(job.tracking_uri))
            sweep(client, experiment)
            earlier = Leftovers(client, experiment, job.live).parents()
            if any(not is_free(run) for run in earlier):
                return None
            tags = {**_tags(study), KIND: STUDY, LIVE: job.live, NOTE: _note(study, {}, {})}
            if earlier:
                parent = reopen(client, str(earlier[0].info.run_id), tags)
                for tag in (HANDED_OVER, FAILED):
                    if tag in earlier[0].data.tags:
                        client.delete_tag(parent, tag)
            else:
                parent = start_run(client, experiment, job.study, tags)
        return cls(client, experiment, parent, study)

    def show_progress(self, done: Mapping[str, int], failed: Mapping[str, str]) -> None:
        """Say how far the study is: ``{stage: artifacts that are stored}`` and ``{artifact: reason}``."""
        with in_words(self._place):
            self._done, total = done, sum(done.values())
            points = [(f"progress/{stage}", float(count), total) for stage, count in done.items()]
            log_points(self._client, self.parent, [*points, ("progress/all", float(total), total)])
            note = _note(self._study, done, self._clean(failed))
            self._client.set_tag(self.parent, NOTE, tag_text(note))

    def show_model(self, item: RecordedCheckpoint) -> None:
        """Show a trained model with those of its results that ``item`` has; the earlier ones stay."""
        with in_words(self._place):
            facts = ChildFacts.of(self._job, item)
            if item.name not in self._children:
                self._children[item.name] = self._open_child(item)
                self._shown[item.name] = set()
            shown = self._shown[item.name]
            new = tuple(point for point in facts.points if (point[0], point[2]) not in shown)
            replace(facts, points=new).log(self._client, self._children[item.name])
            shown |= {(name, step) for name, _, step in new}

    def hand_over(self) -> None:
        """Leave the runs to the recording, which completes them."""
        with in_words(self._place):
            self._client.set_tag(self.parent, HANDED_OVER, "yes")

    def end(self, status: str, failures: Mapping[str, str]) -> None:
        """End runs that no recording has completed.

        Args:
            status: FAILED or KILLED; FINISHED where another run holds the recording, so that these go.
            failures: {artifact: reason}.
        """
        with in_words(self._place):
            if RECORDED in self._client.get_run(self.parent).data.tags:
                return
            if status == "FINISHED":
                self._leftovers.delete()
                return
            for child in self._leftovers.children(self.parent):
                self._client.set_terminated(child.info.run_id, "KILLED")
            own = self._clean(failures)
            tags = {FAILED: tag_text(failed_in_short(own))} if own else {}
            note = f"{why_failed(own)}{_note(self._study, self._done, {})}"
            if own:
                set_tags(self._client, self.parent, {**tags, NOTE: tag_text(note)})
            self._client.set_terminated(self.parent, status)

    def _open_child(self, item: RecordedCheckpoint) -> Run:
        """Return the run of a model: an earlier one of the same weights, or a new one."""
        earlier = self._leftovers.child(self.parent, item.name)
        tags = {KIND: CHECKPOINT_RUN, LIVE: self._job.live, NAME: item.name, TRAINED: item.digest}
        tags |= {**item.tags, PARENT: self.parent, **self._job.tags}
        if earlier is not None and earlier.data.tags.get(TRAINED) == item.digest:
            return self._client.get_run(reopen(self._client, str(earlier.info.run_id), tags))
        if earlier is not None:
            self._client.delete_run(earlier.info.run_id)
        return self._client.get_run(start_run(self._client, self._experiment, item.words, tags))

    def _clean(self, failures: Mapping[str, str]) -> dict[str, str]:
        return dict(without_patients(dict(failures), self._job.patients, self._job.salt))


def _tags(study: LiveStudy) -> dict[str, str]:
    job = study.job
    command: Any = without_patients(job.command, job.patients, job.salt)
    return {**job.tags, **command_tags(str(command or ""))}


def _note(study: LiveStudy, done: Mapping[str, int], failed: Mapping[str, str]) -> str:
    """Return the description of a study that is under way: how far each stage is, and where else to look."""
    rows = [f"| {stage} | {done.get(stage, 0)} of {count} |" for stage, count in study.planned.items()]
    links = [f"[{words}]({address})" for words, address in study.links.items()]
    table = ["| stage | stored |", "|---|---|", *rows]
    lost = [f"- failed: {label}: {why}" for label, why in list(failed.items())[:20]]
    return "\n".join(
        ["Not finished; the comparison comes here at its end.", "", *lost, "", *table, "", *links]
    )
