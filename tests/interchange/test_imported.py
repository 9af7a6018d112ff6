import json

import h5py
import numpy as np
import pytest

from tasks.artifacts.feature_set import EncoderFacts, FeatureSet
from tasks.interchange.errors import InterchangeError
from tasks.interchange.imported import ImportJob, import_slide
from tasks.slides.errors import SlideError
from tasks.slides.info import read_info
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.foreign_features import (
    CORNERS,
    FEATURES,
    write_clam,
    write_features_of,
    write_stamp,
    write_trident,
)
from tests._support.on_demand import tiles_in
from tests._support.slide_files import glass, with_tissue, write_slide

RECIPE = TilingRecipe(mpp=0.5, tile_px=256)
PRODUCERS = ("trident", "clam", "stamp")


def tiled(root, row, recipe=RECIPE):
    (root / "tiles").mkdir(exist_ok=True)
    tile_slide(row, root, recipe, root / "tiles")
    return tiles_in(root / "tiles", root, row)


def imported(root, row, dtype="float32", recipe=RECIPE):
    out = root / "features"
    out.mkdir(exist_ok=True)
    import_slide(tiled(root, row, recipe), ImportJob(root / row.features, row.label or "", dtype), out)
    return FeatureSet(out)


@pytest.mark.parametrize("producer", PRODUCERS)
def test_all_layouts_of_one_slide_give_the_same_tiles_and_features(tmp_path, producer):
    found = imported(tmp_path, write_features_of(tmp_path, producer, "tumour"))
    table, facts = found.table, found.facts
    np.testing.assert_array_equal(table[["x_level0", "y_level0"]], CORNERS)
    assert set(table.extent_level0) == {512.0}
    assert (facts.level0_mpp, facts.mpp, facts.tile_px, facts.label) == (0.25, 0.5, 256, "tumour")
    expected = FEATURES.astype(np.float16) if producer == "stamp" else FEATURES
    np.testing.assert_array_equal(found.features(), expected.astype(np.float32))
    about = found.about()
    np.testing.assert_allclose(about[:, :2], (CORNERS + 256) * 0.25)
    assert np.isnan(about[:, 2:]).all()


@pytest.mark.parametrize(
    ("producer", "encoder"), [("trident", "uni_v1"), ("clam", "not named by clam"), ("stamp", "virchow2")]
)
def test_the_encoder_is_only_claimed_and_what_happened_is_noted(tmp_path, producer, encoder):
    facts = imported(tmp_path, write_features_of(tmp_path, producer), "float16").facts
    assert facts.encoder == EncoderFacts(name=encoder, claimed=True)
    said = "; ".join(facts.notes)
    assert f"imported from a.h5, in the layout of {producer}" in said
    assert ("stored as float16 and are read as float32" in said) == (producer == "stamp")
    assert ("kept as float16" in said) == (producer != "stamp")
    assert ("are nominal" in said) == (producer == "trident")


def test_the_label_of_the_slide_is_no_tiles_label(tmp_path):
    row = write_features_of(tmp_path, "trident", "tumour")
    assert not row.is_weakly_labelled("normal")
    assert imported(tmp_path, row).labels(("normal", "tumour")).tolist() == [-1] * 4
    assert read_info(tmp_path / "tiles").labels_from == "nothing"
    normal = row.model_copy(update={"label": "normal"})
    assert imported(tmp_path, normal).labels(("normal", "tumour")).tolist() == [0] * 4


def test_weak_labels_of_tiles_that_are_on_a_slide_are_left_behind(tmp_path):
    write_slide(tmp_path / "a.tiff", with_tissue(glass(2048, 1600), (0, 0, 1600, 1600)), (), mpp=0.25)
    row = write_features_of(tmp_path, "trident", "tumour").model_copy(update={"path": "a.tiff"})
    assert imported(tmp_path, row).labels(("normal", "tumour")).tolist() == [-1] * 4
    assert read_info(tmp_path / "tiles").weak_labels


def test_an_annotation_labels_the_tiles(tmp_path):
    ring = [[512, 0], [1024, 0], [1024, 512], [512, 512], [512, 0]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"classification": {"name": "tumour"}},
    }
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    row = write_features_of(tmp_path, "trident", "tumour").model_copy(update={"annotation": "a.geojson"})
    assert imported(tmp_path, row).labels(("normal", "tumour")).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("producer", PRODUCERS)
def test_features_of_a_slide_that_is_there_lie_on_its_tiles(tmp_path, producer):
    level0 = with_tissue(glass(2048, 1600), (0, 0, 1600, 1600))
    write_slide(tmp_path / "a.tiff", level0, ((1024, 800), (512, 400)), mpp=0.25)
    row = write_features_of(tmp_path, producer).model_copy(update={"path": "a.tiff", "mpp": 0.25})
    found = imported(tmp_path, row)
    np.testing.assert_array_equal(found.table[["x_level0", "y_level0"]], CORNERS)
    assert found.table.tissue_fraction.between(0, 1).all()
    assert tiled(tmp_path, row).pixels[0].shape == (256, 256, 3)


def test_pixels_of_features_alone_are_refused(tmp_path):
    tiles = tiled(tmp_path, write_features_of(tmp_path, "trident"))
    with pytest.raises(SlideError, match="holds features and no pixels"):
        tiles.pixels[0]


def test_tiles_of_another_size_than_the_study_says_are_refused_with_the_right_one(tmp_path):
    row = write_features_of(tmp_path, "trident")
    with pytest.raises(SlideError, match=r"128\.0 um at 0\.25 um/px, and tile_px 224 at mpp 0\.5 are 112 um"):
        tiled(tmp_path, row, TilingRecipe(mpp=0.5, tile_px=224))


def test_clam_without_its_file_of_coordinates_is_refused(tmp_path):
    row = write_features_of(tmp_path, "clam").model_copy(update={"coordinates": None})
    with pytest.raises(SlideError, match="the size of the tiles is not stated"):
        tiled(tmp_path, row)


def test_coordinates_of_other_features_are_refused(tmp_path):
    row = write_features_of(tmp_path, "clam")
    with h5py.File(tmp_path / row.coordinates, "a") as file:
        file["coords"][...] = CORNERS[::-1]
    with pytest.raises(InterchangeError, match="4 of 4 tiles lie elsewhere than their features"):
        imported(tmp_path, row)


@pytest.mark.parametrize("write", [write_trident, write_stamp, lambda path: write_clam(path.parent)[0]])
def test_a_feature_that_is_not_finite_is_refused(tmp_path, write):
    producer = {write_trident: "trident", write_stamp: "stamp"}.get(write, "clam")
    row = write_features_of(tmp_path, producer)
    with h5py.File(tmp_path / row.features, "a") as file:
        file["feats" if producer == "stamp" else "features"][2, 1] = np.nan
    with pytest.raises(InterchangeError, match="features of 1 of 4 tiles are not finite"):
        imported(tmp_path, row)
