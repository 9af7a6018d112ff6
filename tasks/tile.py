"""Verb: cut one slide into tiles."""

from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from tasks.artifacts.part import Order, Reference
from tasks.artifacts.store import Store
from tasks.slides.manifest import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe


def _is_io_error(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Try again when the file system stumbles; a slide that is wrong stays wrong."""
    return isinstance(state.result(raise_on_failure=False), OSError)


@task(
    name="tile",
    task_run_name="{order.part.label}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=_is_io_error,
)
def tile(order: Order, row: SlideRow, data_root: Path, recipe: TilingRecipe) -> Reference:
    """Return the reference of the slide's TileSet."""

    def write(out: Path) -> dict[str, float]:
        return tile_slide(row, data_root, recipe, out, order.advance)

    return Store(order.home).reuse_or_build(order.part, write, force=order.force)
