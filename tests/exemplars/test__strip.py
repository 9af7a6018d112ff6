import numpy as np
import pytest
from PIL import Image

from tasks.exemplars._neighbours import ClassifiedTiles, Neighbours
from tasks.exemplars._strip import Strip, draw_strip, shortened
from tasks.exemplars._tiles import by_slide_id
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("short", "short"), ("a" * 19, "a" * 19), ("abcdefghijklmnopqrstuvwxyz", "abcdefgh…rstuvwxyz")],
)
def test_a_long_name_is_shortened_in_its_middle(name, shown):
    assert shortened(name) == shown
    assert len(shortened(name)) <= 19


def strip_of(tmp_path, places, slide="s"):
    asked = by_slide_id([make_tile_set(tmp_path / "q", slide, "p", "test", 3)])
    candidates = by_slide_id([make_tile_set(tmp_path / "c", "c" * 40, "o", "train", 5)], CLASSES)
    logits = np.array([[3.0, 0.0], [0.1, 0.0], [0.0, 2.0]])
    known = ClassifiedTiles(asked, logits, CLASSES)
    found = Neighbours(
        asked=known,
        candidates=ClassifiedTiles(candidates, np.zeros((4, 2)), CLASSES),
        rows=np.array(places),
        cosines=np.where(np.array(places) < 0, np.nan, 0.5),
        admitted=np.array([[2, 2]] * 3),
    )
    return Strip(found, known.queries(3)[slide], slide, 1, "standard, seed 0")


@pytest.mark.parametrize("count", [1, 5, 10])
def test_a_page_is_as_wide_as_its_neighbours_and_never_narrower_than_its_words(tmp_path, count):
    page = draw_strip(strip_of(tmp_path, [[0] * count] * 3))
    assert page.width == max(760, 2 * 20 + 128 + 34 + count * 142 - 14)


def test_nothing_is_drawn_over_the_edge(tmp_path):
    draw_strip(strip_of(tmp_path, [[0, 1, 2, 3, 0]] * 3, slide="a_long_name_of_a_slide_" * 2)).save(
        tmp_path / "a.png"
    )
    page = np.asarray(Image.open(tmp_path / "a.png"))
    assert (page[:, :15] == 255).all()
    assert (page[:, -15:] == 255).all()
    assert (page[-8:] == 255).all()


def test_the_same_strip_is_the_same_picture(tmp_path):
    strip = strip_of(tmp_path, [[0, -1], [-1, -1], [2, 3]])
    for name in ("a", "b"):
        draw_strip(strip).save(tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
