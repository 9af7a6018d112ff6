"""The live page: MLflow is asked before any work, and shows a study while it runs.

The store is the truth and the page a view of it. A thread of its own writes the page, so that an MLflow that
is slow, or goes away, neither slows nor stops the work.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

from flows.engine.events import BuildStarted, Event, Failed, RunStarted, Stored, listening
from flows.engine.plan import Plan
from flows.partial_results import RECORD, PartialResults
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.recorded.study import bare_job
from tasks.study.errors import UsageError
from tasks.tracking.errors import TrackingError
from tasks.tracking.job import PREFECT_PAGE

if TYPE_CHECKING:
    from tasks.tracking.live import LivePage, LiveStudy

_log = logging.getLogger("veritile.tracking")

EVERY_S = 3.0
"""What has come together in that time is written at once."""
AGAIN_S = 30.0
"""After that time an MLflow that gave no answer is tried again."""
PATIENCE_S = 35.0
"""So long a write that is under way is waited for; MLflow's own patience with a request is 30 s."""
ASKING_S = 5.0
"""So long an answer to the question whether MLflow is there is waited for."""
SHORT_S = 3.0
"""So long it is waited for where the run was interrupted."""


@contextmanager
def live_page(plan: Plan, tags: Mapping[str, str]) -> Iterator[None]:
    """Ask MLflow when the run starts, and show the run while the block runs.

    Args:
        plan: the artifacts of the study.
        tags: what the recording notes of this run.

    Raises:
        UsageError: the run is to record the study, and MLflow cannot be used.
    """
    writer = PageWriter(plan, tags)
    with listening(writer), ExitStack() as stack:
        stack.push(writer.leave)
        yield


class PageWriter:
    """Listens to a run, and writes in a thread what has changed since it last wrote."""

    def __init__(self, plan: Plan, tags: Mapping[str, str]) -> None:
        self._study = plan.study
        self._job = bare_job(plan.study, tags)
        self._links = {"The run in Prefect": tags[PREFECT_PAGE]} if PREFECT_PAGE in tags else {}
        self._planned = Counter(planned.key.stage for planned in plan)
        self._results = PartialResults(plan)
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._done: Counter[str] = Counter()
        self._failed: dict[ArtifactKey, str] = {}
        self._waiting: dict[ModelKey, set[ArtifactKey]] = defaultdict(set)
        self._touched: set[ModelKey] = set()
        self._changed, self._silent, self._elsewhere = False, False, False
        self._page: LivePage | None = None
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Note what happened."""
        match event:
            case RunStarted(to_make) if RECORD.stage in to_make:
                self._start(others=len(to_make) > 1)
            case BuildStarted(RECORD.stage, _, _):
                self._stop(PATIENCE_S, hand_over=True)
            case Stored(key, reference, made):
                with self._lock:
                    self._done[key.stage] += 1
                    self._changed = True
                    model = self._results.add(key, reference)
                    if model is not None:
                        self._waiting[model].add(key)
                    if model is not None and made:
                        # What was there before is shown with the first new result of its model.
                        self._touched.add(model)
            case Failed(key, why):
                with self._lock:
                    self._failed[key] = why
                    self._changed = True
            case _:
                pass

    def leave(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """End the page as the run ended: well, with an error, or interrupted."""
        if error is None:
            self.end("FINISHED")
        elif isinstance(error, Exception):
            self.end("FAILED", str(error))
        else:
            self.end("KILLED")

    def end(self, status: str, why: str = "") -> None:
        """End the page; a run that no recording has completed ends with ``status``."""
        killed = status == "KILLED"
        if not self._stop(SHORT_S if killed else PATIENCE_S) or self._page is None:
            return
        failures = {key.label: reason for key, reason in self._failed.items()}
        if not failures and why:
            failures = {"the run": why}
        # One that is gone is told by the recording; the next run closes what is left open.
        with suppress(TrackingError):
            self._ask(SHORT_S)
            self._page.end(status, {} if killed else failures)

    def _start(self, *, others: bool) -> None:
        """Ask MLflow, and begin to write where more is to come than the recording."""
        study = self._live_study()
        try:
            self._ask()
            if others and not self._open(study):
                return
        except TrackingError as error:
            if self._study.config.resources.mlflow == "required":
                raise UsageError(
                    f"{error}. Nothing was run. With `resources: {{mlflow: later}}` a run goes on without "
                    "MLflow, and `veritile record` records the study later"
                ) from error
            self._say(error)
        if others:
            # In the context of the run, to which Prefect adds what is logged.
            words = (copy_context().run, (self._write, study))
            self._thread = threading.Thread(target=words[0], args=words[1], daemon=True, name="live page")
            self._thread.start()

    def _live_study(self) -> "LiveStudy":
        from tasks.tracking.live import LiveStudy  # MLflow, which a run that records nothing does not need

        return LiveStudy(self._job, dict(self._planned), self._links)

    def _ask(self, patience_s: float = ASKING_S) -> None:
        from tasks.tracking.ask import ask

        ask(self._job.home, self._job.tracking_uri, patience_s)

    def _open(self, study: "LiveStudy") -> bool:
        from tasks.tracking.live import LivePage

        self._page = LivePage.open(study)
        self._elsewhere = self._page is None
        if self._elsewhere:
            _log.info("another run of this study is shown in MLflow; this one is not shown beside it")
        return not self._elsewhere

    def _stop(self, patience_s: float, *, hand_over: bool = False) -> bool:
        """Let the thread write what is left and end; say whether it did."""
        thread = self._thread
        if thread is None or self._closing.is_set():
            return thread is None or not thread.is_alive()
        self._closing.set()
        thread.join(patience_s)
        if thread.is_alive() or self._page is None:
            return not thread.is_alive()
        if hand_over:
            with suppress(TrackingError):
                self._page.hand_over()
        return True

    def _write(self, study: "LiveStudy") -> None:
        """Write until the run ends. What could not be written is written with the next."""
        pause_s = 0.0
        while not (self._closing.wait(pause_s) or self._elsewhere):
            pause_s = EVERY_S if self._written(study) else AGAIN_S
        if not (self._silent or self._elsewhere):
            self._written(study)

    def _written(self, study: "LiveStudy") -> bool:
        try:
            if self._silent:
                self._ask()
            if self._page is None and not self._open(study):
                return True
            self._write_changes()
        except TrackingError as error:
            self._say(error)
            return False
        if self._silent:
            _log.info("MLflow answers again; the live page goes on")
            self._silent = False
        return True

    def _write_changes(self) -> None:
        page = self._page
        assert page is not None
        with self._lock:
            changed, self._changed = self._changed, False
            done = dict(self._done)
            failed = {key.label: why for key, why in self._failed.items()}
            models = [model for model in self._touched if self._results.is_trained(model)]
        try:
            for model in models:
                self._write_model(page, model)
            if changed:
                page.show_progress(done, failed)
        except TrackingError:
            self._changed = True
            raise

    def _write_model(self, page: "LivePage", model: ModelKey) -> None:
        with self._lock:
            keys = frozenset(self._waiting[model])
        page.show_model(self._results.of(model, keys))
        with self._lock:
            self._waiting[model] -= keys
            if not self._waiting[model]:
                self._touched.discard(model)

    def _say(self, error: TrackingError) -> None:
        if not self._silent:
            _log.warning("%s. The work goes on; the study is recorded at its end or later", error)
        self._silent = True
