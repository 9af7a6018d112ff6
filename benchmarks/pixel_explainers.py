"""The explainers that benchmarks of tile classifiers measure."""

from tasks.explainers.base import Explainer
from tasks.plugins import available, plugin_class


def pixel_explainers() -> tuple[str, ...]:
    """Return the names of all explainers that accept pixels."""
    names = available(Explainer.package)
    return tuple(name for name in names if "pixels" in _kind(name).accepts)


def _kind(name: str) -> type[Explainer]:
    kind = plugin_class(Explainer.package, name)
    assert issubclass(kind, Explainer)
    return kind
