"""What labels come out, or which sentence, from the annotations that people have."""

import csv
import json

import numpy as np
import pytest
import shapely
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.layout import lay_out
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.truth import look_up
from tests._support.annotated_slides import (
    HALVES,
    LEFT_HALF,
    RECIPE,
    box,
    counts_of,
    feature,
    truth_of,
    write_features,
    write_slide_of_tissue,
)
from tests._support.real_data import real_data
from tests._support.slide_files import glass, with_tissue, write_slide

RIGHT_HALF = box(512, 192, 768, 576)
POINT = {"type": "Point", "coordinates": [600, 300]}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    write_slide_of_tissue(folder)
    return folder


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "left_out"),
    [
        ("outline_names/ignore.geojson", {"the name 'Ignore*' is ignored": 1}),
        ("asap_types/pointset.xml", {"an ASAP PointSet encloses no area": 1}),
        ("bad_annotations/dot.xml", {"an ASAP Dot encloses no area": 1}),
        ("bad_annotations/point.geojson", {"a Point encloses no area": 1}),
        ("bad_annotations/null_geometry.geojson", {"a feature without geometry": 1}),
    ],
)
@pytest.mark.parametrize("label", [None, "tumour"])
def test_what_is_no_outline_is_counted_and_the_rest_labels_the_tiles(file, left_out, label):
    folder = real_data("faults") / file.partition("/")[0]
    truth = truth_of(folder, annotation=file.partition("/")[2], label=label)
    assert counts_of(truth) == HALVES
    assert truth.annotation.left_out == left_out
    assert truth.notes == ()


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("outline_names/stroma.geojson", r"s: stroma.geojson: 'Stroma' \(1\) is no class; the names .* are"),
        (
            "outline_names/unnamed_roi.geojson",
            r"unnamed_roi.geojson: \"\" \(no name\) \(1\) is no class; .*, 'Tumor' \(1\); .*outline_classes",
        ),
        ("bad_annotations/nan.geojson", r"nan.geojson: feature 1 has a corner at \(nan, 192\)"),
    ],
)
def test_what_cannot_be_known_is_refused(file, words):
    folder = real_data("faults") / file.partition("/")[0]
    with pytest.raises(SlideError, match=words):
        truth_of(folder, annotation=file.partition("/")[2])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("outline_names/normal.geojson", r"1 outline read \('Normal' 1\); tumour: 0 mm2 drawn"),
        ("qupath_versions/v03_object_type.geojson", r"0 outlines read; .*1 times a QuPath detection is no"),
        ("annotation_misses/empty.geojson", r"s: empty.geojson: 0 outlines read; tumour: 0 mm2 drawn"),
        (
            "annotation_misses/beyond_slide.geojson",
            r"1 outline read .* 983 mm2 drawn, 0 mm2 on the slide, 0 mm2 on tissue; all of it lies beyond "
            r"the slide of 1024 x 768 px, from \(51200, 38400\) to \(102400, 115200\)",
        ),
        (
            "annotation_misses/downsampled_4x.geojson",
            r"0.001536 mm2 on the slide, 0 mm2 on tissue; coordinates times 4 would put 99% of it on tissue",
        ),
    ],
)
def test_an_annotation_without_tumour_on_tissue_contradicts_the_label(file, words):
    folder, name = real_data("faults") / file.partition("/")[0], file.partition("/")[2]
    with pytest.raises(SlideError, match=words) as caught:
        truth_of(folder, annotation=name, label="tumour")
    assert "The manifest's label is 'tumour', but nothing of it lies on tissue" in str(caught.value)
    # Without a label nothing is contradicted: the numbers are kept, and a person is told.
    truth = truth_of(folder, annotation=name)
    assert counts_of(truth) == {"normal": 48}
    assert truth.annotation.on_tissue == {"tumour": 0}
    assert "No class but 'normal' lies on tissue" in truth.notes[0]
    assert counts_of(truth_of(folder, annotation=name, label="normal")) == {"normal": 48}


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        (box(64, 48, 120, 140), "coordinates times 4 would put 100% of it on tissue"),  # of the second level
        (box(33, 25, 95, 71), "coordinates times 8 would put 100% of it on tissue"),
        (box(2050, 1600, 6000, 4500), "all of it lies beyond the slide.*; coordinates divided by 8 would"),
        (box(200, 690, 570, 760), "swapping x and y would put"),
        (box(900, 10, 1000, 90), "1 outline read"),
    ],
)
def test_outlines_that_lie_elsewhere_are_told_what_would_place_them(tmp_path, ring, words):
    write_slide_of_tissue(tmp_path)
    file = write_features(tmp_path, feature(ring))
    with pytest.raises(SlideError, match=words):
        truth_of(tmp_path, annotation=file, label="tumour")


