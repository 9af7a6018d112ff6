"""What a run would do, told part by part before it does it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from flows import closing_slots, drawing_slots, explain_slots, slots
from flows.evaluate_slots import model_slots, report_slots
from flows.session import Session
from flows.slot import Slot
from tasks.artifacts.changes import Earlier
from tasks.artifacts.failures import FailureNotes
from tasks.artifacts.faithfulness_report import FaithfulnessReport, OutdatedReportError
from tasks.artifacts.part import Part, Reference
from tasks.artifacts.record import Record, library_versions
from tasks.artifacts.store import Store

State = Literal["done", "would run", "may run", "failed", "stale", "untouched"]


@dataclass(frozen=True)
class Standing:
    """Where one part stands: its state, why, and library versions that differ from today's."""

    slot: Slot
    state: State
    reasons: tuple[str, ...] = ()
    other_versions: tuple[str, ...] = ()
    part: Part | None = None


class Examination:
    """Walks the places of a study in order, as a run would, without making anything."""

    def __init__(self, session: Session, *, full: bool = False) -> None:
        self._session = session
        self._full = full
        self.earlier = Earlier(session.store)
        self._known: dict[str, Reference] = {}
        self._may_change: set[str] = set()
        self._failed: dict[str, str] = {}

    def standings(self) -> Iterator[Standing]:
        """Yield every part's standing, stage after stage."""
        yield from self._examine(slots.tile_slots(self._session))
        rows = [r for r in self._session.slides if f"tile/{r.slide_id}" not in self._failed]
        yield from self._examine(slots.train_slots(self._session, rows))
        yield from self._examine(explain_slots.prediction_slots(self._session, rows))
        yield from self._examine(explain_slots.calibration_slots(self._session, rows))
        yield from self._examine(explain_slots.attribution_slots(self._session, rows))
        yield from self._examine(drawing_slots.scale_slots(self._session, rows))
        yield from self._examine(drawing_slots.heatmap_slots(self._session, rows))
        yield from self._examine(explain_slots.exemplar_slots(self._session, rows))
        yield from self._examine(report_slots(self._session, rows))
        yield from self._examine(model_slots(self._session, rows))
        yield from self._examine([closing_slots.comparison_slot(self._session, rows, self._failed)])
        yield from self._examine([drawing_slots.review_slot(self._session, rows, self._failed)])
        yield from self._examine([closing_slots.record_slot(self._session, rows)])

    def take(self, slot: Slot, record: Record) -> None:
        """Have an artifact that was adopted while the places were walked in hand for those after it."""
        self._known[slot.label] = record.reference

    def _examine(self, places: Sequence[Slot]) -> Iterator[Standing]:
        for slot in places:
            standing = self._standing(slot)
            if standing.state != "done":
                self._may_change.add(slot.label)
            yield standing

    def _standing(self, slot: Slot) -> Standing:
        orders = self._session.orders
        if not orders.reaches(slot.stage):
            return self._beyond(slot)
        part = slot.part(self._known)
        if part is None:
            return self._waiting(slot)
        record = self._session.store.find(part, full=self._full)
        if record is not None:
            return self._stored(slot, record)
        failed = FailureNotes(self._session.home).of(part)
        if failed is not None:
            self._failed[slot.label] = failed
            return Standing(slot, "failed", (f"{failed} (it is tried again at every run)",))
        return Standing(slot, "would run", self.earlier.why(part), part=part)

    def _stored(self, slot: Slot, record: Record) -> Standing:
        self._known[slot.label] = record.reference
        versions = tuple(
            f"{name} {record.versions.get(name, 'absent')}, now {now}"
            for name, now in library_versions().items()
            if record.versions.get(name) != now
        )
        if self._session.orders.forces(slot.stage, slot.coords):
            return Standing(slot, "would run", ("it is forced",), versions)
        upstream = [label for label in slot.needs.values() if label in self._may_change]
        if upstream:
            return Standing(slot, "may run", (f"{upstream[0]} would run and may give other bytes",), versions)
        return Standing(slot, "done", (), versions)

    def _waiting(self, slot: Slot) -> Standing:
        missing = slot.missing(self._known)
        more = f" and {len(missing) - 1} other inputs" if len(missing) > 1 else ""
        return Standing(slot, "would run", (f"{missing[0]}{more} would be made before it",))

    def _beyond(self, slot: Slot) -> Standing:
        upstream = [label for label in slot.needs.values() if label in self._may_change]
        if upstream:
            return Standing(slot, "stale", (f"left untouched, though {upstream[0]} may give other bytes",))
        return Standing(slot, "untouched")


def adopt(session: Session, stage: str, reason: str) -> list[str]:
    """Record that the stored artifacts of ``stage`` stand for code that changed without changing a number.

    Only parts whose recipe, inputs and seed are unchanged are adopted, and of reports those that today's code
    can read. Returns their labels. What is adopted is in hand for the parts that come after it, such as the
    maps of a calibration.
    """
    examination, adopted = Examination(session), []
    for standing in examination.standings():
        if standing.slot.stage == stage and standing.state == "would run":
            record = _adopted(session.store, examination.earlier, standing, reason)
            if record is not None:
                session.store.put(record)
                if session.store.find(record.part) is not None:
                    examination.take(standing.slot, record)
                adopted.append(standing.slot.label)
    return adopted


def _adopted(store: Store, earlier: Earlier, standing: Standing, reason: str) -> Record | None:
    """Return the record that lets an earlier artifact stand for ``standing``, or None where none may."""
    part = standing.part
    if part is None or not all(phrase.startswith("code ") for phrase in standing.reasons):
        return None
    old = earlier.nearest(part)
    if old is None or not _readable(store, old):
        return None
    return old.model_copy(update={"part": part, "fingerprint": part.fingerprint, "adopted": reason})


def _readable(store: Store, record: Record) -> bool:
    """Say whether today's code can read an artifact; a report may be of before a column that there is now."""
    if record.part.kind != "FaithfulnessReport":
        return True
    try:
        _ = FaithfulnessReport(store.folder(record)).scores
    except OutdatedReportError:
        return False
    return True
