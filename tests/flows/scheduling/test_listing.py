"""Which schedule a word means, and what is answered where it means none or several."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from flows.scheduling.listing import ScheduledStudy, choose
from tasks.study.errors import UsageError


def scheduled(name, study, file, home, *rules, paused=False, active=True):
    rules = rules or (CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin"),)
    deployment = DeploymentResponse(
        name=name,
        flow_id=uuid4(),
        paused=paused,
        parameters={"config": str(file), "home": str(home)},
        schedules=[DeploymentSchedule(schedule=rule, active=active) for rule in rules],
    )
    return ScheduledStudy(deployment, study)


@pytest.fixture
def studies(tmp_path):
    return [
        scheduled("tiny-a-111111", "tiny", tmp_path / "tiny.yaml", "/a"),
        scheduled("tiny-b-222222", "tiny", tmp_path / "tiny.yaml", "/b"),
        scheduled("other-a-333333", "other", tmp_path / "other.yaml", "/a"),
    ]


@pytest.mark.parametrize("word", ["other", "other-a-333333", "other.yaml", "{folder}/other.yaml"])
def test_a_study_a_deployment_or_a_file_is_meant(studies, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert choose(studies, word.format(folder=tmp_path), None).name == "other-a-333333"


def test_what_is_ambiguous_is_answered_with_the_choices(studies):
    with pytest.raises(UsageError) as refused:
        choose(studies, "tiny", None)
    assert str(refused.value) == (
        "tiny is scheduled 2 times, so give a name or --home: "
        "tiny-a-111111 (home /a); tiny-b-222222 (home /b)"
    )


def test_the_home_decides(studies):
    assert choose(studies, "tiny", Path("/b")).name == "tiny-b-222222"
    with pytest.raises(UsageError, match="other is not scheduled on /b; did you mean 'other-a-333333'"):
        choose(studies, "other", Path("/b"))


def test_what_is_not_scheduled_is_answered_with_the_nearest_or_with_all(studies):
    with pytest.raises(UsageError, match="did you mean 'other-a-333333'"):
        choose(studies, "othr", None)
    with pytest.raises(UsageError, match="there are: tiny-a-111111, tiny-b-222222, other-a-333333"):
        choose(studies, "zzz", None)
    with pytest.raises(UsageError, match="tiny is not scheduled; nothing is"):
        choose([], "tiny", None)


def test_a_rule_is_read_by_people_and_a_pause_is_seen():
    every = IntervalSchedule(interval=timedelta(hours=6))
    both = scheduled("a", "a", "/a", "/a", CronSchedule(cron="0 2 * * *", timezone=None), every)
    assert both.rule == "0 2 * * * (UTC), every 6 h"
    assert not both.paused
    assert scheduled("a", "a", "/a", "/a", paused=True).paused
    assert scheduled("a", "a", "/a", "/a", active=False).paused
