import pytest

from tasks.tracking.database import experiment_id, open_client
from tasks.tracking.leftovers import HANDED_OVER, Leftovers
from tasks.tracking.runs import (
    CHECKPOINT_RUN,
    FINGERPRINT,
    KIND,
    LIVE,
    NAME,
    PARENT,
    PROCESS,
    STUDY,
    start_run,
)
from tests._support.processes import other_process

TAGS = {KIND: STUDY, LIVE: "own"}


@pytest.fixture
def experiment(make_home, tmp_path):
    home = make_home(tmp_path / "home")
    client = open_client(home, None)
    return client, experiment_id(client, "study", home, local=True)


def test_the_newest_page_that_nobody_writes_is_had(experiment):
    client, name = experiment
    first, second, others = (start_run(client, name, run, TAGS) for run in ("first", "second", "other's"))
    client.set_tag(others, PROCESS, other_process())
    recorded = start_run(client, name, "recorded", {**TAGS, FINGERPRINT: "f"})
    own = Leftovers(client, name, "own")
    assert {run.info.run_id for run in own.parents()} == {first, second, others}
    assert own.parent() in {first, second}
    client.set_tag(others, HANDED_OVER, "yes")
    own.delete()
    left = client.search_runs([name])
    assert [run.info.run_id for run in left] == [recorded]


def test_a_study_that_was_never_live_has_no_leftovers(experiment):
    client, name = experiment
    start_run(client, name, "of another", TAGS)
    for live in ("", "another"):
        assert Leftovers(client, name, live).parents() == []
        assert Leftovers(client, name, live).parent() is None


def test_children_are_found_by_name_below_their_parent(experiment):
    client, name = experiment
    parent = start_run(client, name, "parent", TAGS)
    child = {KIND: CHECKPOINT_RUN, PARENT: parent}
    one = start_run(client, name, "one", {**child, NAME: "one"})
    start_run(client, name, "recorded", {**child, NAME: "two", FINGERPRINT: "f"})
    own = Leftovers(client, name, "own")
    assert own.child(parent, "one").info.run_id == one
    assert own.child(parent, "two") is None
    assert [run.info.run_id for run in own.children(parent)] == [one]