def test_a_tall_slide_with_x_and_y_swapped(tmp_path):
    write_slide_of_tissue(tmp_path, (600, 100, 900, 400))
    file = write_features(tmp_path, feature(box(110, 640, 390, 890)))
    with pytest.raises(SlideError, match="swapping x and y would put 100% of it on tissue"):
        truth_of(tmp_path, annotation=file, label="tumour")


def test_outlines_that_lie_on_tissue_by_half_only_are_noted_where_a_move_would_fit(tmp_path):
    write_slide_of_tissue(tmp_path, (100, 100, 900, 300))
    file = write_features(tmp_path, feature(box(110, 110, 290, 700)))
    truth = truth_of(tmp_path, annotation=file, label="tumour")
    assert "swapping x and y would put 100% of it on tissue" in truth.notes[0]


@pytest.mark.parametrize("name", ["Tumor", "TUMOUR", " tumor ", "metastases", "_0"])
def test_tumour_on_a_slide_that_is_said_to_be_normal_is_refused(root, name):
    file = write_features(root, feature(LEFT_HALF, name))
    with pytest.raises(SlideError, match="The manifest's label is 'normal', but 'tumour' lies on tissue"):
        truth_of(root, annotation=file, label="normal")


def test_a_frame_around_little_tissue_is_all_of_it(tmp_path):
    level0 = with_tissue(glass(4096, 3072), (1024, 1024, 1536, 1536))
    write_slide(tmp_path / "slide.tif", level0, ((1024, 768),))
    frame = write_features(tmp_path, feature(box(0, 0, 4096, 3072)))
    for label in ("tumour", None):
        truth = truth_of(tmp_path, annotation=frame, label=label)
        assert (counts_of(truth), truth.notes) == ({"tumour": 64}, ())
    with pytest.raises(SlideError, match="The manifest's label is 'normal', but 'tumour' lies on tissue"):
        truth_of(tmp_path, annotation=frame, label="normal")


def test_a_label_that_no_tile_has_is_noted(root):
    speck = write_features(root, feature(box(300, 300, 306, 306)))
    truth = truth_of(root, annotation=speck, label="tumour")
    assert truth.notes == ("s: the manifest's label is 'tumour', but no tile has it (48 normal)",)
    whole = write_features(root, feature(LEFT_HALF))
    assert truth_of(root, annotation=whole, label="tumour").notes == ()


def test_a_label_asks_for_its_own_class(root):
    recipe = TilingRecipe(mpp=0.5, classes=("normal", "tumour", "necrosis"))
    file = write_features(root, feature(LEFT_HALF, "Necrosis"))
    assert counts_of(truth_of(root, recipe, annotation=file, label="necrosis"))["necrosis"] == 24
    with pytest.raises(SlideError, match="label is 'tumour', but nothing of it lies on tissue"):
        truth_of(root, recipe, annotation=file, label="tumour")


