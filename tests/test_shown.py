"""What pages show beside Python is true: commands and options exist, pieces of study files are accepted."""

import pytest
import yaml

from flows.config import StudyConfig
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tasks.training.recipe import TrainingRecipe
from tests._support.shown import PAGES, commands, misfits, whole_study
from tests._support.snippets import ROOT, blocks

TESTED_ELSEWHERE = {
    ("docs/library.md", "model"): "tests/scoring/test_library_page.py",
    ("docs/slide_faithfulness.md", "model"): "tests/scoring/bags/test_page.py",
    ("docs/schedules.md", "automations"): "tests/flows/scheduling/test_automations.py",
}
"""Blocks that are no study files, by page and first key, and the test that reads them."""


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def yaml_blocks():
    return [(name_of(page), block) for page in PAGES for block in blocks(name_of(page), "yaml")]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_their_options_exist(page):
    assert {command: wrong for command in commands(page) if (wrong := misfits(command))} == {}


def test_commands_are_found_and_wrong_ones_are_told():
    assert sum(len(list(commands(page))) for page in PAGES) > 100
    assert misfits("veritile run STUDY --force --only tile") == ["--force"]
    assert misfits("veritile features send X --out=y") == ["send"]
    assert misfits("veritile features export STUDY --format stamp --out=y  # a --comment") == []


@pytest.mark.parametrize(
    ("page", "block"), yaml_blocks(), ids=lambda value: value if "\n" not in value else ""
)
def test_pieces_of_study_files_are_accepted(page, block):
    piece = yaml.safe_load(block)
    if isinstance(piece, list):
        for each in piece:
            TrainingRecipe.model_validate(each)
    elif (page, next(iter(piece))) in TESTED_ELSEWHERE:
        assert page.rpartition("/")[2] in (ROOT / TESTED_ELSEWHERE[page, next(iter(piece))]).read_text(
            encoding="utf-8"
        )
    elif set(piece) <= set(StudyConfig.model_fields):
        StudyConfig.model_validate(whole_study(piece))
    else:
        BagPhantomRecipe.model_validate(piece)


def test_a_wrong_piece_is_refused():
    with pytest.raises(ValueError, match="did you mean 'gradient'"):
        StudyConfig.model_validate(whole_study({"explain": {"explainers": ["gradeint"]}}))
