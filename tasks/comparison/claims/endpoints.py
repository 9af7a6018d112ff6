"""Names of endpoints, and whether a study has them.

``<explainer>/<metric>.<score>`` for maps, ``performance/<level>.<score>`` for prediction,
``model/<metric>.<score>`` for the network itself.
"""

import difflib
from collections.abc import Iterable, Mapping

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.row import PERFORMANCE

LEVELS = ("tile", "slide")
DIRECTIONS = {"accuracy": "higher", "balanced_accuracy": "higher", "auroc": "higher", "ece": "lower"}
"""The scores of prediction, and which direction is better."""

PATTERN = r"^[\w-]+/[\w-]+\.[\w-]+$"

ScoreNames = Mapping[str, Mapping[str, Iterable[str]]]
"""{explainer id, ``performance`` or ``model``: {metric id or level: names of its scores}}."""


def endpoint_names(endpoint: str) -> tuple[str, str, str]:
    """Return (explainer, metric, score)."""
    explainer, _, rest = endpoint.partition("/")
    metric, _, score = rest.partition(".")
    return explainer, metric, score


def performance_endpoints() -> dict[str, Iterable[str]]:
    """Return {level: names of its scores} of prediction."""
    return {level: tuple(DIRECTIONS) for level in LEVELS}


def refuse_unknown(where: str, endpoint: str, known: ScoreNames) -> None:
    """Check that the study has ``endpoint``. The error message begins with ``where``.

    Raises:
        ValueError: the endpoint is unknown. The message names the wrong part, the nearest name and all names.
    """
    explainer, metric, score = endpoint_names(endpoint)
    said = f"{where} {endpoint!r}"
    refuse_stranger(f"{said}: no explainer", explainer, known)
    refuse_stranger(f"{said}: no {_metric_word(explainer)}", metric, known[explainer])
    refuse_stranger(f"{said}: no score of {metric!r}", score, known[explainer][metric])


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
