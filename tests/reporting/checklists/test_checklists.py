"""The lists are whole, what they ask is answered by topics that there are, and both formats say the same."""

import re
from typing import get_args

import docx
import pytest

from tasks.reporting.checklists.as_markdown import write_markdown
from tasks.reporting.checklists.as_word import write_word
from tasks.reporting.checklists.checklist import Checklist, ChecklistItem, Topic
from tasks.reporting.checklists.choice import CHECKLISTS, checklist_of
from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.reporting.checklists.filled import SILENT, FilledChecklist, fill

LETTERS = {
    3: "abc",
    5: "ab",
    6: "abc",
    8: "abc",
    9: "abc",
    12: "abcdefg",
    18: "abcdef",
    20: "abc",
    23: "ab",
    27: "abc",
}
"""The items of TRIPOD+AI that have letters."""

LIST = Checklist(
    "small", "A small list", "Somebody, 2024",
    (
        ChecklistItem("1", "First", "What the store says", ("model",)),
        ChecklistItem("2a", "First", "What it says in part", ("sites", "model"), "the rest"),
        ChecklistItem("2b", "Second", "What nobody says", (), "all of it"),
        ChecklistItem("3", "Second", "What is not stored", ("claims",)),
    ),
)  # fmt: skip
FACTS = (
    Fact("model", "A network of 3 < 4 layers.", "train/a (Checkpoint 12ab)"),
    Fact("sites", "Two sites.", "the manifest", FactTable(("site", "slides"), (("a|b", "3"), ("c", "4")))),
)


@pytest.fixture
def filled():
    return FilledChecklist(
        "st*udy",
        LIST,
        fill(LIST, FACTS),
        ("Not finished.",),
        {"test": ("0a", "1b")},
        FactTable(("artifact",), (("train/a",),)),
    )


def test_claim_has_its_44_items_in_sequence():
    assert [item.number for item in checklist_of("claim").items] == [str(n) for n in range(1, 45)]


def test_tripod_ai_has_its_27_items_and_their_letters():
    expected = [f"{n}{letter}" for n in range(1, 28) for letter in LETTERS.get(n, [""])]
    assert len(expected) == 52
    assert [item.number for item in checklist_of("tripod-ai").items] == expected


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_item_is_answered_by_the_store_or_asks_its_author(name):
    for item in checklist_of(name).items:
        assert item.topics or item.author, item.number
        assert set(item.topics) <= set(get_args(Topic))
        assert not item.author.endswith(".")


def test_every_topic_is_asked_for():
    asked = {topic for checklist in CHECKLISTS.values() for item in checklist.items for topic in item.topics}
    assert asked == set(get_args(Topic))


def test_the_nearest_checklist_is_named():
    with pytest.raises(
        ValueError, match=r"no checklist 'tripd-ai' \(did you mean 'tripod-ai'\?\); there are: claim, tri"
    ):
        checklist_of("tripd-ai")


def test_facts_go_to_the_items_of_their_topic_and_gaps_to_the_author(filled):
    assert [[fact.topic for fact in each.facts] for each in filled.items] == [
        ["model"],
        ["sites", "model"],
        [],
        [],
    ]
    assert [each.answer for each in filled.items] == [
        "from the store",
        "in part",
        "by the author",
        "by the author",
    ]
    assert [each.to_add for each in filled.items] == ["", "the rest", "all of it", SILENT]
    assert filled.counts == (
        "Of 4 items, 1 are answered from the store, 1 in part, and 2 are left to the author."
    )


def test_the_page_shows_texts_as_they_are(filled):
    page = write_markdown(filled)
    assert page.startswith("# st\\*udy: A small list\n\n")
    assert "A network of 3 &lt; 4 layers. *From: train/a (Checkpoint 12ab).*" in page
    assert "| site | slides |\n| --- | --- |\n| a\\|b | 3 |\n| c | 4 |\n" in page
    assert "**The author must add:** the rest." in page
    assert "- test (2): 0a, 1b" in page
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [
        "First", "Second", "Patients, as salted hashes", "Stored artifacts of the study",
    ]  # fmt: skip


def test_the_word_file_says_what_the_page_says(filled, tmp_path):
    write_word(filled, tmp_path / "a.docx")
    read = docx.Document(str(tmp_path / "a.docx"))
    texts = [paragraph.text for paragraph in read.paragraphs]
    assert texts[:4] == ["st*udy: A small list", filled.credit, filled.counts, "Not finished."]
    assert "A network of 3 < 4 layers. From: train/a (Checkpoint 12ab)." in texts
    assert texts.count(f"The author must add: {SILENT}.") == 1
    cells = [[cell.text for cell in row.cells] for row in read.tables[0].rows]
    assert cells == [["site", "slides"], ["a|b", "3"], ["c", "4"]]
    assert read.core_properties.author == "veritile"
    assert [path.name for path in tmp_path.iterdir()] == ["a.docx"]
