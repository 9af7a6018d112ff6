"""Generating a cohort: slides, outlines, evidence, and the manifest that names them."""

import csv
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.phantoms.files import write_mask, write_outlines, write_pyramid
from tasks.phantoms.plan import SlidePlan, plan_cohort
from tasks.phantoms.recipe import PhantomRecipe
from tasks.phantoms.slide import draw_slide

COLUMNS = (
    "slide_id", "patient_id", "path", "split", "annotation", "evidence", "decoy", "label", "mpp", "sha256",
)  # fmt: skip
INK_COLUMN, SITE_COLUMN = "artefact", "site"
"""The columns that follow where ink was drawn, and where slides have twins."""


def generate_cohort(
    out: Path, recipe: PhantomRecipe, advance: Callable[[int], None] = lambda _: None
) -> Path:
    """Write the cohort under ``out`` and return ``out/manifest.csv``; existing files are overwritten.

    ``slides/<slide_id>.tiff``; ``annotations/<slide_id>.geojson`` for slides with tumour;
    ``evidence/<slide_id>.png``, level-0 size, 255 exactly on tumour nuclei; ``decoy/<slide_id>.png``, the
    same for all other nuclei, which no map of the tumour should lie on; with the confounder also
    ``ink/<slide_id>.png``, the same for the ink, which the manifest calls ``artefact``. A tumour-free slide
    has label ``normal`` and no annotation.
    The bytes depend on the recipe alone, for one version of the libraries.

    Args:
        out: folder to create or fill.
        recipe: what to draw.
        advance: called with 1 after each slide.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> recipe = PhantomRecipe(train=(1,), val=(1,), test=(1,), size_px=(320, 320), mpp=1.0, sections=1)
        >>> with TemporaryDirectory() as folder:
        ...     rows = list(csv.DictReader(generate_cohort(Path(folder), recipe).open()))
        >>> [(row["split"], row["label"], row["mpp"]) for row in rows]
        [('train', 'tumour', '1.0'), ('val', 'tumour', '1.0'), ('test', 'tumour', '1.0')]
    """
    folders = ("slides", "annotations", "evidence", "decoy") + (("ink",) if recipe.confounder else ())
    for name in folders:
        (out / name).mkdir(parents=True, exist_ok=True)
    rows = []
    # Slides are independent, and numpy and scipy release the interpreter lock.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for row in pool.map(lambda plan: _write_slide(out, plan, recipe), plan_cohort(recipe)):
            rows.append(row)
            advance(1)
    manifest, columns = out / "manifest.csv", _columns(recipe)
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return manifest


def _columns(recipe: PhantomRecipe) -> tuple[str, ...]:
    ink, twins = (INK_COLUMN,) * recipe.confounder, (SITE_COLUMN,) * bool(recipe.twins)
    return COLUMNS + ink + twins


def _write_slide(out: Path, plan: SlidePlan, recipe: PhantomRecipe) -> dict[str, str]:
    slide = draw_slide(plan, recipe)
    path = f"slides/{plan.slide_id}.tiff"
    evidence, decoy = (f"{mask}/{plan.slide_id}.png" for mask in ("evidence", "decoy"))
    annotation = f"annotations/{plan.slide_id}.geojson" if plan.tumour else ""
    write_pyramid(out / path, slide.rgb, recipe.mpp, recipe.jpeg_quality)
    write_mask(out / evidence, slide.evidence)
    write_mask(out / decoy, slide.decoy)
    if annotation:
        write_outlines(out / annotation, slide.nests)
    row = {
        "slide_id": plan.slide_id,
        "patient_id": plan.patient_id,
        "path": path,
        "split": plan.split,
        "annotation": annotation,
        "evidence": evidence,
        "decoy": decoy,
        "label": "tumour" if plan.tumour else "normal",
        "mpp": str(recipe.mpp),
        "sha256": hashlib.sha256((out / path).read_bytes()).hexdigest(),
    }
    if recipe.confounder:
        row[INK_COLUMN] = f"ink/{plan.slide_id}.png"
        write_mask(out / row[INK_COLUMN], slide.ink)
    if recipe.twins:
        row[SITE_COLUMN] = plan.site
    return row
