"""What other studies of a home measured, as far as their records say how much work it was."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from flows.engine.stages import all_stages
from flows.estimate.rates import MeasuredCost
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import Reference
from tasks.artifacts.store import MissingArtifactError, Store

MOST_RECORDS = 100
"""So many records of a kind are read; a home may hold many thousands."""


def measured_elsewhere(store: Store, stages: Iterable[str]) -> Iterator[MeasuredCost]:
    """Yield what artifacts of ``stages`` cost in this home, whichever study they belong to.

    Records from before the present stages, and those that do not say how many tiles they are about, are left
    out.
    """
    wanted = set(stages)
    kinds = {stage.makes.kind() for stage in all_stages() if stage.name in wanted}
    for kind in sorted(kinds):
        for record in islice(store.records(kind), MOST_RECORDS):
            work = _work(store, record)
            if work and record.spec.stage in wanted:
                yield MeasuredCost(_key(record), record.measures.get("seconds", 0.0), work, 0)


def _work(store: Store, record: ArtifactRecord) -> float:
    """Return the pixels that an artifact is about, times its epochs; 0 where its record does not say."""
    if record.spec.kind == "TileSet":
        return _pixels(record)
    inputs = [_record(store, value) for value in record.spec.inputs.values() if isinstance(value, Reference)]
    maps = [each for each in inputs if each is not None and each.spec.kind == "Attributions"]
    tiles = [each for each in inputs if each is not None and each.spec.kind == "TileSet"]
    if not tiles:
        return 0.0
    whole = sum(map(_pixels, tiles))
    of_all = sum(each.measures.get("tiles", 0.0) for each in tiles)
    about = record.measures.get("tiles") or sum(each.measures.get("tiles", 0.0) for each in maps) or of_all
    pixels = whole * about / of_all if of_all else 0.0
    return pixels * record.measures.get("epochs", 1.0)


def _pixels(tile_set: ArtifactRecord) -> float:
    tiling: Mapping[str, Any] = tile_set.spec.recipe.get("tiling") or {}
    return float(tile_set.measures.get("tiles", 0.0)) * float(tiling.get("tile_px", 0)) ** 2


def _record(store: Store, reference: Reference) -> ArtifactRecord | None:
    try:
        return store.record(reference)
    except MissingArtifactError:
        return None


def _key(record: ArtifactRecord) -> ArtifactKey:
    recipe = record.spec.recipe
    return ArtifactKey(
        record.spec.stage, explainer=_name(recipe.get("explainer")), metric=_name(recipe.get("metric"))
    )


def _name(method: Any) -> str | None:
    """Return the name of a method in a recipe, which holds it alone or with its settings."""
    if isinstance(method, Mapping):
        method = method.get("id") or method.get("name")
    return None if method is None else str(method)
