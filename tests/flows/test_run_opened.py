"""Results are told before anything waits for a server, and the recording knows what was run."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from flows import run_opened as module
from flows.engine.outcome import Outcome
from flows.engine.rerun import RerunOptions
from flows.run_opened import run_opened, told_at_once

OUTCOME = Outcome(study="tiny", executed=("tile/a",), reused=0, failed_slides={})


@pytest.fixture
def study(tmp_path):
    """A study as far as a run asks it, with a store that can be used."""

    class Opened(SimpleNamespace):
        def __str__(self):
            return "study"

    store = SimpleNamespace(backend=SimpleNamespace(probe=lambda write: None))
    return Opened(home=tmp_path, name="tiny", store=store)


@pytest.fixture
def happened(monkeypatch):
    """What happened, in that sequence, in a run whose parts are all replaced."""
    order = []

    @contextmanager
    def shown_builds():
        yield "submit"
        order.append("waited for the server")

    def execute(plan, options, submit, known, *, full):
        order.append((plan, submit, known, full))
        return "result"

    for name in ("refuse_absent_devices", "refuse_unfit_encoder"):
        monkeypatch.setattr(module, name, lambda opened: None)
    monkeypatch.setattr(module, "refuse_unfit_network", lambda opened: ())
    monkeypatch.setattr(module, "warn_or_refuse", lambda plan, options: ())
    monkeypatch.setattr(module, "live_page", lambda plan, tags: nullcontext())
    monkeypatch.setattr(module, "first_look", lambda plan: nullcontext())
    # What else a recording is told, of the code and of a server's page, has tests of its own.
    monkeypatch.setattr("flows.origin._code", dict)
    monkeypatch.setattr("prefect.utilities.urls.url_for", lambda *_, **__: None)
    monkeypatch.setattr(module, "Plan", lambda opened: f"plan of {opened}")
    monkeypatch.setattr(module, "shown_builds", shown_builds)
    monkeypatch.setattr(module, "execute", execute)
    monkeypatch.setattr(module, "settle", lambda result: OUTCOME)
    return order


def test_results_are_told_first(happened, study):
    with told_at_once(happened.append):
        assert run_opened(study, RerunOptions()) == OUTCOME
    assert happened[1:] == [OUTCOME, "waited for the server"]
    run_opened(study, RerunOptions())
    assert happened.count(OUTCOME) == 1, "nobody asked for the second"


@pytest.mark.parametrize(("flow_run", "known"), [("", {}), ("an id", {"prefect.flow_run_id": "an id"})])
def test_the_recording_knows_the_command_and_the_flow_run(happened, study, monkeypatch, flow_run, known):
    monkeypatch.setattr(module, "flow_run_id", lambda: flow_run)
    run_opened(study, RerunOptions(), "veritile run", verify=True, tags={"more": "words"})
    expected = {**known, "command": "veritile run", "more": "words"}
    assert happened[0] == ("plan of study", "submit", expected, True)
