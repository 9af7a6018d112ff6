import csv
from pathlib import Path

import numpy as np
import pytest

from flows.config import load_study
from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.tiling.grid import TilePositions
from tasks.tiling.point_labels import BETWEEN, ClassPoints, labels_from_points, load_points
from tasks.tiling.recipe import TilingRecipe
from tests._support.annotated_slides import counts_of, truth_of, write_slide_of_tissue
from tests._support.geometries import geometry_of
from tests._support.real_data import real_data

ROW = SlideRow(slide_id="s", patient_id="p", path="slide.tif", split="train", points="p.csv")
VALUES = {"value": "f", "value_classes": {"normal": (0, 0.25), "tumour": (0.75, 1)}}
BY_VALUE = TilingRecipe(mpp=0.5, points=VALUES)


def points_of(*points):
    x, y, classes = zip(*points, strict=True)
    return ClassPoints(np.array(x, float), np.array(y, float), np.array(classes), len(x), {}, {})


def grid(columns=4, rows=3, extent=10.0):
    y, x = (part.ravel() for part in np.mgrid[0:rows, 0:columns])
    return TilePositions(y, x, x * extent, y * extent, extent)


def labels(points, recipe=BY_VALUE, mpp=1.0):
    return labels_from_points(points, grid(), geometry_of(40, 30, mpp), recipe)


def load(tmp_path, text, recipe):
    (tmp_path / "p.csv").write_text(text)
    return load_points(ROW, tmp_path / "p.csv", recipe)


def test_a_tile_has_the_class_of_its_points_and_mixed_where_they_differ():
    found = labels(points_of((1, 1, 0), (15, 2, 1), (16, 9, 1), (25, 5, 0), (25, 6, 1), (35, 5, BETWEEN)))
    assert found == ["normal", "tumour", "mixed", "mixed", *[""] * 8]


def test_the_left_and_upper_edge_belong_to_a_tile():
    assert labels(points_of((10, 10, 1))) == [*[""] * 5, "tumour", *[""] * 6]
    assert labels(points_of((40, 30, 1), (-1, 5, 1))) == [""] * 12


@pytest.mark.parametrize("mpp", [0.5, 2.0])
def test_within_a_radius_every_tile_counts_whose_centre_is_near(mpp):
    recipe = BY_VALUE.model_copy(
        update={"points": BY_VALUE.points.model_copy(update={"radius_um": 12 * mpp})}
    )
    point = (14.0, 16.0)
    centres = [(x + 5, y + 5) for y in (0, 10, 20) for x in (0, 10, 20, 30)]
    near = [np.hypot(x - point[0], y - point[1]) <= 12 for x, y in centres]
    assert labels(points_of((*point, 1)), recipe, mpp) == ["tumour" if own else "" for own in near]
    assert sum(near) == 5


def test_without_points_no_tile_has_a_label():
    none = ClassPoints(np.empty(0), np.empty(0), np.empty(0, np.int64), 0, {}, {})
    assert labels(none) == [""] * 12


def test_labels_are_names_like_those_of_outlines(tmp_path):
    recipe = TilingRecipe(mpp=1, outline_classes={"stroma": "normal", "": "ignore"})
    points = load(tmp_path, "x,y,label\n1,1,Tumor\n2,2,Stroma\n3,3,\n4,4,TUMOUR\n5,5,Ignore*\n", recipe)
    assert points.classes.tolist() == [1, 0, 1]
    assert points.x.tolist() == [1, 2, 4]
    assert (points.read, points.names) == (5, {"": 1, "Ignore*": 1, "Stroma": 1, "TUMOUR": 1, "Tumor": 1})
    assert points.left_out == {'the name "" (no name) is ignored': 1, "the name 'Ignore*' is ignored": 1}
    with pytest.raises(
        SlideError, match=r"s: p.csv: 'Immune' \(2\) is no class; the names of its points are"
    ):
        load(tmp_path, "x,y,label\n1,1,Immune\n2,2,Immune\n", recipe)


def test_numbers_have_classes_by_ranges_with_both_ends(tmp_path):
    text = "x,y,f\n" + "".join(f"{i},0,{f}\n" for i, f in enumerate([0, 0.25, 0.26, 0.7, 0.75, 1, 1.1, ""]))
    points = load(tmp_path, text + "9,0,nan\n", BY_VALUE)
    assert points.classes.tolist() == [0, 0, BETWEEN, BETWEEN, 1, 1, BETWEEN]
    assert (points.read, points.left_out, points.names) == (9, {"no f": 2}, {})
    with pytest.raises(SlideError, match=r"s: p.csv: a point has f 'high'; allowed are numbers and empty"):
        load(tmp_path, "x,y,f\n1,1,high\n", BY_VALUE)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    write_slide_of_tissue(folder)
    return folder


def test_points_label_the_tiles_of_a_slide_and_are_counted(root):
    (root / "p.csv").write_text(
        "x,y,label\n300,200,tumour\n300,210,tumour\n700,500,normal\n9000,9,tumour\n20,20,tumor\n"
    )
    truth = truth_of(root, points="p.csv", label="tumour")
    assert counts_of(truth) == {"tumour": 1, "": 46, "normal": 1}
    assert np.isnan(truth.covered).all()
    assert (truth.labels_from, truth.weak_labels, truth.notes) == ("points", False, ())
    info = truth.annotation
    assert (info.unit, info.read) == ("points", 5)
    assert info.drawn == {"normal": 1, "tumour": 4}
    assert info.on_slide == {"normal": 1, "tumour": 3}
    assert info.on_tissue == {"normal": 1, "tumour": 2}


@pytest.mark.parametrize("point", ["9000,9,tumour", "20,20,tumour", "700,500,normal"])
def test_points_without_the_class_on_tissue_contradict_the_label(root, point):
    (root / "p.csv").write_text(f"x,y,label\n{point}\n")
    with pytest.raises(
        SlideError, match=r"p.csv: 1 point read .*label is 'tumour', but nothing of it lies on"
    ):
        truth_of(root, points="p.csv", label="tumour")


@pytest.mark.real_data
def test_real_spots_label_tiles_as_a_loop_over_all_pairs_does():
    """The shipped study: discs of spots, values by two ranges, one table for all slides."""
    config = load_study(Path(__file__).parents[2] / "pipeline_configs" / "her2st_spots.yaml")
    recipe = config.section(TilingRecipe)
    table = real_data("her2st/spots.csv")
    row = ROW.model_copy(update={"slide_id": "HER2ST_B4", "path": "slides/HER2ST_B4.tiff"})
    points = load_points(row, table, recipe)
    own = [cells for cells in csv.DictReader(table.open(encoding="utf-8")) if cells["section"] == "B4"]
    assert points.read == len(own) == 284
    y, x = (part.ravel() for part in np.mgrid[0:140, 0:140])
    places = TilePositions(y, x, x * 64.0, y * 64.0, 64.0)
    found = labels_from_points(points, places, geometry_of(9270, 9920, 0.688), recipe)
    true = [set() for _ in found]
    for cells in own:
        if cells["epithelial_fraction"]:
            value = float(cells["epithelial_fraction"])
            name = "other" if value <= 0.25 else "epithelium" if value >= 0.5 else "between"
            far = np.hypot(places.x + 32 - float(cells["center_x"]), places.y + 32 - float(cells["center_y"]))
            for tile in np.flatnonzero(far * 0.688 <= 30):
                true[tile].add(name)
    expected = [
        "" if not names else "mixed" if len(names) > 1 or "between" in names else next(iter(names))
        for names in true
    ]
    assert found == expected
    assert {"", "mixed", "other", "epithelium"} == set(found)
