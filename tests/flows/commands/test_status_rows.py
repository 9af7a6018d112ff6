"""A study of thousands of artifacts is told in a page, and nothing is lost on the way."""

from flows.commands.status_rows import MANY, status_rows
from flows.engine.status import ArtifactStatus
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.spec import ArtifactSpec
from tasks.study.stage import Planned


def status(number, state="would run", reasons=("it was never made",), stage="explain", waits=False):
    key = ArtifactKey(stage, slide=str(number))
    spec = ArtifactSpec(stage=stage, label=key.label, kind="K", recipe={})
    return ArtifactStatus(Planned(key, {}, ()), state, reasons, spec=None if waits else spec)


def test_done_artifacts_have_no_row():
    assert status_rows([status(0, "done"), status(1, "untouched"), status(2, "failed")]) == [
        ("explain/2", "failed", "it was never made")
    ]


def test_few_of_a_kind_are_named_and_many_are_folded():
    few = [status(number) for number in range(MANY)]
    assert [row[0] for row in status_rows(few)] == [f"explain/{number}" for number in range(MANY)]
    many = [*few, status(MANY)]
    assert status_rows(many) == [
        ("explain/0", "would run", "it was never made"),
        (f"... and {MANY} more like it", "would run", "--all names them"),
    ]
    assert [row[0] for row in status_rows(many, every=True)] == [f"explain/{n}" for n in range(MANY + 1)]


def test_another_stage_state_or_reason_is_another_row():
    others = [
        status(90, stage="evaluate"),
        status(91, "stale"),
        status(92, reasons=("seed: 0 -> 1",)),
    ]
    rows = status_rows([*(status(number) for number in range(20)), *others])
    assert [row[0] for row in rows] == [
        "explain/0",
        "... and 19 more like it",
        "evaluate/90",
        "explain/91",
        "explain/92",
    ]


def test_artifacts_that_wait_for_different_ones_are_alike():
    rows = status_rows(
        [status(n, reasons=(f"x/{n} would be made before it",), waits=True) for n in range(20)]
    )
    assert rows[0] == ("explain/0", "would run", "x/0 would be made before it")
    assert len(rows) == 2
