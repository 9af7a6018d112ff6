"""A lost process is counted where its run lives on, and nowhere else."""

import os

import pytest

from tasks.artifacts.attempts import AttemptNotes, QuarantinedError
from tasks.artifacts.spec import ArtifactSpec

SPEC, OTHER = (ArtifactSpec(stage="tile", label=f"tile/{n}", kind="TileSet", recipe={"n": n}) for n in "xy")
DIED = (
    "it ended its process twice, as for lack of memory or after an error in a decoder; "
    "it is tried again only by --only tile or --from tile, or after its inputs changed"
)


def lose(home, run, specs=(SPEC,), minutes=None, trace=""):
    """Begin in a process that ends without a word."""
    pid = os.fork()
    if not pid:
        notes = AttemptNotes(home)
        try:
            notes.begin(specs, run, "worker 1", minutes)
            if trace:
                notes.trace(specs[0]).write_text(trace)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_two_lost_processes_of_one_run_are_enough(tmp_path):
    notes = AttemptNotes(tmp_path)
    lose(tmp_path, "run")
    lose(tmp_path, "run")
    assert notes.quarantined(SPEC) is None, "the second may still be at work"
    with pytest.raises(QuarantinedError) as told:
        notes.begin([SPEC], "run", "worker 1")
    assert str(told.value) == notes.quarantined(SPEC) == DIED
    notes.end(SPEC)
    assert notes.quarantined(SPEC) is None
    notes.begin([SPEC], "run", "worker 1")


def test_a_run_that_was_killed_as_a_whole_counts_for_nothing(tmp_path):
    for run in range(5):
        lose(tmp_path, f"run {run}")
    AttemptNotes(tmp_path).begin([SPEC], "another", "worker 1")
    assert AttemptNotes(tmp_path).quarantined(SPEC) is None


def test_losses_of_several_runs_add_up_and_a_worker_that_leaves_is_none(tmp_path):
    notes = AttemptNotes(tmp_path)
    lose(tmp_path, "one")
    lose(tmp_path, "one")  # counts the first
    notes.withdraw(SPEC)  # the second left in good order
    lose(tmp_path, "two")
    lose(tmp_path, "two")
    assert notes.quarantined(SPEC) == DIED


def test_what_is_built_in_one_go_is_quarantined_in_one_go(tmp_path):
    notes = AttemptNotes(tmp_path)
    for _ in range(2):
        lose(tmp_path, "run", (SPEC, OTHER))
    with pytest.raises(QuarantinedError):
        notes.begin([SPEC, OTHER], "run", "worker 1")
    assert notes.quarantined(SPEC) == notes.quarantined(OTHER) == DIED


def test_what_took_too_long_is_told_so(tmp_path):
    notes = AttemptNotes(tmp_path)
    for _ in range(2):
        lose(tmp_path, "run", minutes=30, trace="Timeout (0:30:00)!")
    with pytest.raises(
        QuarantinedError, match=r"^it was ended twice, as it took longer than 30 minutes; it is"
    ):
        notes.begin([SPEC], "run", "worker 1", 30)


def test_the_same_process_may_begin_again_and_an_empty_file_tells_nothing(tmp_path):
    notes = AttemptNotes(tmp_path)
    for _ in range(4):
        notes.begin([SPEC], "run", "worker 1")
    (path,) = (tmp_path / "work" / "attempts").glob("*.json")
    path.write_text("")
    assert notes.quarantined(SPEC) is None
