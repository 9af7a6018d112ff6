import numpy as np
from PIL import Image

from tasks.exemplars._class_colours import CLASS_COLOURS, NO_CLASS, class_colour, fill
from tasks.reporting.drawing.page import Page


def test_classes_have_colours_of_their_own_and_no_class_is_grey():
    assert [class_colour(place) for place in range(7)] == list(CLASS_COLOURS)
    assert len({*CLASS_COLOURS, NO_CLASS}) == 8
    assert class_colour(7) == CLASS_COLOURS[0]
    assert class_colour(-1) == NO_CLASS


def test_a_box_is_filled_to_its_edges(tmp_path):
    page = Page(20, 10)
    fill(page, (3, 2, 5, 4), "#0072B2")
    page.save(tmp_path / "a.png")
    image = np.asarray(Image.open(tmp_path / "a.png"))
    inside = (image == (0x00, 0x72, 0xB2)).all(2)
    assert inside[2:6, 3:8].all()
    assert inside.sum() == 20
