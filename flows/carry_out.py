"""Carry out a stage: reuse what the store holds, have the rest made as Prefect tasks, keep what succeeded."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from flows.progress import part_bar, stage_bar
from flows.session import Session, UsageError
from flows.slot import Slot
from tasks.artifacts.failures import FailureNotes
from tasks.artifacts.part import Order, Part, Reference

_log = logging.getLogger("veritile.study")

Work = tuple[Slot, Order]
Make = Callable[[Sequence[Work]], PrefectFuture[Any] | State[Any]]
"""Hands a group of parts to its verb, which gives one reference, or a tuple of them for a group.

A state is of parts that were made meanwhile, a future of parts that some other thread is still making.
"""


@dataclass
class Progressing:
    """What a study has in hand while it runs: references by label, failures with their reasons."""

    session: Session
    known: dict[str, Reference] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)

    def fail(self, slot: Slot, part: Part, error: BaseException) -> None:
        """Keep the reason of a failed part, here and for ``status``."""
        sentence = f"{error}" if str(error) else type(error).__name__
        self.failed[slot.label] = sentence
        FailureNotes(self.session.home).note(part, sentence)
        _log.error("%s failed: %s", slot.label, sentence)

    def succeed(self, slot: Slot, part: Part, reference: Reference) -> None:
        """Keep the reference of a part that was made."""
        self.known[slot.label] = reference
        self.executed.append(slot.label)
        FailureNotes(self.session.home).clear(part)


def carry_out(
    state: Progressing,
    slots: Sequence[Slot],
    make: Make,
    *,
    at_once: int = 1,
    together: Callable[[Slot], str] | None = None,
    on_start: Callable[[Sequence[Slot]], None] | None = None,
) -> None:
    """Bring ``state`` up to date with ``slots``.

    Args:
        state: what is in hand; changed in place.
        slots: places of one stage.
        make: hands a group of parts to its verb.
        at_once: how many groups are under way at the same time, where the verb gives futures.
        together: parts of equal value are handed over as one group; each alone by default.
        on_start: told which parts will be made, if any will.
    """
    work = _reuse(state, slots)
    if not work:
        return
    stage = work[0][0].stage
    if on_start is not None:
        on_start([slot for slot, _ in work])
    groups = [list(g) for _, g in groupby(work, key=lambda w: together(w[0]) if together else w[0].label)]
    _log.info("%s: %d to make, %d reused", stage, len(work), len(slots) - len(work))
    with stage_bar(stage, len(work)) as advance:
        for start in range(0, len(groups), at_once):
            _run_wave(state, groups[start : start + at_once], make, advance)


def _reuse(state: Progressing, slots: Sequence[Slot]) -> list[Work]:
    """Take what is stored and return what is to be made."""
    session, work = state.session, []
    for slot in slots:
        forced = session.orders.forces(slot.stage, slot.coords)
        part = slot.part(state.known)
        if part is None:
            _report_missing(state, slot, forced)
            continue
        record = None if forced else session.store.use(part)
        if record is not None:
            state.known[slot.label] = record.reference
        elif session.orders.wants(slot.stage) and (forced or not _only(session)):
            work.append((slot, _order(state, slot, part, forced)))
        else:
            _recall(state, slot, part)
    return work


def _recall(state: Progressing, slot: Slot, part: Part) -> None:
    """Count a part that is not stored and not to be made as failed, if it failed when last tried."""
    sentence = FailureNotes(state.session.home).of(part)
    if sentence is not None:
        state.failed[slot.label] = sentence


def _report_missing(state: Progressing, slot: Slot, forced: bool) -> None:
    missing = slot.missing(state.known)
    if forced and _only(state.session):
        raise UsageError(
            f"{slot.label} cannot be made: its input {missing[0]} is not in the store"
            + (f" (nor are {len(missing) - 1} others)" if len(missing) > 1 else "")
            + "; run the study without --only first"
        )
    if _only(state.session):
        return
    state.failed.setdefault(slot.label, f"not made, because {missing[0]} is missing")


def _only(session: Session) -> bool:
    """Say whether the user asked for one stage on stored inputs."""
    return session.orders.only is not None


def _order(state: Progressing, slot: Slot, part: Part, forced: bool) -> Order:
    inputs = {name: state.known[label] for name, label in slot.needs.items()}
    return Order(part=part, inputs=inputs, home=state.session.home, force=forced)


def _run_wave(
    state: Progressing, wave: Iterable[list[Work]], make: Make, advance: Callable[[int], None]
) -> None:
    with ExitStack() as bars:
        running = []
        for group in wave:
            bar = bars.enter_context(part_bar(group[0][0].label))
            watched = [(slot, _watched(order, bar)) for slot, order in group]
            running.append((watched, make(watched)))
        for group, made in running:
            _collect(state, group, made.result(raise_on_failure=False))
            advance(len(group))


def _watched(order: Order, bar: Callable[[int], None]) -> Order:
    return Order(order.part, order.inputs, order.home, order.force, bar)


def _collect(state: Progressing, group: Sequence[Work], outcome: object) -> None:
    references = outcome if isinstance(outcome, tuple) else (outcome,) * len(group)
    for (slot, order), reference in zip(group, references, strict=True):
        if isinstance(reference, Reference):
            state.succeed(slot, order.part, reference)
        else:
            assert isinstance(reference, BaseException), f"a verb returned {type(reference).__name__}"
            state.fail(slot, order.part, reference)
