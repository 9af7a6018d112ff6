from tasks.slides.file_names import without_file_names
from tasks.slides.row import SlideRow

ROW = SlideRow(
    slide_id="s1", patient_id="p", path="Doe, John/doe.svs", split="train", annotation="marks/doe.svs.geojson"
)


def test_every_file_of_the_row_is_told_by_what_it_is():
    text = "s1: doe.svs.geojson: 3 outlines, beside /data/x/Doe, John/doe.svs and 'Doe, John/doe.svs'"
    told = without_file_names(text, ROW)
    assert "oe.svs" not in told
    assert "John" not in told
    assert told.startswith("s1: its annotation: 3 outlines, beside ")
    assert told.endswith("and its slide file")


def test_other_words_stay():
    text = "s1: doe.svs2 and mydoe.svs-x are other files"
    assert without_file_names(text, ROW) == text
