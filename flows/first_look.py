"""The first heatmap of a run, as soon as the first slide is explained.

The recorded heatmaps share one colour scale, which is known only when everything is explained. This one has a
scale of its own, is called so, and is no artifact.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

from flows.engine.events import Event, Stored, listening
from flows.engine.plan import Plan
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.backends.errors import MissingArtifactError, StoreError
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.spec import Reference
from tasks.artifacts.tile_set import TileSet
from tasks.draw import Draw, drawn_slides, first_look_job
from tasks.explain import Explain, ExplainSection
from tasks.reporting.maps.job import HeatmapError
from tasks.scale import drawn_maps
from tasks.tile import tile_key
from tasks.tiling.on_demand import SlidePixels

_log = logging.getLogger("veritile.study")

FOLDER = "first_look"
"""Below the home, with a folder per study."""
PATIENCE_S = 20.0
"""So long a picture that is being drawn is waited for when the run ends."""


@contextmanager
def first_look(plan: Plan) -> Iterator[None]:
    """Draw the first map that the run makes while the block runs, and say where it is."""
    if not any(planned.key.stage == Draw.name for planned in plan):
        yield
        return
    eye = _FirstLook(plan)
    with listening(eye):
        try:
            yield
        finally:
            eye.wait()


class _FirstLook:
    """Waits for the first map of an explainer, and draws it in a thread of its own."""

    def __init__(self, plan: Plan) -> None:
        self._study = plan.study
        self._wanted = {explainer.id for explainer in plan.study.section(ExplainSection).explainers}
        self._tiles: dict[ArtifactKey, Reference] = {}
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Note what is stored; a map that this run made begins the drawing."""
        if not isinstance(event, Stored) or self._thread is not None:
            return
        key = event.key
        if key.stage == tile_key("").stage:
            self._tiles[key] = event.reference
        elif key.stage == Explain.name and event.made and key.explainer in self._wanted and key.model:
            # In the context of the run, to which Prefect adds what is logged.
            self._thread = threading.Thread(
                target=copy_context().run,
                args=(self._draw, key, event.reference),
                daemon=True,
                name="first look",
            )
            self._thread.start()

    def wait(self) -> None:
        """Wait for a picture that is under way."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)

    def _draw(self, key: ArtifactKey, reference: Reference) -> None:
        from tasks.reporting.heatmaps.first_look import draw_first_look  # Matplotlib: heavy

        study = self._study
        try:
            maps = Attributions.open(study.store.path(reference))
            slide = next((each for each in _slides(key, drawn_slides(study)) if drawn_maps(maps, each)), None)
            if slide is None or tile_key(slide) not in self._tiles:
                return
            place = study.store.path(self._tiles[tile_key(slide)])
            job = first_look_job(
                study, key, TileSet.open(place, SlidePixels(study.data_root, study.row)), maps, slide
            )
            path = self._path(key, slide)
            draw_first_look(job, path)
        except (HeatmapError, OSError, StoreError, MissingArtifactError, ValueError) as error:
            _log.warning("the first heatmap was not drawn, the study goes on: %s", error)
            return
        _log.info("first heatmap, on a colour scale of its own until everything is explained: %s", path)

    def _path(self, key: ArtifactKey, slide: str) -> Path:
        folder = self._study.home / FOLDER / self._study.name
        folder.mkdir(parents=True, exist_ok=True)
        model = key.model.short if key.model else ""
        return folder / f"first_look_{key.explainer}_{slide}_{model}.png"


def _slides(key: ArtifactKey, drawn: list[str]) -> list[str]:
    """Return the slides that a map may be of: its own, or all where it is of all."""
    return drawn if key.slide is None else [key.slide]
