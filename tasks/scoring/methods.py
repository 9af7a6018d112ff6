"""The requested metrics and explainers, and which metrics lack an input."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from tasks.artifacts.faithfulness_report import MODEL
from tasks.explainers.base import AnyExplainer, Explainer
from tasks.faithfulness.base import AnyMetric, Metric
from tasks.samples.axes import MapKind
from tasks.scoring.errors import ScoringError

Named = str | Mapping[str, Any]
"""A plug-in by its name, or as the mapping that stands in a study file."""

Kinds = MapKind | Mapping[str, MapKind]
"""What maps say: of all explainers, or by the name of each."""

NOT_AVAILABLE = "not available: needs"


def metrics_asked(metrics: Sequence[Metric | Named]) -> tuple[Metric, ...]:
    """Return the metrics, each with its own id.

    Raises:
        ScoringError: no metric, an unknown name or setting, or a duplicate id.
    """
    adapter: TypeAdapter[Metric] = TypeAdapter(AnyMetric)
    found = tuple(_made(adapter, "metric", metric) for metric in metrics)
    if not found:
        raise ScoringError("no metric was asked for")
    _refuse_repeats("metric ids", (metric.id for metric in found))
    return found


def explainers_asked(explainers: Mapping[str, Explainer | Named]) -> dict[str, Explainer]:
    """Return the explainers by the names that the caller gave them.

    Raises:
        ScoringError: an unknown name or setting, a name that cannot be one of a folder, or a noise whose
            sigma waits for a calibration.
    """
    adapter: TypeAdapter[Explainer] = TypeAdapter(AnyExplainer)
    found = {}
    for name, explainer in explainers.items():
        made = _made(adapter, "explainer", explainer)
        waiting = made.uncalibrated
        if waiting is not None:
            raise ScoringError(
                f"explainer {name!r} waits for the calibration of {waiting.name!r}; give it a number as sigma"
            )
        # The name becomes the id, which folders and rows use.
        found[checked_name(name)] = made.model_copy(update={"id": name})
    return found


def controls_asked(controls: Sequence[Explainer | Named], taken: Collection[str]) -> dict[str, Explainer]:
    """Return the control maps by their ids.

    Raises:
        ScoringError: one is not a control, is named twice, or has a name that is ``taken``.
    """
    adapter: TypeAdapter[Explainer] = TypeAdapter(AnyExplainer)
    made = [_made(adapter, "control", control) for control in controls]
    strangers = [control.id for control in made if not control.control]
    if strangers:
        raise ScoringError(f"{strangers[0]} is no control map; give it as an explainer")
    _refuse_repeats("names of explainers and controls", (*taken, *(control.id for control in made)))
    return explainers_asked({control.id: control for control in made})


def checked_name(name: str) -> str:
    """Return ``name`` if it may name a folder.

    Raises:
        ScoringError: it may not, or stands for a network without an explainer.
    """
    if not name.replace("_", "").replace("-", "").isalnum() or name == MODEL:
        raise ScoringError(
            f"an explainer is called {name!r}; its name may hold letters, digits, '_' and '-' only, and may "
            f"not be {MODEL!r}"
        )
    return name


def checked_kinds(kinds: Kinds | None, maps: Collection[str]) -> dict[str, MapKind]:
    """Return the stated kind of each explainer whose maps were brought.

    Raises:
        ScoringError: a kind is none, or of maps that were not brought.
    """
    if kinds is None:
        return {}
    if isinstance(kinds, str):
        return checked_kinds(dict.fromkeys(maps, kinds), maps)
    for name, kind in kinds.items():
        if kind not in get_args(MapKind):
            raise ScoringError(f"the kind of {name!r} is {kind!r}; allowed: {', '.join(get_args(MapKind))}")
        if name not in maps:
            raise ScoringError(f"a kind is stated for {name!r}, but no attributions of that name were given")
    return dict(kinds)


def lacking(metric: Metric, masks: Collection[str], callable_explainers: bool) -> str | None:
    """Return why ``metric`` is not available, or None if it is."""
    if "pixel" not in metric.supports:
        return f"{NOT_AVAILABLE} bags of tiles"
    if metric.scores_sections or "dataset" in metric.needs:
        return f"{NOT_AVAILABLE} slides"
    if "attribution" in metric.needs and not callable_explainers:
        return f"{NOT_AVAILABLE} an explainer"
    for mask in metric.masks if "mask" in metric.needs else ():
        if mask not in masks:
            return f"{NOT_AVAILABLE} the mask {mask!r}"
    return None


def _made(adapter: TypeAdapter[Any], what: str, item: Any) -> Any:
    try:
        return adapter.validate_python(item)
    except ValidationError as error:
        raise ScoringError("; ".join(_sentence(what, item, problem) for problem in error.errors())) from None


def _sentence(what: str, item: Any, problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    where = ".".join(str(step) for step in problem["loc"])
    name = item.get("name") if isinstance(item, Mapping) else item
    about = f"{what} {name!r}" + (f", {where}" if where else "")
    return f"{about}: {message[:1].lower()}{message[1:]}"


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ScoringError(f"{what} must be unique, but {repeated[0]!r} is listed more than once")
