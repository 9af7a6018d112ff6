"""The page says what every figure needs to be read."""

import dataclasses
from types import SimpleNamespace

import pandas as pd
import pytest

from tasks.scoring.means import means_of
from tasks.scoring.page import page_of
from tests.scoring.test_means import result

PASSES = {
    "forward": 40,
    "backward": 7,
    "minimum_forward": 39,
    "minimum_backward": 6,
    "maps_forward": 5,
    "maps_backward": 4,
}


def page(results, controls=(), blind=(), unavailable=None, excluded=(), notes=()):
    columns = ["explainer", "metric", "reason", "images"]
    scored = SimpleNamespace(
        results=results,
        unavailable=unavailable or {},
        passes=PASSES,
        notes=notes,
        samples="images",
        each_mean=means_of(results, controls, blind),
        excluded=pd.DataFrame(list(excluded), columns=columns),
    )
    return page_of(scored, "A sentence about intervals.")


def test_a_metric_is_a_table_with_the_controls_last():
    made = {("rand", "m"): result([0.5] * 5), ("mine", "m"): result([1.0, 1, 1, 1, 1])}
    lines = page(made, controls=("rand",)).splitlines()
    start = lines.index("## m")
    assert lines[start + 2 : start + 6] == [
        "|  | s ↑ | images |",
        "| --- | --- | --- |",
        "| mine | 1.000 [1.000, 1.000] | 5 |",
        "| rand (control) | 0.500 [0.500, 0.500] | 5 |",
    ]
    assert "- **s**: what it means" in lines
    assert "A sentence about intervals." in lines
    assert "†" not in "".join(lines)


def test_a_figure_that_a_control_equals_is_marked():
    made = {("mine", "m"): result([0.5] * 4), ("rand", "m"): result([0.5] * 4)}
    text = page(made, controls=("rand",), blind=("rand",))
    assert "| mine | 0.500 † | 4 |" in text
    assert "† no evidence here: behind a control or not told apart from one" in text


def test_a_metric_with_blind_rivals_says_which_controls_count():
    """A control that holds an explainer equals the map and marks nothing."""
    made = {(name, "m"): result([0.5] * 4) for name in ("mine", "shuffled")}
    blind = {
        part: dataclasses.replace(one, info=one.info.model_copy(update={"rivals": "blind"}))
        for part, one in made.items()
    }
    text = page(blind, controls=("shuffled",))
    assert "in m, where that is the question, only those that see no network are to be beaten." in text
    assert "†" not in text
    assert "| shuffled (control) | 0.500 | 4 |" in text
    assert "see no network" not in page(made, controls=("shuffled",), blind=("shuffled",))


@pytest.mark.parametrize(("error", "loud"), [(0.4, True), (0.04, False)])
def test_loud_dice_are_told(error, loud):
    """Ten scores of spread 1 have a half width of 0.75; of each error a third is left in the mean."""
    text = page({("mine", "m"): result([0.0, 2.0] * 5, errors=[error] * 10)})
    assert ("± 0.126" in text) == loud
    assert ("more draws make it smaller" in text) == loud


def test_what_there_is_not_is_said():
    made = {("mine", "m"): result([float("nan")] * 6)}
    text = page(
        made,
        unavailable={"lipschitz": "not available: needs an explainer"},
        excluded=[("mine", "m", "a map of zeros", 6)],
    )
    assert "| mine | \N{EN DASH} | 0 |" in text
    assert "- `lipschitz`: not available: needs an explainer" in text
    assert "- `m` of mine: 6 images, a map of zeros" in text
    assert "40 forward and 7 backward" in text
    assert "39 and 6" in text
    assert "5 and 4 to make maps" in text


def test_what_changes_the_meaning_is_said_before_the_figures():
    text = page({("mine", "m"): result([1.0, 2.0])}, notes=("Its outputs look like probabilities.",))
    assert text.index("## Know first\n\n- Its outputs look like probabilities.") < text.index("## m")
    assert "Know first" not in page({("mine", "m"): result([1.0, 2.0])})
