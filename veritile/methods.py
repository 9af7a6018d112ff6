"""Methods by name: explainers, metrics, model metrics, regularizers, exemplars and aggregators.

The name is that of a study file, and so are the settings. They are checked by the method's own model, which
is why they are passed as keywords.
"""

from typing import Any, TypeVar

from pydantic import ValidationError

from flows.config_errors import sentences
from tasks.aggregators.base import Aggregator
from tasks.exemplars.base import Exemplars
from tasks.explainers.base import Explainer
from tasks.faithfulness.base import Metric
from tasks.model_metrics.base import ModelMetric
from tasks.plugins import Plugin, plugin_class
from tasks.regularizers.base import Regularizer

P = TypeVar("P", bound=Plugin)


def explainer(name: str, **settings: Any) -> Explainer:
    """Return an explainer or a control.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> from veritile import explainer
        >>> explainer("smoothgrad", samples=8).samples
        8
        >>> explainer("smoothgrad", sampels=8)
        Traceback (most recent call last):
        ValueError: smoothgrad: unknown key 'sampels'; did you mean 'samples'?
    """
    return _made(Explainer, name, settings)


def metric(name: str, **settings: Any) -> Metric:
    """Return a faithfulness metric. Give an ``id`` to use one metric twice.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> from veritile import metric
        >>> blurred = metric("deletion", id="blurred", fill="blur")
        >>> blurred.name, blurred.id, blurred.steps
        ('deletion', 'blurred', 16)
    """
    return _made(Metric, name, settings)


def model_metric(name: str, **settings: Any) -> ModelMetric:
    """Return a metric that scores a network without an explainer.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> from veritile import model_metric
        >>> model_metric("gradient_scale").name
        'gradient_scale'
    """
    return _made(ModelMetric, name, settings)


def regularizer(name: str, **settings: Any) -> Regularizer:
    """Return a method that changes training.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> from veritile import regularizer
        >>> regularizer("input_gradient", weight=0.5).weight
        0.5
    """
    return _made(Regularizer, name, settings)


def exemplars(name: str, **settings: Any) -> Exemplars:
    """Return a method whose explanations are tiles or pictures instead of maps.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> from veritile import exemplars
        >>> exemplars("nearest_tiles").name
        'nearest_tiles'
    """
    return _made(Exemplars, name, settings)


def aggregator(name: str, **settings: Any) -> Aggregator:
    """Return a rule that turns the predictions of the tiles of a slide into one score.

    Raises:
        ValueError: an unknown name or setting; the sentence names the nearest one.

    Example:
        >>> import numpy as np
        >>> from veritile import aggregator
        >>> round(aggregator("top_share", share=0.2).score(np.arange(10) / 10), 3)
        0.85
    """
    return _made(Aggregator, name, settings)


def _made(base: type[P], name: str, settings: dict[str, Any]) -> P:
    kind = plugin_class(base.package, name)
    try:
        made = kind.model_validate({"name": name, **settings})
    except ValidationError as error:
        listed = "; ".join(sentences(error, settings, kind))
        raise ValueError(f"{name}: {listed}") from None
    if not isinstance(made, base):
        raise TypeError(f"{kind.__module__} defines no {base.__name__}")
    return made
