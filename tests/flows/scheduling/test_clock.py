"""What is typed as a rule is read, or refused in a sentence before anything is asked."""

from datetime import timedelta

import pytest

from flows.scheduling.clock import Clock
from tasks.study.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("0 2 * * *", "0 2 * * *"),
        (" 0  2 * * MON-FRI ", "0 2 * * MON-FRI"),
        ("@daily", "0 0 * * *"),
        ("*/15 8-18 * * 1-5", "*/15 8-18 * * 1-5"),
    ],
)
def test_a_cron_rule_is_read(typed, rule):
    clock = Clock.read(typed, None, "Europe/Berlin")
    assert (clock.cron, clock.every) == (rule, None)
    assert clock.words == f"{rule} (Europe/Berlin)"


@pytest.mark.parametrize(
    ("typed", "seconds", "words"),
    [
        ("60", 60, "every 1 m"),
        ("90s", 90, "every 90 s"),
        ("15m", 900, "every 15 m"),
        ("6h", 21_600, "every 6 h"),
        ("2 d", 172_800, "every 2 d"),
    ],
)
def test_an_interval_is_read(typed, seconds, words):
    clock = Clock.read(None, typed, "UTC")
    assert clock.every == timedelta(seconds=seconds)
    assert clock.words == words


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("61 * * * *", "--cron '61 * * * *': the minute '61' cannot be read; allowed is 0 to 59"),
        ("0 24 * * *", "the hour '24' cannot be read; allowed is 0 to 23"),
        (
            "0 0 30 2 *",
            "the day-of-month '30' cannot be read; allowed is 1 to 31, in a month that has the day",
        ),
        ("0 0 * 13 *", "the month '13' cannot be read"),
        ("0 0 * * 8", "the day-of-week '8' cannot be read; allowed is 0 to 7, or sun to sat"),
        ("*/0 * * * *", "the minute '*/0' cannot be read"),
        ("R R * * *", "the minute 'R' cannot be read"),
        ("* * * *", "has 4 fields, not five: minute hour day-of-month month day-of-week"),
        ("0 0 2 * * *", "has 6 fields, not five"),
        ("@sometimes", "has 1 fields, not five"),
        ("", "has 0 fields, not five"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(typed, sentence):
    with pytest.raises(UsageError) as refused:
        Clock.read(typed, None, "UTC")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("typed", ["0", "-5", "+0", "59", "59s", "367d", "9" * 30])
def test_an_interval_out_of_bounds_is_refused(typed):
    with pytest.raises(UsageError, match=r"at most once in 60 seconds and at least once in 366 days"):
        Clock.read(None, typed, "UTC")


@pytest.mark.parametrize("typed", ["", "soon", "1.5h", "6 x", "6 h h"])
def test_an_interval_that_is_no_number_is_refused(typed):
    with pytest.raises(UsageError, match="such as 90s, 15m or 6h"):
        Clock.read(None, typed, "UTC")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New_Yrok", "America/New_York"),
    ],
)
def test_an_unknown_zone_is_answered_with_the_nearest(typed, near):
    with pytest.raises(UsageError, match=f"no timezone; did you mean '{near}'"):
        Clock.read("@daily", None, typed)


def test_a_zone_near_nothing_is_answered_with_an_example():
    with pytest.raises(UsageError, match="name one such as 'Europe/Berlin' or 'UTC'"):
        Clock.read("@daily", None, "+02:00")


@pytest.mark.parametrize(("cron", "every"), [(None, None), ("@daily", "60")])
def test_one_rule_is_given_and_not_two(cron, every):
    with pytest.raises(UsageError, match="either --cron or --every"):
        Clock.read(cron, every, "UTC")
