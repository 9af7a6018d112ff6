import pickle
from types import SimpleNamespace

import pytest

from flows.engine.outcome import RECORD, ArtifactsFailedError, NotRecordedError, settle
from flows.engine.resolve import RunState
from flows.exit_codes import code_of
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.study.errors import UsageError

TRAIN = ArtifactKey("train", ModelKey("standard", 0))


def run_with(failed):
    study = SimpleNamespace(name="tiny")
    return SimpleNamespace(
        state=RunState(failed=failed), stopped=None, executed=(TRAIN,), plan=SimpleNamespace(study=study)
    )


def test_a_study_that_is_only_not_recorded_has_a_code_of_its_own_and_its_outcome():
    run = run_with({RECORD: "MLflow at http://a cannot be used: nothing listens there"})
    with pytest.raises(NotRecordedError, match=r"veritile record.*nothing listens there") as caught:
        settle(run)
    assert caught.value.outcome.executed == (TRAIN.label,)
    assert code_of(caught.value) == 3
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.outcome) == (str(caught.value), caught.value.outcome)


def test_a_study_that_failed_in_more_than_its_recording_has_failed():
    run = run_with({TRAIN: "training diverged", RECORD: "nothing listens there"})
    with pytest.raises(ArtifactsFailedError, match="2 artifacts failed") as caught:
        settle(run)
    assert not isinstance(caught.value, NotRecordedError)
    assert code_of(caught.value) == 1


def test_a_mistake_is_code_2():
    assert code_of(UsageError("no such file")) == 2
