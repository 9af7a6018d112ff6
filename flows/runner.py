"""Where Prefect runs the parts: threads of this process, for what takes long releases the interpreter."""

from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

THREADS = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=8))
"""How many parts really run at once is said stage by stage, in flows/stages.py."""
