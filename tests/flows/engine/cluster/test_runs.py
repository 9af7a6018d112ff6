"""Runs on an existing cluster: what dies, hangs or fails takes only itself along, and the store decides."""

import logging

import pytest

from flows.engine.events import Advanced, listening
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.status import plan_status
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.store import Store
from tests._support.cluster_stages import SLIDES, attempts
from tests._support.toy_runs import plan_toys, run_toys, will

DIED = (
    "it ended its process twice, as for lack of memory or after an error in a decoder; "
    "it is tried again only by --only spell or --from spell, or after its inputs changed"
)
X = ArtifactKey("spell", slide="x")


def stored(home):
    return {
        record.spec.label: (record.fingerprint, record.digest)
        for kind in ("Spelled", "Spoken", "Told")
        for record in Store(home).records(kind)
    }


def test_a_cluster_gives_the_store_of_the_other_runners(make, manifest, tmp_path):
    heard = []
    with listening(heard.append):
        first = make()
    assert len(first.executed) == len(first.plan) == 10
    assert sum(event.items for event in heard if isinstance(event, Advanced)) == len(SLIDES)
    for runner in ("inline", "threads"):
        run_toys(manifest, tmp_path / runner, runner=runner)
        assert stored(tmp_path / runner) == stored(tmp_path / "home")
    assert make().executed == ()
    assert not list((tmp_path / "home" / "work" / "attempts").iterdir())


def test_what_kills_its_worker_twice_is_quarantined_and_the_rest_goes_on(make, manifest, tmp_path, caplog):
    home = tmp_path / "home"
    will(home, x=("die", 9), y=("fail", 9))
    with caplog.at_level(logging.ERROR, "veritile"):
        first = make()
    assert first.state.failed == {X: DIED, ArtifactKey("spell", slide="y"): "y cannot be read"}
    assert f"spell/x failed: {DIED}" in caplog.text
    assert attempts(home, "x") == 2
    assert len(first.executed) == 10 - 2

    # The next run does not try it, says so, and status agrees; what failed with an error is tried again.
    before = attempts(home, "y")
    again = make()
    assert again.state.failed[X] == DIED
    assert (attempts(home, "x"), attempts(home, "y")) == (2, before + 1)
    plan = plan_toys(manifest, home, runner="dask")
    (status,) = (each for each in plan_status(plan, RerunOptions()) if each.key == X)
    assert (status.state, status.reasons, status.is_made) == ("failed", (DIED,), False)

    # It is tried when the user asks for it.
    will(home)
    asked = make(RerunOptions(from_stage="spell", selection=Selection(slide=("x",))))
    assert X in asked.executed
    assert not [path for path in (home / "work" / "attempts").iterdir() if path.suffix == ".json"]


def test_a_worker_killed_once_costs_one_attempt(make, tmp_path):
    will(tmp_path / "home", x=("die", 1), b=("die", 1))
    result = make()
    assert len(result.executed) == 10
    assert not result.state.failed
    assert [attempts(tmp_path / "home", who) for who in "xbu"] == [2, 2, 1]


@pytest.mark.soak
def test_what_hangs_is_ended_on_its_worker(make, tmp_path):
    will(tmp_path / "home", x=("hang", 9))
    result = make(minutes={"spell": 0.05})
    assert result.state.failed[X] == (
        "it was ended twice, as it took longer than 0.05 minutes; "
        "it is tried again only by --only spell or --from spell, or after its inputs changed"
    )
    assert len(result.executed) == 9
