"""The sentence of an interrupted run says what was under way and what is stored."""

from flows.engine.events import Advanced, BuildEnded, BuildStarted, Reused, RunStarted, Stored
from flows.under_way import UnderWay


def after(*events):
    under_way = UnderWay()
    for event in events:
        under_way(event)
    return under_way.sentence()


def test_before_a_run_there_is_nothing():
    assert after() == "interrupted; run the same command again"


def test_builds_under_way_are_named_and_more_are_counted():
    started = [RunStarted({}), *(BuildStarted("tile", f"tile/{name}", 1) for name in "abcd")]
    assert after(
        *started,
        BuildEnded("tile", "tile/a", 1),
        Stored(None, None, made=True),
        Reused("tile"),
        Advanced("x", 1),
    ) == (
        "interrupted during tile/b, tile/c and 1 more; 1 artifact of this run is stored; "
        "run the same command again to resume"
    )


def test_between_builds_only_what_is_stored_is_said():
    assert after(RunStarted({})) == (
        "interrupted; 0 artifacts of this run are stored; run the same command again to resume"
    )
