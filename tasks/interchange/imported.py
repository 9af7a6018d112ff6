"""Features that others made, as the FeatureSet of a slide: stage ``embed`` without an encoder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.feature_set import (
    EncoderFacts,
    FeatureDtype,
    FeatureFacts,
    own_labels,
    write_features,
)
from tasks.artifacts.tile_set import TileSet
from tasks.interchange.errors import InterchangeError
from tasks.slides.feature_files import FeatureFile, opened, read_feature_file
from tasks.slides.info import read_info

_ON_THE_TILE = 0.51
"""Level-0 pixels by which positions may differ that one file rounds and another does not."""


@dataclass(frozen=True)
class ImportJob:
    """Which features are imported.

    Attributes:
        file: the feature file.
        label: the class of the slide; empty where it is not known.
        dtype: how features are stored.
    """

    file: Path
    label: str
    dtype: FeatureDtype


def import_slide(tiles: TileSet, job: ImportJob, out: Path) -> dict[str, float]:
    """Write the FeatureSet of one slide into ``out`` and return measures.

    Args:
        tiles: the slide as it was tiled at the positions of the file; failed tiles are left out.
        job: which features.
        out: an empty folder for the payload.

    Raises:
        SlideError: the file cannot be used.
        InterchangeError: its tiles are not those of ``tiles``, or a feature is not finite.
    """
    file, info = read_feature_file(job.file), read_info(tiles.folder)
    table, where = tiles.table, job.file.name
    corners = file.corners_level0(info.geometry.mpp, info.geometry.mpp_y)
    _refuse_other_tiles(corners, table, where)
    rows = tiles.usable
    features = _features(job.file, file, rows)
    usable = table.iloc[rows].reset_index(drop=True)
    extent, mpp = float(table["extent_level0"].iloc[0]), float(table["mpp"].iloc[0])
    facts = FeatureFacts(
        slide_id=tiles.facts.slide_id,
        patient_id=str(usable["patient_id"].iloc[0]),
        site=str(usable["site"].iloc[0] or ""),
        split=tiles.facts.split,
        label=job.label,
        level0_mpp=info.geometry.mpp,
        mpp=mpp,
        tile_px=round(extent * info.geometry.mpp / mpp),
        encoder=EncoderFacts(name=file.encoder or f"not named by {file.producer}", claimed=True),
        dim=file.dim,
        count=len(rows),
        notes=_notes(file, job, info.geometry.mpp_source),
    )
    try:
        write_features(out, features, _columns(usable, weak=info.weak_labels), facts, job.dtype)
    except ValueError as error:
        raise InterchangeError(f"{where}: {error}") from error
    return {"tiles": len(rows), "features": file.dim}


def _refuse_other_tiles(corners: NDArray[np.float64], table: pd.DataFrame, where: str) -> None:
    tiled = table[["x_level0", "y_level0"]].to_numpy(np.float64)
    if corners.shape != tiled.shape:
        raise InterchangeError(
            f"{where} holds features of {len(corners)} tiles, and the slide has {len(tiled)}"
        )
    apart = np.abs(corners - tiled).max(axis=1)
    if apart.max() > _ON_THE_TILE:
        first = int(np.argmax(apart > _ON_THE_TILE))
        raise InterchangeError(
            f"{where}: {int((apart > _ON_THE_TILE).sum())} of {len(apart)} tiles lie elsewhere than their "
            f"features, first tile {first + 1} at ({tiled[first][0]:g}, {tiled[first][1]:g}) and "
            f"({corners[first][0]:g}, {corners[first][1]:g}); the file of coordinates is of other features"
        )


def _features(path: Path, file: FeatureFile, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    with opened(path) as stored:
        # All at once: a file with a chunk per row takes a seek per row in any other way.
        return np.asarray(stored[file.dataset][:], np.float32)[rows]


def _columns(table: pd.DataFrame, *, weak: bool) -> pd.DataFrame:
    return table.assign(label=own_labels(table, of_slide=weak), darkness=np.nan)


def _notes(file: FeatureFile, job: ImportJob, source: str) -> tuple[str, ...]:
    notes = [
        f"features were made elsewhere and imported from {job.file.name}, in the layout of {file.producer}"
    ]
    if file.dtype != "float32":
        notes.append(f"they were stored as {file.dtype} and are read as float32")
    if job.dtype != file.dtype:
        notes.append(f"they are kept as {job.dtype}")
    if source == "metadata" and file.level0_mpp is not None:
        notes.append("micrometres per pixel are nominal: they follow from the target that the file names")
    return tuple(notes)
