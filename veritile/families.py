"""The families of methods and their names. Nothing heavy is imported."""

from typing import Literal, get_args

from tasks import plugins

Family = Literal["explainers", "metrics", "model_metrics", "regularizers", "exemplars", "aggregators"]

_FOLDERS = {"metrics": "tasks.faithfulness"}


def available(family: Family) -> tuple[str, ...]:
    """Return the names of all methods of a family, sorted. Controls are among the explainers.

    Raises:
        ValueError: there is no such family.

    Example:
        >>> from veritile import available
        >>> "smoothgrad" in available("explainers"), "deletion" in available("metrics")
        (True, True)
    """
    if family not in get_args(Family):
        raise ValueError(f"no family {family!r}; the families are {', '.join(get_args(Family))}")
    return plugins.available(_FOLDERS.get(family, f"tasks.{family}"))
