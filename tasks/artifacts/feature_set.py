"""FeatureSet: what one encoder says of the tiles of one slide, one vector per tile.

Payload: ``features.npy`` float16 or float32 [N, D], ``features.parquet``, one row per tile in the same order
with :data:`COLUMNS`, and ``features.json`` (:class:`FeatureFacts`). Failed tiles have no row. All lengths are
in pixels of level 0 unless their name says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.tile_set import MARKS, MIXED, Mark

FEATURES = "features.npy"
TILES = "features.parquet"
FACTS = "features.json"

COLUMNS = (
    "tile_id", "x_level0", "y_level0", "extent_level0", "label", "tissue_fraction", "darkness", *MARKS,
)  # fmt: skip
"""tile_id; the upper left corner and the side of the tile; its own label, empty where it is not known; the
fraction of it that is tissue, its mean optical density, and the fraction that each mark covers; NaN where
they are not known."""

FeatureDtype = Literal["float16", "float32"]


class EncoderFacts(BaseModel):
    """Which network made the features.

    Attributes:
        name: of the encoder. Of imported features it is what their file claims.
        digest: sha256 of its weights; empty where they are not known.
        licence: what its weights may be used for; empty where nobody said so.
        claimed: whether the features were made elsewhere, so that nothing here was checked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str = ""
    licence: str = ""
    claimed: bool = False


class FeatureFacts(BaseModel):
    """What all features of a slide have in common.

    Attributes:
        slide_id: the slide.
        patient_id: its patient.
        site: the hospital or scanner; empty where the manifest names none.
        split: its split in the manifest.
        label: the class of the slide; empty where the manifest names none.
        level0_mpp: micrometres per pixel of level 0.
        mpp: micrometres per pixel of the tiles that the encoder saw.
        tile_px: their side in pixels.
        encoder: what made the features.
        dim: D.
        count: N.
        marks: which marks are known of the tiles.
        notes: what is to be said of the features wherever they are used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slide_id: str
    patient_id: str
    site: str = ""
    split: Literal["train", "val", "test"]
    label: str = ""
    level0_mpp: float
    mpp: float
    tile_px: int
    encoder: EncoderFacts
    dim: int
    count: int
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeatureSet(Artifact):
    """A read-only view of the features of one slide."""

    @cached_property
    def facts(self) -> FeatureFacts:
        """What all features have in common."""
        return FeatureFacts.model_validate_json((self.folder / FACTS).read_text(encoding="utf-8"))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per tile, :data:`COLUMNS`, in the order of the features."""
        return pd.read_parquet(self.folder / TILES)

    @property
    def tile_ids(self) -> list[str]:
        """The ids of the tiles, in the order of the features; read anew each time, and not kept."""
        with pq.ParquetFile(self.folder / TILES) as file:
            found = file.read(columns=["tile_id"], use_threads=False)["tile_id"].to_pylist()
        return [str(name) for name in found]

    def features(self, rows: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float32]:
        """Return float32 [n, D] of some tiles, by default of all. Nothing else is read; no file stays open.

        Args:
            rows: which, in the order wanted. Ascending row numbers are read fastest.
        """
        return np.array(np.load(self.folder / FEATURES, mmap_mode="r")[rows], dtype=np.float32)

    def about(self) -> NDArray[np.float32]:
        """Return float32 [N, 4]: :data:`tasks.samples.inputs.ABOUT` of each tile, NaN where not known."""
        table = self._columns(*COLUMNS[1:4], *COLUMNS[5:7])
        half, mpp = table["extent_level0"] / 2, self.facts.level0_mpp
        columns = (
            (table["x_level0"] + half) * mpp,
            (table["y_level0"] + half) * mpp,
            table["darkness"],
            table["tissue_fraction"],
        )
        return np.stack([column.to_numpy(dtype=np.float32) for column in columns], axis=1)

    def marked(self, mark: Mark) -> NDArray[np.float32]:
        """Return float32 [N]: the fraction of each tile that ``mark`` covers; NaN where nobody marked it."""
        return self._columns(mark)[mark].to_numpy(dtype=np.float32)

    def labels(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Return int64 [N]: the class of each tile, -1 where its label is not known or is none of them."""
        labels = self._columns("label")["label"]
        return pd.Index(classes).get_indexer(pd.Index(labels)).astype(np.int64)

    def _columns(self, *names: str) -> pd.DataFrame:
        # Of a small file the reader of pandas and its threads take ten times as long as the file.
        with pq.ParquetFile(self.folder / TILES) as file:
            table: pd.DataFrame = file.read(columns=list(names), use_threads=False).to_pandas()
        return table


def write_features(
    folder: Path,
    features: NDArray[np.floating],
    table: pd.DataFrame,
    facts: FeatureFacts,
    dtype: FeatureDtype,
) -> None:
    """Write a payload whose features are in memory.

    Args:
        folder: an empty folder.
        features: [N, D].
        table: N rows of :data:`COLUMNS`; of those after ``label`` any may be absent.
        facts: with the right ``dim`` and ``count``.
        dtype: how features are stored. Float16 keeps three digits, and nothing above 65,504.

    Raises:
        ValueError: features, table and facts do not fit each other, or a feature is not finite.
    """
    if features.shape != (facts.count, facts.dim) or len(table) != facts.count:
        raise ValueError(
            f"features of shape {list(features.shape)} and a table of {len(table)} tiles do not fit "
            f"{facts.count} tiles of {facts.dim} features"
        )
    stored, broken = as_stored(features, dtype)
    if len(broken):
        raise ValueError(
            f"the features of {len(broken)} of {facts.count} tiles are not finite in {dtype}, first of "
            f"{table['tile_id'].iloc[broken[0]]}"
        )
    np.save(folder / FEATURES, stored)
    write_feature_table(folder, table, facts)


def as_stored(
    features: NDArray[np.floating], dtype: FeatureDtype
) -> tuple[NDArray[np.floating], NDArray[np.intp]]:
    """Return features [n, D] as they are stored, and the rows that are then not finite."""
    with np.errstate(over="ignore"):
        stored = features.astype(dtype)
    return stored, np.flatnonzero(~np.isfinite(stored).all(1))


def own_labels(table: pd.DataFrame, *, of_slide: bool) -> "pd.Series[str]":
    """Return the labels that tiles have of their own, empty where they have none.

    A tile that an outline crosses has none that a score could be held against. Where ``of_slide``, nothing
    but the label of the whole slide is known, which is that of none of its tiles.
    """
    return table["label"].where((table["label"] != MIXED) & (not of_slide), "")


def write_feature_table(folder: Path, table: pd.DataFrame, facts: FeatureFacts) -> None:
    """Write everything but the features, whose array lies in ``folder`` already."""
    numbers = table.reindex(columns=list(COLUMNS[5:])).astype(np.float64)
    whole = table[list(COLUMNS[:5])].reset_index(drop=True).join(numbers.reset_index(drop=True))
    whole.to_parquet(folder / TILES, index=False)
    (folder / FACTS).write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")
