"""Where Prefect runs what is handed over side by side: threads, as decoding slides releases the lock."""

from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

THREADS = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=8))
"""Slides are cut by them, as many at once as the study says; all else is made in the flow's own thread."""
