"""The table of one slide's tiles and its summary."""

import numpy as np
import pandas as pd

from tasks.artifacts.tile_set import CRC
from tasks.slides.info import SectionInfo, SlideInfo, TissueInfo
from tasks.slides.reader import SlideReader
from tasks.slides.row import SlideRow
from tasks.tiling._bands import counts_of
from tasks.tiling.arrays import TilesOfSlide
from tasks.tiling.layout import Layout
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import Tissue
from tasks.tiling.truth import Truth


def tile_table(
    row: SlideRow, recipe: TilingRecipe, layout: Layout, truth: Truth, found: TilesOfSlide
) -> pd.DataFrame:
    """Return the tiles of a slide, one row each, with the columns that ``tile_set.py`` names."""
    positions = layout.positions
    corners = zip(np.rint(positions.x).astype(int), np.rint(positions.y).astype(int), strict=True)
    columns = {
        "tile_id": [f"{row.slide_id}/{x}_{y}" for x, y in corners],
        "slide_id": row.slide_id,
        "patient_id": row.patient_id,
        "site": row.site or "",
        "split": row.split,
        "section": layout.section,
        "x_level0": positions.x,
        "y_level0": positions.y,
        "extent_level0": positions.extent,
        "mpp": recipe.mpp,
        "tissue_fraction": layout.fractions,
        "label": truth.labels,
        "state": ["failed" if reason else "ok" for reason in found.reasons],
        "reason": found.reasons,
        CRC: found.crc,
    }
    covered = {f"coverage_{name}": truth.covered[:, i] for i, name in enumerate(recipe.classes[1:])}
    return pd.DataFrame({**columns, **covered})


def slide_info(
    slide: SlideReader, recipe: TilingRecipe, layout: Layout, truth: Truth, table: pd.DataFrame
) -> SlideInfo:
    """Return the summary of a tiled slide."""
    counts = table["label"].value_counts(sort=False)
    return SlideInfo(
        slide_id=str(table["slide_id"].iloc[0]),
        geometry=slide.geometry,
        classes=recipe.classes,
        sections=_sections(layout),
        counts={str(name): int(counts[name]) for name in sorted(counts.index)},
        failed_tiles=int((table["state"] != "ok").sum()),
        saturation_threshold=layout.tissue.threshold,
        repaired_outlines=truth.repaired,
        reader=slide.choice.name,
        reader_reason=slide.choice.reason,
        levels_left_out=slide.choice.levels_left_out,
        tissue=_tissue(layout.tissue),
        labels_from=truth.labels_from,
        weak_labels=truth.weak_labels,
        annotation=truth.annotation,
        notes=truth.notes,
    )


def _tissue(tissue: Tissue) -> TissueInfo:
    notes = tissue.notes
    return TissueInfo(
        rule=notes.rule,
        why=notes.why,
        density_threshold=notes.density,
        glass_rgb=notes.glass_rgb,
        fractions=tissue.class_fractions(),
        doubt=tissue.doubt_fraction,
        doubts=notes.doubts,
        warnings=notes.warnings,
    )


def _sections(layout: Layout) -> tuple[SectionInfo, ...]:
    count = int(layout.sections.max())
    tiles = np.bincount(layout.section, minlength=count + 1)
    pixels = counts_of(layout.sections, count)
    return tuple(
        SectionInfo(section=i, tiles=int(tiles[i]), area_um2=float(pixels[i] * layout.tissue.pixel_um2))
        for i in range(1, count + 1)
    )
