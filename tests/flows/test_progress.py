"""What bars say: each stage by its own name, of how many, and how long it will take."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from flows.engine.events import Advanced, BuildEnded, BuildStarted, Reused, RunStarted
from flows.progress import CountColumn, LeftColumn, PacedStage, StudyBars, in_words


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def shown(bars, stage):
    """Return the words of the two columns for the bar of a stage."""
    task = next(task for task in bars.tasks if task.description == f"[bold]{stage}")
    return CountColumn().render(task).plain, LeftColumn().render(task).plain, task.visible


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bars():
    return Progress(console=Console(file=io.StringIO(), force_terminal=True))


def test_a_stage_has_its_own_name_its_total_and_the_time_that_is_left(bars, clock):
    study = StudyBars(bars, clock)
    study(RunStarted({"explain": 6, "scale": 2, "draw": 4}))
    study(BuildStarted("explain", "explain/a", 2))
    assert shown(bars, "explain") == ("0 of 6", "", True)
    assert shown(bars, "draw") == ("0 of 4", "", False)
    clock.now = 20.0
    study(BuildEnded("explain", "explain/a", 2))
    # 10 s an artifact, and four are left.
    assert shown(bars, "explain") == ("2 of 6", "about 40 s left", True)
    clock.now = 25.0
    assert shown(bars, "explain") == ("2 of 6", "about 35 s left", True)
    study(Reused("explain"))
    # One that was found changes the rest, not the pace.
    assert shown(bars, "explain") == ("3 of 6", "about 25 s left", True)


def test_a_build_without_a_known_total_says_what_is_done(bars, clock):
    study = StudyBars(bars, clock)
    study(RunStarted({"explain": 1}))
    study(BuildStarted("explain", "explain/a", 1))
    study(Advanced("explain/a", 1200))
    words = [CountColumn().render(task).plain for task in bars.tasks]
    assert words == ["0 of 1", "1,200 done"]
    assert not [word for word in words if "?" in word]


def test_a_stage_that_was_only_found_has_no_pace(clock):
    stage = PacedStage(3, clock)
    stage.settle(2, made=False)
    assert stage.seconds_left() is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 s"),
        (89, "about 89 s"),
        (90, "about 2 min"),
        (3000, "about 50 min"),
        (9000, "about 2.5 h"),
    ],
)
def test_times_are_for_a_person(seconds, words):
    assert in_words(seconds) == words
