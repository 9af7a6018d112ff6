"""Pictures in MLflow: image cards with a slider over slides, files per slide, a table of thumbnails."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image as Pictures

from tasks.artifacts.calibration import CURVE, Calibration
from tasks.artifacts.calibration import INFO as CALIBRATION
from tasks.artifacts.calibration import PICTURE as CURVE_PICTURE
from tasks.artifacts.dose import INFO as DOSE
from tasks.artifacts.dose import PICTURE as DOSE_PICTURE
from tasks.artifacts.dose import TRIALS, Dose
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.reporting.heatmaps.draw import SHEET, TILE_SHEET
from tasks.reporting.maps.thread_map import thread_map
from tasks.tracking.job import RecordedHeatmaps, RecordedReport
from tasks.tracking.mlflow_api import Image, MlflowClient

EXPORTS = "heatmaps/exports.json"
"""Where each export lies, below the folder of the store."""

HEATMAPS, SHEETS, OTHERS = "1 Heatmaps", "2 Sheets", "3 Pictures"
"""Sections of cards. MLflow sorts them by name among those of charts, so a number comes first."""
_THUMBNAIL_PX = 360
_CARD_PX = 1600
"""Longest side of pictures on cards. The files in ``heatmaps/`` keep their size."""


def log_checkpoint_pictures(
    client: MlflowClient, run_id: str, name: str, heatmaps: Sequence[RecordedHeatmaps]
) -> None:
    """Log drawings of checkpoint ``name``: card ``1 Heatmaps/<explainer>``, one step per slide.

    Several pictures are shrunk at once, which is what takes the time.
    """
    drawn = [item for item in heatmaps if (item.folder / f"overlay_{name}.png").is_file()]
    _log_steps(client, run_id, drawn, HEATMAPS, f"overlay_{name}.png", slide_steps(heatmaps))
    for item in drawn:
        target = f"heatmaps/{item.slide_id}/{item.explainer}"
        for path in (item.folder / f"overlay_{name}.png", item.folder / f"probability_{name}.png"):
            if path.is_file():
                client.log_artifact(run_id, str(path), target)


def log_exports(client: MlflowClient, run_id: str, name: str, heatmaps: Sequence[RecordedHeatmaps]) -> None:
    """Log where in the store the exports of checkpoint ``name`` lie, where a study asks for any.

    They stay there alone: they are large, and MLflow cannot show them.
    """
    places = {
        f"{item.slide_id}/{item.explainer}/{path.name}": "/".join(path.parts[-3:])
        for item in heatmaps
        for path in (item.folder / f"tiles_{name}.geojson.zip", item.folder / f"map_{name}.ome.tiff")
        if path.is_file()
    }
    if places:
        client.log_dict(run_id, places, EXPORTS)


def log_study_pictures(
    client: MlflowClient, run_id: str, heatmaps: Sequence[RecordedHeatmaps], first: str
) -> None:
    """Log cards with one step per slide, and the sheets as files.

    ``1 Heatmaps/<explainer>`` shows the maps of checkpoint ``first``, ``2 Sheets/<explainer>`` those of all.
    """
    steps = slide_steps(heatmaps)
    drawn = [item for item in heatmaps if (item.folder / f"overlay_{first}.png").is_file()]
    _log_steps(client, run_id, drawn, HEATMAPS, f"overlay_{first}.png", steps)
    _log_steps(client, run_id, heatmaps, SHEETS, SHEET, steps)
    for item in heatmaps:
        for name in (SHEET, TILE_SHEET):
            path = f"heatmaps/{item.slide_id}/{item.explainer}"
            client.log_artifact(run_id, str(item.folder / name), path)


def _log_steps(  # what is logged, where, and under which names
    client: MlflowClient,
    run_id: str,
    heatmaps: Sequence[RecordedHeatmaps],
    section: str,
    name: str,
    steps: Mapping[str, int],
) -> None:
    """Log the pictures ``name`` as cards of a section.

    Cards that an interrupted recording has logged are not logged again, as MLflow would show them twice.
    """
    there = _cards_there(client, run_id)
    new = [h for h in heatmaps if f"{section}~{h.explainer}+step+{steps[h.slide_id]}" not in there]
    for item, card in zip(new, _cards(new, name), strict=True):
        client.log_image(run_id, card, key=f"{section}/{item.explainer}", step=steps[item.slide_id])


def _cards_there(client: MlflowClient, run_id: str) -> set[str]:
    """Return ``<key>+step+<step>`` of the cards that a run has, from the names of their files.

    MLflow writes ``~`` for ``/`` there.
    """
    names = (item.path.rpartition("/")[2] for item in client.list_artifacts(run_id, "images"))
    return {name.partition("+timestamp+")[0] for name in names}


def _cards(heatmaps: Sequence[RecordedHeatmaps], name: str) -> Iterator[Pictures.Image]:
    """Yield the picture ``name`` of each, small. Threads shrink them; one alone may write to MLflow.

    Two that log an image at once both insert the run's tag for images, and the second fails.
    """
    return thread_map(lambda item: shrunk(item.folder / name, _CARD_PX), heatmaps)


def log_report_pictures(client: MlflowClient, run_id: str, reports: Iterable[RecordedReport]) -> None:
    """Log the pictures of reports as cards and as files ``<explainer>/<metric>/...``."""
    for item in reports:
        for path in sorted(item.report.folder.glob("*.png")):
            log_card(client, run_id, path, f"{OTHERS}/{item.explainer} {item.metric} {path.stem}", 0)
            client.log_artifact(run_id, str(path), f"{item.explainer}/{item.metric}")


def log_calibrations(client: MlflowClient, run_id: str, calibrations: Mapping[str, Calibration]) -> None:
    """Log the curves of accuracy over noise as cards and as files ``calibration/<explainer>/...``."""
    for explainer, calibration in calibrations.items():
        log_card(client, run_id, calibration.folder / CURVE_PICTURE, f"{OTHERS}/calibration {explainer}", 0)
        for name in (CURVE_PICTURE, CURVE, CALIBRATION):
            client.log_artifact(run_id, str(calibration.folder / name), f"calibration/{explainer}")


def log_dose(client: MlflowClient, run_id: str, dose: Dose) -> None:
    """Log the curve of what the doses moved as a card and as files ``dose/...``."""
    log_card(client, run_id, dose.folder / DOSE_PICTURE, f"{OTHERS}/dose", 0)
    for name in (DOSE, TRIALS):
        client.log_artifact(run_id, str(dose.folder / name), "dose")


def log_exemplars(client: MlflowClient, run_id: str, exemplars: Mapping[str, ExemplarSet]) -> None:
    """Log exemplars as cards, and all their files in ``exemplars/<id>``."""
    for name, shown in exemplars.items():
        for path in shown.pictures:
            log_card(client, run_id, path, f"{OTHERS}/exemplars {name} {path.stem}", 0)
        for path in (*shown.pictures, *shown.tables):
            client.log_artifact(run_id, str(path), f"exemplars/{name}")


def log_card(client: MlflowClient, run_id: str, path: Path, key: str, step: int) -> None:
    """Log a picture as one step of an image card."""
    client.log_image(run_id, shrunk(path, _CARD_PX), key=key, step=step)


def log_slide_table(
    client: MlflowClient, run_id: str, slides: pd.DataFrame, heatmaps: Sequence[RecordedHeatmaps], name: str
) -> None:
    """Log ``tables/slides.json``: a row per slide with its figures and a thumbnail per explainer.

    Args:
        client: the MLflow client.
        run_id: id of the run.
        slides: one row per slide, with a column slide_id and without patient ids.
        heatmaps: drawings per explainer and slide.
        name: file stem in the folder of each drawing, for instance ``overlay_standard_s0``.
    """
    table: dict[str, list[Any]] = {str(c): slides[c].tolist() for c in slides.columns}
    for explainer in dict.fromkeys(item.explainer for item in heatmaps):
        folders = {item.slide_id: item.folder for item in heatmaps if item.explainer == explainer}
        wanted = [folders.get(slide) for slide in slides["slide_id"]]
        pictures = list(thread_map(partial(_thumbnail, name), wanted))
        if all(picture is not None for picture in pictures):
            table[explainer] = pictures
    if len(slides):
        client.log_table(run_id, table, "tables/slides.json")


def slide_steps(heatmaps: Iterable[RecordedHeatmaps]) -> dict[str, int]:
    """Return {slide id: step}, counted from 0 in the order of the ids."""
    return {slide: step for step, slide in enumerate(sorted({item.slide_id for item in heatmaps}))}


def shrunk(path: Path, longest: int) -> Pictures.Image:
    """Return the picture at ``path``, with its longer side at most ``longest`` pixels."""
    with Pictures.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((longest, longest), Pictures.Resampling.LANCZOS)
    return small


def _thumbnail(name: str, folder: Path | None) -> Image | None:
    path = None if folder is None else folder / f"{name}.png"
    return Image(shrunk(path, _THUMBNAIL_PX)) if path is not None and path.is_file() else None
