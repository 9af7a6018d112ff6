import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.tile_lists.tile_list import is_tile_list, read_tile_list, write_tile_list
from tests._support.tile_images import write_list

GOOD = ("a.png", 0, 0, 16, 16, "normal")


def test_a_list_is_known_by_its_suffix():
    assert is_tile_list("lists/a.csv")
    assert is_tile_list("A.CSV")
    assert not is_tile_list("a.csv.tiff")


def test_a_list_reads_back_as_it_was_written(tmp_path):
    write_list(tmp_path, [GOOD, ("z.zip/in/b.png", 16, "32.0", 16, 12, "")])
    tiles = read_tile_list(tmp_path / "a.csv")
    assert tiles.images == ("a.png", "z.zip/in/b.png")
    assert (tiles.x.tolist(), tiles.y.tolist()) == ([0, 16], [0, 32])
    assert (tiles.width.tolist(), tiles.height.tolist()) == ([16, 16], [16, 12])
    assert (tiles.labels, tiles.boxes, tiles.side, tiles.size) == (("normal", ""), None, 16, (32, 48))
    write_tile_list(tmp_path / "b.csv", tiles)
    again = read_tile_list(tmp_path / "b.csv")
    assert (again.images, again.labels) == (tiles.images, tiles.labels)
    assert np.array_equal(again.y, tiles.y)


def test_boxes_read_back_as_they_were_written(tmp_path):
    columns = "image,x,y,width,height,label,left,top"
    write_list(tmp_path, [("a.png", 0, 0, 8, 8, "", 0, 0), ("a.png", 8, 0, 8, 8, "", 8, 0)], columns=columns)
    tiles = read_tile_list(tmp_path / "a.csv")
    assert tiles.boxes is not None
    assert tiles.boxes.tolist() == [[0, 0], [8, 0]]
    write_tile_list(tmp_path / "b.csv", tiles)
    assert (tmp_path / "b.csv").read_text() == (tmp_path / "a.csv").read_text()


def test_the_side_is_what_most_tiles_have_and_the_slide_holds_every_tile_at_full_size(tmp_path):
    write_list(tmp_path, [GOOD, ("b.png", 16, 0, 16, 16, ""), ("c.png", 32, 0, 5, 9, "")])
    tiles = read_tile_list(tmp_path / "a.csv")
    assert (tiles.side, tiles.size) == (16, (48, 16))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("../a.png", 0, 0, 1, 1, ""), "line 3: image '../a.png' must be a path below the folder"),
        (("/etc/a.png", 0, 0, 1, 1, ""), "must be a path below"),
        (("z.zip/../a.png", 0, 0, 1, 1, ""), "must be a path below"),
        (("C:\\a.png", 0, 0, 1, 1, ""), "must be a path below"),
        (("", 0, 0, 1, 1, ""), "must be a path below"),
        (("b.png", 1.5, 0, 1, 1, ""), "line 3: x is '1.5', a whole number"),
        (("b.png", 1, -1, 1, 1, ""), "line 3: y is '-1', a whole number"),
        (("b.png", 1, 1, 0, 1, ""), "width is 0"),
        (("b.png", 1, 1, 1, "nan", ""), "height is 'nan'"),
        (("b.png", 0, 0, 16, 16, ""), r"2 tiles lie at \(0, 0\)"),
        (("b.png", 0, 0), "line 3 has 3 cells"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(tmp_path, row, said):
    write_list(tmp_path, [GOOD, row])
    with pytest.raises(SlideError, match=said):
        read_tile_list(tmp_path / "a.csv")


def test_an_absent_column_an_empty_list_and_no_list_are_refused(tmp_path):
    write_list(tmp_path, [], columns="image,x,y,label")
    with pytest.raises(SlideError, match="needs the columns image, x, y, width, height; width is absent"):
        read_tile_list(tmp_path / "a.csv")
    write_list(tmp_path, [])
    with pytest.raises(SlideError, match="names no tile"):
        read_tile_list(tmp_path / "a.csv")
    with pytest.raises(SlideError, match="there is no such tile list"):
        read_tile_list(tmp_path / "b.csv")
