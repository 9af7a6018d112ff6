"""The runner that a study names under ``resources.runner``."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from flows.engine.runners.base import Runner, Submit
from flows.engine.runners.inline import InlineRunner
from flows.engine.runners.threads import threads_runner
from tasks.study.errors import UsageError
from tasks.study.study import Study


@contextmanager
def chosen_runner(study: Study, submit: Submit) -> Iterator[Runner]:
    """Give the runner of the study while the block runs.

    Raises:
        UsageError: its cluster cannot be used, or Dask is not installed.
    """
    resources = study.config.resources
    if resources.runner == "inline":
        yield InlineRunner(submit, study.device_slots[0])
    elif resources.runner == "threads":
        with threads_runner(submit, study.device_slots, resources.workers) as threads:
            yield threads
    else:
        if find_spec("distributed") is None:
            raise UsageError(
                "resources.runner: dask needs Dask, which is not installed; pip install 'veritile[dask]'"
            )
        from flows.engine.runners.cluster import cluster_runner  # an extra, and heavy

        with cluster_runner(study, submit) as workers:
            yield workers
