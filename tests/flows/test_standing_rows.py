"""A study of thousands of parts is told in a page, and nothing is lost on the way."""

from flows.slot import Slot
from flows.standing_rows import MANY, standing_rows
from flows.status import Standing
from tasks.artifacts.spec import ArtifactSpec


def standing(number, state="would run", reasons=("it was never made",), stage="explain", waits=False):
    slot = Slot(stage=stage, label=f"{stage}/{number}", kind="K", recipe={}, modules=())
    part = ArtifactSpec(stage=stage, label=slot.label, kind="K", recipe={}, inputs={}, code={}, seed=None)
    return Standing(slot, state, reasons, part=None if waits else part)


def test_done_parts_have_no_row():
    assert standing_rows([standing(0, "done"), standing(1, "untouched"), standing(2, "failed")]) == [
        ("explain/2", "failed", "it was never made")
    ]


def test_few_of_a_kind_are_named_and_many_are_folded():
    few = [standing(number) for number in range(MANY)]
    assert [row[0] for row in standing_rows(few)] == [f"explain/{number}" for number in range(MANY)]
    many = [*few, standing(MANY)]
    assert standing_rows(many) == [
        ("explain/0", "would run", "it was never made"),
        (f"... and {MANY} more like it", "would run", "--all names them"),
    ]
    assert [row[0] for row in standing_rows(many, every=True)] == [f"explain/{n}" for n in range(MANY + 1)]


def test_another_stage_state_or_reason_is_another_row():
    others = [
        standing(90, stage="evaluate"),
        standing(91, "stale"),
        standing(92, reasons=("seed: 0 -> 1",)),
    ]
    rows = standing_rows([*(standing(number) for number in range(20)), *others])
    assert [row[0] for row in rows] == [
        "explain/0",
        "... and 19 more like it",
        "evaluate/90",
        "explain/91",
        "explain/92",
    ]


def test_parts_that_wait_for_different_parts_are_alike():
    rows = standing_rows(
        [standing(n, reasons=(f"x/{n} would be made before it",), waits=True) for n in range(20)]
    )
    assert rows[0] == ("explain/0", "would run", "x/0 would be made before it")
    assert len(rows) == 2
