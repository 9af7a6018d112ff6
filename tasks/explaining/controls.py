"""The controls that an explanation is compared with where a study names none itself."""

from tasks.explainers.base import Explainer
from tasks.plugins import available, plugin_class
from tasks.samples.axes import Input


def all_controls(first_explainer: object, given: Input = "pixels") -> list[dict[str, object]]:
    """Return every control plug-in as a study file would list it, in the order of ``default_position``.

    A new control joins by being a file in ``tasks/explainers``.

    Args:
        first_explainer: an explainer as a study file writes it. Controls with a field ``base`` hold it.
        given: what the models of the study take; a control must accept it.
    """
    controls = sorted(_control_classes(given).items(), key=lambda item: (item[1].default_position, item[0]))
    return [
        {"name": name, "base": first_explainer} if "base" in cls.model_fields else {"name": name}
        for name, cls in controls
    ]


def _control_classes(given: Input) -> dict[str, type[Explainer]]:
    found = {name: plugin_class(Explainer.package, name) for name in available(Explainer.package)}
    return {
        name: cls
        for name, cls in found.items()
        if issubclass(cls, Explainer) and cls.control and given in cls.accepts
    }
