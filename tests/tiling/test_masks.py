import numpy as np
import pytest
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.tiling.masks import load_mark
from tests._support.geometries import geometry_of


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA", "P"])
def test_a_mark_is_whatever_is_not_zero(tmp_path, mode):
    drawn = np.zeros((30, 40), dtype=np.uint8)
    drawn[5:10, 20:30] = 255
    Image.fromarray(drawn).convert(mode).save(tmp_path / "e.png")
    mask, scale = load_mark(tmp_path / "e.png", geometry_of(400, 300))
    np.testing.assert_array_equal(mask, drawn > 0)
    assert scale == (10.0, 10.0)


def test_a_faint_mark_counts_too(tmp_path):
    drawn = np.zeros((30, 40, 3), dtype=np.uint8)
    drawn[5, 6, 2] = 1
    Image.fromarray(drawn).save(tmp_path / "e.png")
    mask, _ = load_mark(tmp_path / "e.png", geometry_of(400, 300))
    assert np.argwhere(mask).tolist() == [[5, 6]]


def test_marks_that_do_not_cover_the_slide_are_refused(tmp_path):
    Image.new("L", (40, 40)).save(tmp_path / "e.png")
    with pytest.raises(SlideError, match=r"e.png: 40 x 40 px do not cover a slide of 400 x 300 px"):
        load_mark(tmp_path / "e.png", geometry_of(400, 300))
    (tmp_path / "f.png").write_text("no")
    with pytest.raises(SlideError, match=r"f.png is no image") as caught:
        load_mark(tmp_path / "f.png", geometry_of(400, 300))
    assert str(tmp_path) not in str(caught.value)