def test_what_is_counted_is_what_was_drawn(root):
    ring = box(0, 192, 512, 576)  # half of it on glass
    strays = ({**feature(LEFT_HALF), "geometry": POINT}, feature(LEFT_HALF, objectType="cell"))
    file = write_features(root, feature(ring), feature(RIGHT_HALF, "Region*"), *strays)
    truth = truth_of(root, annotation=file)
    assert counts_of(truth) == HALVES
    info = truth.annotation
    assert (info.read, info.names) == (2, {"Region*": 1, "Tumor": 1})
    assert info.left_out == {
        "a Point encloses no area": 1,
        "a QuPath cell is no annotation": 1,
        "the name 'Region*' is ignored": 1,
    }
    assert info.drawn == info.on_slide == {"tumour": 512 * 384 / 4}
    assert info.on_tissue["tumour"] == pytest.approx(256 * 384 / 4, rel=0.02)


def test_an_unnamed_outline_means_what_the_study_says(root):
    file = write_features(root, feature(LEFT_HALF, None), feature(RIGHT_HALF, "Immune cells"))
    with pytest.raises(SlideError, match=r"\"\" \(no name\) \(1\), 'Immune cells' \(1\) is no class"):
        truth_of(root, annotation=file)
    lines = {"": "tumour", "immune cells": "ignore"}
    assert (
        counts_of(truth_of(root, RECIPE.model_copy(update={"outline_classes": lines}), annotation=file))
        == HALVES
    )


ASAP = '<Annotation Type="{kind}" PartOfGroup="{group}"><Coordinates>{corners}</Coordinates></Annotation>'


def asap(root, *annotations, encoding="UTF-8"):
    drawn = [
        ASAP.format(
            kind=kind,
            group=group,
            corners="".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(ring)),
        )
        for kind, group, ring in annotations
    ]
    text = f'<?xml version="1.0" encoding="{encoding}"?><ASAP_Annotations>{"".join(drawn)}</ASAP_Annotations>'
    (root / "a.xml").write_bytes(text.encode(encoding))
    return "a.xml"


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16"])
@pytest.mark.parametrize("exclusion", ["_2", "normal", "Exclusion", "exclude"])
def test_camelyon_files_label_as_they_always_did(root, encoding, exclusion):
    ring = box(256, 192, 768, 576)[:-1]
    file = asap(root, ("Polygon", "_0", ring), ("Polygon", exclusion, RIGHT_HALF[:-1]), encoding=encoding)
    assert counts_of(truth_of(root, annotation=file)) == HALVES


@pytest.mark.parametrize("label", [None, "normal", "tumour"])
def test_a_slide_without_annotation_has_its_label_or_none_and_says_so(root, label):
    truth = truth_of(root, label=label)
    assert set(truth.labels) == {label or ""}
    assert (truth.labels_from, truth.weak_labels) == ("slide" if label else "nothing", label == "tumour")
    assert np.isnan(truth.covered).all() == (label != "normal")
    said = {None: "no annotation, points or label", "normal": None, "tumour": "every tile has the label"}[
        label
    ]
    assert (said in truth.notes[0]) if said else not truth.notes


@pytest.mark.parametrize("cells", [{}, {"annotation": "a.geojson"}])
@pytest.mark.parametrize("label", ["Tumour", "NaN", "cancer"])
def test_a_label_that_is_no_class_is_refused_with_and_without_annotation(root, cells, label):
    write_features(root, feature(LEFT_HALF))
    with pytest.raises(
        SlideError, match=f"s: the manifest's label '{label}' is no class; allowed are normal"
    ):
        truth_of(root, label=label, **cells)


def test_an_annotation_and_points_are_too_much(root):
    write_features(root, feature(LEFT_HALF))
    with pytest.raises(SlideError, match="names an annotation and points; allowed is one of them"):
        truth_of(root, annotation="a.geojson", points="p.csv")


