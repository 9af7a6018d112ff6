"""Turn a refused study file into one sentence per problem, each with the nearest known key."""

import difflib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from tasks.plugins import Plugin, plugin_class

RENAMED: Mapping[str, str] = {"compare.top_share": "predict.aggregator.share"}
"""Keys of the study file that have another name now; positions in lists are left out of both names."""

_NOT_DRAWN = "intervals come from variance components and are no longer drawn, so it can go"
REMOVED: Mapping[str, str] = {"compare.draws": _NOT_DRAWN, "compare.seed": _NOT_DRAWN}
"""Keys of the study file that are gone, with the reason."""

SYNONYMS: Mapping[str, str] = dict.fromkeys(("samples", "n_samples", "nt_samples", "repeats"), "draws")
"""Words of other libraries for keys of ours; they are alike in meaning, not in letters."""
_ALIKE = 0.6


def sentences(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """Return one sentence for each problem of ``data`` that pydantic found, ``data`` being a ``model``."""
    items = error.errors()
    refused = {item["loc"][:end] for item in items for end in range(len(item["loc"]))}
    # Pydantic counts what it refused as absent, and then complains of too few as well.
    told = [item for item in items if item["type"] != "too_short" or item["loc"] not in refused]
    return [_sentence(dict(item), data, model) for item in told if not _follows(item, told, data)]


def _follows(item: Mapping[str, Any], told: Sequence[Mapping[str, Any]], data: Any) -> bool:
    """Say whether a problem is of a default that was made from what another problem is about."""
    found = data
    for step in item["loc"][:-1]:
        found = _at(found, step)
    earlier = told[: told.index(item)]
    return found is None and any(other["msg"] == item["msg"] for other in earlier)


def _sentence(item: Mapping[str, Any], data: Mapping[str, Any], model: type[BaseModel]) -> str:
    loc, kind, message = item["loc"], item["type"], item["msg"]
    where = ".".join(str(step) for step in loc)
    if kind == "extra_forbidden":
        name = ".".join(step for step in loc if isinstance(step, str))
        if name in RENAMED:
            return f"{where} is called {RENAMED[name]} now"
        if name in REMOVED:
            return f"{where} has gone: {REMOVED[name]}"
        known = _known_keys(loc[:-1], data, model)
        meant = SYNONYMS.get(str(loc[-1]))
        near = [meant] if meant in known else _near(str(loc[-1]), known)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known keys are: {', '.join(known)}"
        return f"unknown key {where!r}{hint}"
    if kind == "missing":
        return f"{where!r} is missing"
    message = message.removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}" if where else message


def _near(word: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(word, known, n=1, cutoff=_ALIKE)


def _known_keys(loc: Sequence[int | str], data: Any, model: Any) -> list[str]:
    """Return the keys allowed at ``loc``, walking models and raw data together."""
    for step in loc:
        if isinstance(step, str) and isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(step)
            model = field.annotation if field else None
        else:
            model = next(iter(get_args(model)), None)
        data = _at(data, step)
        model = _plain(model, data)
    return sorted(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _at(data: Any, step: int | str) -> Any:
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None


def _plain(model: Any, data: Any) -> Any:
    """Strip unions and annotations, and turn a plug-in's base into the class that ``data`` names."""
    if get_origin(model) in (Union, UnionType):
        model = next((a for a in get_args(model) if a is not type(None)), None)
    while hasattr(model, "__metadata__"):
        model = get_args(model)[0]
    is_plugin = isinstance(model, type) and issubclass(model, Plugin)
    if is_plugin and isinstance(data, Mapping) and isinstance(data.get("name"), str):
        return plugin_class(model.package, data["name"])
    return model
