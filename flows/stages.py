"""The six stages, each a few lines: its places and its verb.

Only slides are cut side by side, by threads that the flow hands them to. Everything else is made one by one,
in the flow's own thread: a model uses all cores or the whole device, Matplotlib's text machinery is not safe
in threads, and every further thread that calls torch keeps OpenMP threads of its own; where these are more
than the cores, the library puts them to sleep at every turn (docs/benchmarks.md, "Threads and memory").
"""

from collections.abc import Callable, Sequence
from typing import Any

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from flows import closing_slots, drawing_slots, explain_slots, slots
from flows.carry_out import Progressing, Work, carry_out
from flows.config import Stage
from flows.evaluate_slots import model_slots, report_slots
from flows.frames import comparison_frame, record_frame, review_frame, slides_by_split
from flows.outcome import refuse_too_many, refuse_untiled
from flows.readings import note_readings, refuse_leaks
from flows.session import Session
from flows.slot import Slot
from tasks.compare import compare
from tasks.draw import draw, review, scale
from tasks.evaluate import evaluate, measure
from tasks.explain import explain, predict, search_sigma, show
from tasks.explaining.slide import AttributionSettings
from tasks.model_metrics.base import MeasureSettings
from tasks.record import record
from tasks.slides.manifest import SlideRow
from tasks.tile import tile
from tasks.train import train


def tile_slides(session: Session) -> Progressing:
    """Cut every slide into tiles; slides run side by side."""
    state, config = Progressing(session), session.config

    def submit(work: Sequence[Work]) -> PrefectFuture[Any]:
        slot, order = work[0]
        return tile.submit(order, slot.about, session.data_root, config.tile)

    carry_out(state, slots.tile_slots(session), submit, at_once=config.resources.workers)
    refuse_untiled(state)
    refuse_too_many(state)
    return state


def train_arms(state: Progressing) -> None:
    """Train every arm with every seed."""
    session, config = state.session, state.session.config

    def make(work: Sequence[Work]) -> State[Any]:
        slot, order = work[0]
        shared, recipe = frozenset(config.shared_patients), config.train.recipe
        return train(order, slot.about, recipe, session.device, shared, config.processes, return_state=True)

    refuse_leaks(session)
    if session.orders.reaches("train"):
        carry_out(state, slots.train_slots(session, tiled(state)), make)


def explain_slides(state: Progressing) -> None:
    """Predict and explain every slide with every checkpoint, then draw the maps of all arms together."""
    refuse_leaks(state.session)
    if state.session.orders.reaches("explain"):
        _predict(state)
        _calibrate(state)
        _attribute(state)
        _draw(state)
        _show(state)


def _predict(state: Progressing) -> None:
    session = state.session

    def make(work: Sequence[Work]) -> State[Any]:
        return predict(work[0][1], session.device, session.config.resources.batch, return_state=True)

    places = explain_slots.prediction_slots(session, tiled(state))
    carry_out(state, places, make, on_start=_noting(state, "explain"))


def _calibrate(state: Progressing) -> None:
    session = state.session

    def make(work: Sequence[Work]) -> State[Any]:
        slot, order = work[0]
        return search_sigma(
            order, slot.about, session.device, session.config.resources.batch, return_state=True
        )

    carry_out(state, explain_slots.calibration_slots(session, tiled(state)), make)


def _attribute(state: Progressing) -> None:
    session = state.session
    settings = AttributionSettings(
        target=slots.target_of(session),
        batch=session.config.resources.batch,
        device=session.device,
        tiles_per_slide=session.config.explain.tiles_per_slide,
    )

    def make(work: Sequence[Work]) -> State[Any]:
        slot, order = work[0]
        return explain(order, slot.about, settings, return_state=True)

    carry_out(state, explain_slots.attribution_slots(session, tiled(state)), make)


def _draw(state: Progressing) -> None:
    session, config = state.session, state.session.config
    target, top = slots.target_of(session), config.compare.top_share

    def make(work: Sequence[Work]) -> State[Any]:
        slot, order = work[0]
        return draw(
            order, slot.about, config.tile.classes, target, config.explain.heatmaps, top, return_state=True
        )

    def make_scale(work: Sequence[Work]) -> State[Any]:
        return scale(work[0][1], config.explain.heatmaps.scale, return_state=True)

    for places, make_each in (
        (drawing_slots.scale_slots(session, tiled(state)), make_scale),
        (drawing_slots.heatmap_slots(session, tiled(state)), make),
    ):
        carry_out(state, _with_maps(state, places), make_each)