def test_a_picture_labels_and_is_counted(root):
    values = np.zeros((192, 256), np.uint8)
    values[48:144, 64:128], values[0:10, 0:10], values[48:144, 160:192] = 1, 1, 9
    Image.fromarray(values).save(root / "m.png")
    lines = {"0": "normal", "1": "tumour", "9": "ignore"}
    truth = truth_of(
        root, RECIPE.model_copy(update={"mask_classes": lines}), annotation="m.png", label="tumour"
    )
    assert counts_of(truth) == {"tumour": 24, "normal": 12, "": 12}
    assert (truth.labels_from, truth.notes, len(truth.areas[0].polygons)) == ("picture", (), 0)
    assert truth.annotation.drawn == truth.annotation.on_slide == {"tumour": (64 * 96 + 100) * 4}
    assert truth.annotation.on_tissue == {"tumour": pytest.approx(64 * 96 * 4, rel=0.02)}
    assert truth.annotation.left_out == {"pixels without label": 32 * 96}
    with pytest.raises(SlideError, match=r"values 0 .*, 1 .*, 9 \(3072 px\) have no class"):
        truth_of(root, annotation="m.png")
    Image.fromarray(np.zeros((192, 256), np.uint8)).save(root / "m.png")
    with pytest.raises(
        SlideError, match=r"m.png: 1 picture read; .* label is 'tumour', but nothing of it lies"
    ):
        truth_of(root, RECIPE.model_copy(update={"mask_classes": lines}), annotation="m.png", label="tumour")


@pytest.mark.real_data
@pytest.mark.parametrize("region", ["1008", "1015", "1019"])
def test_real_mask_images_label_as_the_mean_of_their_pixels_has_it(tmp_path, region):
    with Image.open(real_data(f"bcss/image_{region}.jpg")) as image:
        write_slide(tmp_path / "slide.tif", np.asarray(image), mpp=0.25)
    recipe = TilingRecipe(mpp=0.5, mask_classes={"0-127": "normal", "128-255": "tumour"})
    mask = real_data(f"bcss/mask_{region}.jpg")
    truth = truth_of(tmp_path, recipe, annotation=str(mask), label="tumour")
    with Image.open(mask) as image:
        tumour = np.asarray(image)[..., 0] > 127
    for box_of_tile, label, (covered,) in zip(truth.boxes, truth.labels, truth.covered, strict=True):
        left, top, right, bottom = map(int, box_of_tile.bounds)
        share = tumour[top:bottom, left:right].mean()
        assert covered == pytest.approx(share, abs=1e-12)
        assert label == ("tumour" if share > 0.9 else "normal" if share < 0.1 else "mixed")
    assert truth.annotation.drawn == {"tumour": pytest.approx(tumour.sum() / 16)}
    assert truth.annotation.on_tissue["tumour"] > 0.8 * truth.annotation.drawn["tumour"]


@pytest.mark.real_data
def test_real_tumour_slides_are_labelled_as_plain_shapely_has_it():
    """Every tile of two real slides: exact area of the file's polygons, and the label by two thresholds."""
    folder = real_data("camelyon16_tma")
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = [SlideRow.model_validate(cells) for cells in csv.DictReader(stream)]
    recipe = TilingRecipe(mpp=0.972, min_tissue=0.6)
    for row in rows[::6]:
        with open_slide(folder / row.path, row.mpp) as slide:
            layout = lay_out(slide, recipe, row.slide_id)
            truth = look_up(row, folder, slide.geometry, layout, recipe)
        features = json.loads((folder / row.annotation).read_text())["features"]
        drawn = [shapely.make_valid(shapely.geometry.shape(item["geometry"])) for item in features]
        tumour = shapely.union_all(drawn)
        side = layout.positions.extent
        for x, y, label, (covered,) in zip(
            layout.positions.x, layout.positions.y, truth.labels, truth.covered, strict=True
        ):
            share = tumour.intersection(shapely.box(x, y, x + side, y + side)).area / side**2
            assert covered == pytest.approx(share, abs=1e-9)
            assert label == ("tumour" if share > 0.9 else "normal" if share < 0.1 else "mixed")
        assert truth.annotation.drawn["tumour"] == pytest.approx(tumour.area * 0.972**2)
        assert truth.annotation.names == {"Tumor": len(features)}
        assert truth.annotation.on_tissue["tumour"] > 0.9 * truth.annotation.drawn["tumour"]
        assert (truth.repaired, truth.notes) == (0, ())
