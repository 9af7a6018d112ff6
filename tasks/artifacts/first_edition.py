"""Artifacts that were stored before the house was rebuilt: two kinds bear another name today."""

from tasks.artifacts.spec import ArtifactSpec, Input, Reference

KINDS = {"Attributions": "AttributionSet", "Predictions": "PredictionSet"}
"""Today's name of a kind, and the one of before."""

_TODAY = {old: new for new, old in KINDS.items()}


def as_today(spec: ArtifactSpec) -> ArtifactSpec:
    """Return ``spec`` with the kinds of today, so that it can be compared with what is planned."""
    return spec.model_copy(
        update={
            "kind": _TODAY.get(spec.kind, spec.kind),
            "inputs": {name: _renamed(item) for name, item in spec.inputs.items()},
        }
    )


def _renamed(item: Input) -> Input:
    if isinstance(item, Reference) and item.kind in _TODAY:
        return item.model_copy(update={"kind": _TODAY[item.kind]})
    return item
