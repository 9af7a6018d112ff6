"""What is said of an annotation, from its numbers alone; real and drawn files are in test_truth.py."""

import numpy as np
import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.info import AnnotationInfo
from tasks.slides.row import SlideRow
from tasks.tiling.annotation_check import amounts_um2, fit, hint_for
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import Tissue
from tasks.tiling.tissue_area import TissueArea
from tests._support.geometries import geometry_of

RECIPE = TilingRecipe(mpp=1)
SLIDE = geometry_of(400, 300, downsamples=(1.0, 4.0))


def info_of(drawn, on_slide, on_tissue, **fields):
    amounts = {"drawn": drawn, "on_slide": on_slide, "on_tissue": on_tissue}
    known = {"source": "outline", "unit": "um2", "read": 2, "names": {"Tumor": 2}, "left_out": {}}
    return AnnotationInfo(**{**known, **{k: {"tumour": v} for k, v in amounts.items()}, **fields})


def row(label):
    return SlideRow(
        slide_id="s", patient_id="p", path="s.tif", split="train", annotation="d/a.xml", label=label
    )


@pytest.mark.parametrize(
    ("on_tissue", "label", "fails"),
    [(0, "tumour", True), (5, "tumour", True), (5.1, "tumour", False), (0, "normal", False),
     (5, "normal", False), (5.1, "normal", True), (0, None, False), (100, None, False)],
)  # fmt: skip
def test_a_twentieth_on_tissue_decides(on_tissue, label, fails):
    info = info_of(100, 100, on_tissue)
    if fails:
        with pytest.raises(SlideError, match=f"The manifest's label is '{label}', but"):
            fit(row(label), RECIPE, info, "")
    else:
        assert bool(fit(row(label), RECIPE, info, "")) == (on_tissue <= 5)


def test_a_sentence_holds_all_numbers():
    info = info_of(3e6, 2e6, 0.0, left_out={"a Point encloses no area": 4})
    (note,) = fit(row(None), RECIPE, info, "; a hint")
    assert note == (
        "s: a.xml: 2 outlines read ('Tumor' 2); tumour: 3 mm2 drawn, 2 mm2 on the slide, 0 mm2 on tissue; "
        "left out: 4 times a Point encloses no area; a hint. No class but 'normal' lies "
        "on tissue by more than 5%"
    )


def test_points_of_the_first_class_need_no_note():
    amounts = {"normal": 5.0, "tumour": 0.0}
    info = AnnotationInfo(
        source="point", unit="points", read=5, names={}, left_out={},
        drawn=amounts, on_slide=amounts, on_tissue=amounts,
    )  # fmt: skip
    assert fit(row(None), RECIPE, info, "") == ()
    assert fit(row("normal"), RECIPE, info, "") == ()


@pytest.fixture(scope="module")
def area():
    mask = np.zeros((75, 100), dtype=bool)
    mask[10:40, 50:100] = True  # level-0 x 200 to 400, y 40 to 160
    return TissueArea(Tissue(mask, 4.0, 4.0, pixel_um2=1.0, threshold=0.1))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([shapely.box(210, 50, 300, 100)], ""),
        ([shapely.box(55, 15, 90, 35)], "; coordinates times 4 would put 100% of it on tissue"),
        ([shapely.box(50, 210, 150, 290)], "; swapping x and y would put 100% of it on tissue"),
        ([shapely.box(2000, 500, 3000, 1200)], "; all of it lies beyond the slide of 400 x 300 px, from "
         "(2000, 500) to (3000, 1200); coordinates divided by 8 would put 100% of it on tissue"),
        (shapely.points([[60, 20], [80, 30]]), "; coordinates times 4 would put 100% of it on tissue"),
        (shapely.points([[60, 220], [80, 230]]), "; swapping x and y would put 100% of it on tissue"),
        ([shapely.box(0, 250, 5, 255)], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_hint_says_what_would_place_it(area, shapes, words):
    shapes = np.array(shapes, dtype=object)
    points = len(shapes) and shapely.get_dimensions(shapes[0]) == 0
    held = area.holds(*shapely.get_coordinates(shapes).T).sum() if points else area.of(shapes)
    drawn = len(shapes) if points else shapely.area(shapes).sum()
    info = info_of(float(drawn), float(drawn), float(held))
    assert hint_for(shapes, info, SLIDE, area) == words


def test_areas_come_in_square_micrometres():
    assert amounts_um2({"a": 8.0}, geometry_of(4, 4, mpp=0.5)) == {"a": 2.0}