def _with_maps(state: Progressing, places: Sequence[Slot]) -> list[Slot]:
    """Return the places of which any map could be made, each with what could be had."""
    known = [slot.less(state.known) for slot in places]
    return [slot for slot in known if any(name.startswith("maps/") for name in slot.needs)]


def _show(state: Progressing) -> None:
    session, target = state.session, slots.target_of(state.session)

    def make(work: Sequence[Work]) -> State[Any]:
        slot, order = work[0]
        return show(
            order, slot.about, target, session.device, session.config.resources.batch, return_state=True
        )

    carry_out(state, explain_slots.exemplar_slots(session, tiled(state)), make)


def evaluate_maps(state: Progressing) -> None:
    """Measure every map with every metric, then the models themselves."""
    refuse_leaks(state.session)
    if state.session.orders.reaches("evaluate"):
        _score_maps(state)
        _measure_models(state)


def _score_maps(state: Progressing) -> None:
    """What one checkpoint lacks is scored in one go."""
    session, target = state.session, slots.target_of(state.session)

    def make(work: Sequence[Work]) -> State[Any]:
        orders, wanted = [order for _, order in work], [slot.about for slot, _ in work]
        place = work[0][0].label.rpartition("/")[0]
        batch = session.config.resources.batch
        return evaluate(place, orders, wanted, target, session.device, batch, return_state=True)

    reports, note = report_slots(session, tiled(state)), _noting(state, "evaluate")
    carry_out(state, reports, make, together=_checkpoint_of, on_start=note)


def _measure_models(state: Progressing) -> None:
    session = state.session
    settings = MeasureSettings(
        target=slots.target_of(session),
        seed=session.config.evaluate.seed,
        batch=session.config.resources.batch,
        device=session.device,
    )

    def make(work: Sequence[Work]) -> State[Any]:
        return measure(work[0][1], work[0][0].about, settings, return_state=True)

    places, note = model_slots(session, tiled(state)), _noting(state, "evaluate")
    carry_out(state, places, make, on_start=note)


def compare_arms(state: Progressing) -> None:
    """Set the arms side by side, and make the page on which every map can be looked at."""
    session = state.session
    # Who holds an explainer sees the network that it explains.
    controls = {control.id: control.held is None for control in session.config.explain.controls}

    def make(work: Sequence[Work]) -> State[Any]:
        return compare(work[0][1], comparison_frame(state), controls, return_state=True)

    if session.orders.reaches("compare"):
        place = closing_slots.comparison_slot(session, tiled(state), state.failed)
        carry_out(state, [place.less(state.known)], make, on_start=_noting(state, "compare"))
        _review(state)


def _review(state: Progressing) -> None:
    session = state.session

    def make(work: Sequence[Work]) -> State[Any]:
        return review(work[0][1], review_frame(state), return_state=True)

    place = drawing_slots.review_slot(session, tiled(state), state.failed)
    carry_out(state, [place.less(state.known)], make)


def record_study(state: Progressing) -> None:
    """Put the study into MLflow."""
    session = state.session
    controls = frozenset(control.id for control in session.config.explain.controls)

    def make(work: Sequence[Work]) -> State[Any]:
        shown = slides_by_split(session, tiled(state))
        return record(work[0][1], record_frame(state), controls, shown, return_state=True)

    if session.orders.reaches("record"):
        carry_out(state, [closing_slots.record_slot(session, tiled(state)).less(state.known)], make)


def _checkpoint_of(slot: Slot) -> str:
    return slot.needs["checkpoint"]


def _noting(state: Progressing, stage: Stage) -> Callable[[Sequence[Slot]], None]:
    return lambda made: note_readings(state.session, stage, tiled(state), made)


def tiled(state: Progressing) -> list[SlideRow]:
    """Return the slides that were tiled."""
    return [row for row in state.session.slides if f"tile/{row.slide_id}" in state.known]
