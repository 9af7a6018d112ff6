"""Tables of slides and tiles, and what is wrong with them."""

import numpy as np
import pytest

from tasks.scoring.bags.tile_table import TileTable, read_slide_table, read_tile_table
from tasks.scoring.errors import ScoringError

PLACES = np.array([[0, 0], [256, 0]], np.float32)


def test_ids_of_slides_keep_their_zeros(tmp_path):
    (tmp_path / "t.csv").write_text("slide_id,patient_id,label\n007,01,a\n008,02,\n")
    labels, patients = read_slide_table(tmp_path / "t.csv")
    assert labels == {"007": "a", "008": ""}
    assert patients == {"007": "01", "008": "02"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\n1,a\n", "has no column slide_id; it has name, label"),
        ("slide_id,site\n1,a\n", "needed label or patient_id"),
        ("slide_id,label\n1,a\n1,b\n", "slide '1' stands twice"),
    ],
)
def test_wrong_tables_of_slides_are_refused(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ScoringError, match=said):
        read_slide_table(tmp_path / "t.csv")


def test_wrong_tables_of_tiles_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(ScoringError, match=r"there is no table t\.csv"):
        read_tile_table(path)
    path.write_text("slide_id,x,label\ns,1,a\n")
    with pytest.raises(ScoringError, match="needed slide_id, tile or x and y, and label or darkness"):
        read_tile_table(path)
    path.write_text("slide_id,x,y,label\ns,1,1,a\n")
    table = read_tile_table(path)
    with pytest.raises(ScoringError, match="names a tile of 's' that has no features"):
        table.classes("s", PLACES, ("a",))
    with pytest.raises(ScoringError, match="labelled 'a'; the classes are b, c"):
        table.classes("s", PLACES, ("b", "c"))
    with pytest.raises(ScoringError, match="has slide 's', which has no features"):
        table.refuse_strangers(["other"])


def test_nothing_is_known_without_a_table():
    table = TileTable({})
    assert not table.has_labels
    assert np.isnan(table.darkness("s", PLACES)).all()
    assert table.classes("s", PLACES, ("a",)).tolist() == [-1, -1]
