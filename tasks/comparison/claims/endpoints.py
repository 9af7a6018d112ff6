"""Names of endpoints, and whether a study has them.

``<explainer>/<metric>.<score>`` for maps, ``performance/<level>.<score>`` for prediction,
``model/<metric>.<score>`` for the network itself. A score of removal may be followed by `` on <class>``, the
tiles with that label alone, and by `` over <control>``, minus the score of that control on the same network.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.row import PERFORMANCE

LEVELS = ("tile", "slide")
DIRECTIONS = {"accuracy": "higher", "balanced_accuracy": "higher", "auroc": "higher", "ece": "lower"}
"""The scores of prediction, and which direction is better."""

PATTERN = r"^[\w-]+/[\w-]+\.[\w-]+( on [\w-]+)?( over [\w-]+)?$"
_ON, _OVER = " on ", " over "


@dataclass(frozen=True)
class EndpointScores:
    """The scores of a metric, and what may follow their names.

    Attributes:
        names: all scores.
        removed: those that say what removal does to the output; arms are compared in them over a control.
        labels: the classes of the scored tiles, where there are several.
        controls: the controls of the study that see no network.
    """

    names: tuple[str, ...]
    removed: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


ScoreNames = Mapping[str, Mapping[str, EndpointScores]]
"""{explainer id, ``performance`` or ``model``: {metric id or level: its scores}}."""


def endpoint_names(endpoint: str) -> tuple[str, str, str]:
    """Return (explainer, metric, score)."""
    explainer, _, rest = endpoint.partition("/")
    metric, _, score = rest.partition(".")
    return explainer, metric, score


def performance_endpoints() -> dict[str, EndpointScores]:
    """Return {level: its scores} of prediction."""
    return {level: EndpointScores(tuple(DIRECTIONS)) for level in LEVELS}


def refuse_unknown(where: str, endpoint: str, known: ScoreNames) -> None:
    """Check that the study has ``endpoint``. The error message begins with ``where``.

    Raises:
        ValueError: the endpoint is unknown. The message names the wrong part, the nearest name and all names.
    """
    explainer, metric, score = endpoint_names(endpoint)
    said = f"{where} {endpoint!r}"
    refuse_stranger(f"{said}: no explainer", explainer, known)
    refuse_stranger(f"{said}: no {_metric_word(explainer)}", metric, known[explainer])
    found = known[explainer][metric]
    whole, _, control = score.partition(_OVER)
    plain, _, label = whole.partition(_ON)
    refuse_stranger(f"{said}: no score of {metric!r}", plain, found.names)
    if (label or control) and plain not in found.removed:
        raise ValueError(f"{said}: ' on' and ' over' follow scores of removal alone; {plain!r} is none")
    if label and not found.labels:
        raise ValueError(
            f"{said}: {metric!r} scores tiles of the explained class alone; leave out {_ON + label!r} or set "
            "its labels to all"
        )
    if label:
        refuse_stranger(f"{said}: no label of the tiles that {metric!r} scores", label, found.labels)
    if control:
        refuse_stranger(f"{said}: no control without a network", control, found.controls)


def refuse_bare(where: str, endpoint: str, known: ScoreNames) -> None:
    """Check that arms are not compared in a bare score of removal. The endpoint must be known.

    Raises:
        ValueError: they are. The message names the endpoints that may be meant.
    """
    explainer, metric, score = endpoint_names(endpoint)
    found = known[explainer][metric]
    if _OVER in score or score.partition(_ON)[0] not in found.removed:
        return
    meant = " or ".join(repr(f"{endpoint}{_OVER}{control}") for control in found.controls)
    raise ValueError(
        f"{where} {endpoint!r} compares arms in what removal does, which is a property of the network as "
        f"well as of the map; subtract a control that sees no network: "
        f"{meant or 'the study has none, so add one, such as optical_density, to explain.controls'}"
    )


def refuse_stranger(said: str, name: str, known: Iterable[str]) -> None:
    """Check that ``name`` is among ``known``.

    Raises:
        ValueError: it is not. The message begins with ``said`` and gives the nearest name and all names.
    """
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        there = f"there are: {', '.join(names)}" if names else "there are none"
        raise ValueError(f"{said} is called {name!r}{hint}; {there}")


def _metric_word(explainer: str) -> str:
    return {PERFORMANCE: "level", MODEL: "model metric"}.get(explainer, "metric")
