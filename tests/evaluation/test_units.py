"""Units come back as they were, piece by piece."""

import pandas as pd

from tasks.artifacts.spill import Spill
from tasks.evaluation.units import PIECE, UNIT_COLUMNS, Units


def table(count: int, slide: str) -> pd.DataFrame:
    names = [f"{slide}/{i}" for i in range(count)]
    return pd.DataFrame({"unit": "tile", "unit_id": names, "slide_id": slide, "patient_id": "p"}).assign(
        section=1, label="tumour", reason="not told"
    )


def test_units_of_slides_follow_each_other():
    units, given = Units(Spill(1)), [table(3, "a"), table(1, "b").iloc[:0], table(PIECE + 5, "c")]
    for each in given:
        units.add(each)
    found = list(units.tables())
    assert [len(piece) for piece in found] == [3, PIECE, 5]
    assert units.count == PIECE + 8
    expected = pd.concat(given)[UNIT_COLUMNS].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), expected)
    assert [piece.index[0] for piece in found] == [0, 0, 0]


def test_no_unit_is_none():
    assert list(Units(Spill()).tables()) == []
