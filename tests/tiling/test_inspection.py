"""An inspection says what tiling it would say, without reading its tiles."""

import json

import pandas as pd
import pytest

from tasks.slides.row import SlideRow
from tasks.slides.slide_facts import facts_of
from tasks.tiling.build import tile_slide
from tasks.tiling.inspection import InspectionJob, SlideInspection, inspect_slide, misfit
from tasks.tiling.recipe import TilingRecipe
from tests._support.slide_files import glass, noise, with_tissue, write_slide

RECIPE = TilingRecipe(mpp=0.5, tile_px=64)


def slide(folder, name="a", **fields):
    write_slide(folder / f"{name}.tiff", with_tissue(glass(1024, 768), (200, 200, 700, 600)))
    return SlideRow(slide_id=name, patient_id="p", path=f"{name}.tiff", split="train", **fields)


def outline(folder, *corners):
    ring = [*corners, corners[0]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "classification": {"name": "tumour"}},
    }
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))


def test_an_inspection_counts_the_tiles_and_labels_that_tiling_makes(tmp_path):
    outline(tmp_path, (200, 200), (460, 200), (460, 600), (200, 600))
    row = slide(tmp_path, annotation="a.geojson")
    each = inspect_slide(InspectionJob(row, tmp_path, RECIPE))
    (tmp_path / "out").mkdir()
    tile_slide(row, tmp_path, RECIPE, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "tiles.parquet")
    assert each.problem == ""
    assert each.tiles == len(table) > 0
    assert each.labels == table["label"].value_counts().to_dict()
    assert (each.mpp, each.mpp_source) == (0.5, "metadata")
    assert SlideInspection.model_validate(each.model_dump(mode="json")) == each


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"annotation": "none.geojson"}, "there is no such annotation file"),
        ({"label": "Tumour"}, "did you mean 'tumour'?"),
        ({"mpp": 0.25}, "write the true value into the manifest's mpp_override"),
        (
            {"mpp_override": "2", "mpp_override_reason": "x"},
            "the slide has 2 um/px and the recipe asks for 0.5",
        ),
    ],
)
def test_an_inspection_says_what_tiling_would(tmp_path, fields, words):
    row = slide(tmp_path, **fields)
    problem = inspect_slide(InspectionJob(row, tmp_path, RECIPE)).problem
    assert words in problem
    # Many slides may have an annotation of the same file name: the sentence begins with the slide, once.
    assert problem.startswith(f"{row.slide_id}: ")
    assert problem.count(f"{row.slide_id}: ") == 1


def test_opening_alone_tells_what_can_be_told(tmp_path):
    row = slide(tmp_path)
    facts = facts_of(tmp_path / "a.tiff")
    assert misfit(row, facts, RECIPE) == ""
    told = misfit(row, facts, RECIPE.model_copy(update={"tile_px": 1000}))
    assert told == "a: the slide of 512 x 384 um is smaller than one tile of 500 um"
    assert "asks for 0.2" in misfit(row, facts, RECIPE.model_copy(update={"mpp": 0.2}))
    bare = facts_of(write_slide(tmp_path / "b.tiff", noise(256, 256), mpp=None))
    assert misfit(row, bare, RECIPE).startswith("a: the metadata states no um/px")
    (tmp_path / "c.tiff").write_bytes(b"")
    assert misfit(row, facts_of(tmp_path / "c.tiff"), RECIPE).startswith(
        "a: c.tiff: OpenSlide cannot open it"
    )
