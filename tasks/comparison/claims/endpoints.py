"""Names of endpoints, and whether a study will have them.

``<explainer>/<metric>.<score>`` of maps, ``performance/<level>.<score>`` of prediction,
``model/<metric>.<score>`` of the network itself.
"""

import difflib
from collections.abc import Iterable, Mapping

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.row import PERFORMANCE

LEVELS = ("tile", "slide")
DIRECTIONS = {"accuracy": "higher", "balanced_accuracy": "higher", "auroc": "higher", "ece": "lower"}
"""The figures of prediction, and which way is better."""

PATTERN = r"^[\w-]+/[\w-]+\.[\w-]+$"

Known = Mapping[str, Mapping[str, Iterable[str]]]
"""{explainer id, ``performance`` or ``model``: {metric id or level: names of its scores}}."""


def parts_of(endpoint: str) -> tuple[str, str, str]:
    """Return (explainer, metric, score)."""
    explainer, _, rest = endpoint.partition("/")
    metric, _, score = rest.partition(".")
    return explainer, metric, score


def performance_endpoints() -> dict[str, Iterable[str]]:
    """Return the scores of each level."""
    return {level: tuple(DIRECTIONS) for level in LEVELS}


def refuse_unknown(where: str, endpoint: str, known: Known) -> None:
    """Assert that the study will have ``endpoint``; ``where`` begins the sentence.

    Raises:
        ValueError: naming the part that is unknown, the nearest known name and all that there are.
    """
    explainer, metric, score = parts_of(endpoint)
    said = f"{where} {endpoint!r}"
    refuse_stranger(f"{said}: no explainer", explainer, known)
    refuse_stranger(f"{said}: no {_metric_word(explainer)}", metric, known[explainer])
    refuse_stranger(f"{said}: no score of {metric!r}", score, known[explainer][metric])


def refuse_stranger(said: str, name: str, known: Iterable[str]) -> None:
    """Assert that ``name`` is among ``known``.

    Raises:
        ValueError: ``said``, the name, the nearest known one and all that there are.
    """
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        there = f"there are: {', '.join(names)}" if names else "there are none"
        raise ValueError(f"{said} is called {name!r}{hint}; {there}")


def _metric_word(explainer: str) -> str:
    return {PERFORMANCE: "level", MODEL: "model metric"}.get(explainer, "metric")
