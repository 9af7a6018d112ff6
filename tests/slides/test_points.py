import pytest

from tasks.slides.errors import SlideError
from tasks.slides.points import PointColumns, read_points

COLUMNS = PointColumns("x", "y", "label", None)
OF_SLIDE = PointColumns("x", "y", "label", "slide")


def read(tmp_path, text, columns=COLUMNS, names=("a", "a.tiff"), encoding="utf-8"):
    (tmp_path / "p.csv").write_bytes(text.encode(encoding))
    return read_points(tmp_path / "p.csv", columns, names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_points_come_in_the_sequence_of_the_file_and_other_columns_are_not_read(tmp_path, encoding):
    table = read(tmp_path, "label, y ,x,age\ntumour,2,1.5,40\n\n normal ,4,3,\n,6,5,\n", encoding=encoding)
    assert table.x.tolist() == [1.5, 3, 5]
    assert table.y.tolist() == [2, 4, 6]
    assert table.texts == ("tumour", "normal", "")


def test_points_of_other_slides_are_left_out_by_id_or_file_name(tmp_path):
    text = "x,y,label,slide\n1,1,k,a\n2,2,l,b\n3,3,m, a.tiff \n"
    assert read(tmp_path, text, OF_SLIDE).texts == ("k", "m")
    with pytest.raises(
        SlideError, match=r"p.csv: no point of 3 is of this slide \(c or c.tiff\); column 'sl"
    ):
        read(tmp_path, text, OF_SLIDE, ("c", "c.tiff"))


def test_a_table_without_points_is_empty(tmp_path):
    assert len(read(tmp_path, "x,y,label\n").x) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "p.csv has no column 'x'; it has none"),
        ("x,z,label\n1,1,a\n", r"p.csv has no column 'y'; it has x, z, label. tile.points says which"),
        ("x,y,label\n1,1,a\nnan,1,a\n", "line 3 has x 'nan'; allowed is a finite number"),
        ("x,y,label\n1,one,a\n", "line 2 has y 'one'"),
        ("x,y,label\n1,inf,a\n", "line 2 has y 'inf'"),
        ("x,y,label\n1,2\n", "line 2 has fewer cells than the 3 columns"),
        ("x,y,label\n1,2,a\n3,5,4,a\n", "line 3 has more cells than the 3 columns; decimals need a point"),
        ('x,y,label,note\n1,2,a,\n3,4,a,"5 mm\n5,6,b,\n7,8,b,9"\n', "line 3 opens a quotation mark"),
        ('x,y,label\n1,2,"a\n3,4,a\n', "line 2 opens a quotation mark and does not close it"),
        ("x,y,label,x\n1,2,a,3\n", "column 'x' stands twice"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(tmp_path, text, words):
    with pytest.raises(SlideError, match=words):
        read(tmp_path, text)


def test_other_encodings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(SlideError, match=r"p.csv is not UTF-8"):
        read(tmp_path, "x,y,label\n1,2,Größe\n", encoding="latin-1")
    with pytest.raises(SlideError, match="no such table of points"):
        read_points(tmp_path / "q.csv", COLUMNS, ("a",))
