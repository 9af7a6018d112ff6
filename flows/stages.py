"""The six stages, each a few lines: its places, its verb, and how many parts run at once."""

from collections.abc import Sequence

from prefect.futures import PrefectFuture
from tasks.compare import compare
from tasks.evaluate import evaluate, predict
from tasks.explain import draw, explain
from tasks.record import record

from flows import slots
from flows.carry_out import Progressing, Work, carry_out
from flows.outcome import failed_slides, refuse_too_many, refuse_untiled
from flows.session import Session
from tasks.artifacts.part import Reference
from tasks.slides.manifest import SlideRow
from tasks.tile import tile
from tasks.train import train

ONE_MODEL = 1
"""Models run one at a time: each uses all cores, or the whole device."""


def tile_slides(session: Session) -> Progressing:
    """Cut every slide into tiles; slides run side by side."""
    state, config = Progressing(session), session.config

    def submit(work: Sequence[Work]) -> PrefectFuture[Reference]:
        slot, order = work[0]
        return tile.submit(order, slot.about, session.data_root, config.tile)

    carry_out(state, slots.tile_slots(session), submit, at_once=config.resources.workers)
    refuse_untiled(state)
    refuse_too_many(state)
    return state


def train_arms(state: Progressing) -> None:
    """Train every arm with every seed."""
    session, config = state.session, state.session.config

    def submit(work: Sequence[Work]) -> PrefectFuture[Reference]:
        slot, order = work[0]
        shared = frozenset(config.shared_patients)
        return train.submit(order, slot.about.arm, config.train.recipe, session.device, shared)

    if session.orders.reaches("train"):
        carry_out(state, slots.train_slots(session, good(state)), submit, at_once=ONE_MODEL)


def explain_slides(state: Progressing) -> None:
    """Explain every slide with every checkpoint and explainer, and draw the maps."""
    session, batch = state.session, state.session.config.resources.batch
    if not session.orders.reaches("explain"):
        return

    def submit(work: Sequence[Work]) -> PrefectFuture[Reference]:
        slot, order = work[0]
        return explain.submit(order, slot.about, session.device, batch)

    def submit_drawing(work: Sequence[Work]) -> PrefectFuture[Reference]:
        slot, order = work[0]
        return draw.submit(order, slot.about)

    carry_out(state, slots.attribution_slots(session, good(state)), submit, at_once=ONE_MODEL)
    drawings = [slot.less(state.known) for slot in slots.heatmap_slots(session, good(state))]
    carry_out(state, drawings, submit_drawing, at_once=session.config.resources.workers)


def evaluate_maps(state: Progressing) -> None:
    """Measure every map with every metric; what one checkpoint lacks is measured in one go."""
    session, batch = state.session, state.session.config.resources.batch
    if not session.orders.reaches("evaluate"):
        return

    def submit_prediction(work: Sequence[Work]) -> PrefectFuture[Reference]:
        return predict.submit(work[0][1], session.device, batch)

    def submit(work: Sequence[Work]) -> PrefectFuture[tuple[Reference, ...]]:
        orders = [order for _, order in work]
        wanted = [slot.about for slot, _ in work]
        return evaluate.submit(orders, wanted, session.device, batch)

    rows = good(state)
    carry_out(state, slots.prediction_slots(session, rows), submit_prediction, at_once=ONE_MODEL)
    reports = slots.report_slots(session, rows)
    carry_out(state, reports, submit, at_once=ONE_MODEL, together=lambda slot: slot.needs["checkpoint"])


def compare_arms(state: Progressing) -> None:
    """Set the arms side by side."""
    session = state.session
    if not session.orders.reaches("compare"):
        return

    def submit(work: Sequence[Work]) -> PrefectFuture[Reference]:
        return compare.submit(work[0][1], session.config.compare, work[0][0].recipe)

    place = slots.comparison_slot(session, good(state), state.failed)
    carry_out(state, [place.less(state.known)], submit)


def record_study(state: Progressing) -> None:
    """Put the study into MLflow."""
    session = state.session
    if not session.orders.reaches("record"):
        return

    def submit(work: Sequence[Work]) -> PrefectFuture[Reference]:
        return record.submit(work[0][1], session, failed_slides(state))

    carry_out(state, [slots.record_slot(session, good(state)).less(state.known)], submit)


def good(state: Progressing) -> list[SlideRow]:
    """Return the slides that were tiled."""
    return [row for row in state.session.manifest.slides if f"tile/{row.slide_id}" in state.known]
