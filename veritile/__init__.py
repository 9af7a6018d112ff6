"""The public names of Veritile: ``from veritile import ...``.

Importing this package is quick. Torch, Prefect and MLflow are imported when a name that needs them is used
for the first time, with their telemetry switched off. These names are stable, while the modules behind them
may move. `docs/library.md` shows them at work.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flows.environment import stop_telemetry

if TYPE_CHECKING:
    from flows.config import StudyConfig
    from flows.engine.outcome import Outcome
    from flows.engine.rerun import Selection
    from tasks.aggregators.base import Aggregator
    from tasks.artifacts.attributions import Attributions
    from tasks.artifacts.checkpoint import Checkpoint
    from tasks.artifacts.comparison import Comparison
    from tasks.artifacts.faithfulness_report import FaithfulnessReport
    from tasks.artifacts.key import ArtifactKey, ModelKey
    from tasks.artifacts.predictions import Predictions
    from tasks.artifacts.tile_set import TileSet
    from tasks.evaluation.agreement import agreement_of_maps
    from tasks.exemplars.base import Exemplars
    from tasks.explainers.base import Explainer
    from tasks.faithfulness.base import Metric
    from tasks.model_metrics.base import ModelMetric
    from tasks.phantoms.generate import generate_cohort
    from tasks.phantoms.recipe import PhantomRecipe
    from tasks.regularizers.base import Regularizer
    from tasks.scoring.bags.evaluate import evaluate_bags
    from tasks.scoring.errors import NetworkWarning, ScoringError
    from tasks.scoring.evaluate import evaluate
    from tasks.scoring.table import FaithfulnessTable
    from tasks.slides.errors import SlideError
    from tasks.slides.qupath_objects import QuPathObject, read_qupath_objects, write_qupath_objects
    from tasks.slides.reader import SlideReader
    from tasks.tiling.positions import export_coordinates
    from veritile.families import available
    from veritile.methods import aggregator, exemplars, explainer, metric, model_metric, regularizer
    from veritile.results import Results, open_results
    from veritile.slides import open_slide, read_region
    from veritile.studies import load_study, run_study

__all__ = [  # noqa: RUF022  # grouped by use, in the order of docs/library.md
    "evaluate", "evaluate_bags", "agreement_of_maps", "FaithfulnessTable", "ScoringError", "NetworkWarning",
    "available", "explainer", "metric", "model_metric", "regularizer", "exemplars", "aggregator",
    "Explainer", "Metric", "ModelMetric", "Regularizer", "Exemplars", "Aggregator",
    "open_slide", "read_region", "SlideReader", "SlideError", "export_coordinates",
    "QuPathObject", "read_qupath_objects", "write_qupath_objects",
    "PhantomRecipe", "generate_cohort",
    "load_study", "run_study", "StudyConfig", "Selection", "Outcome",
    "open_results", "Results", "ArtifactKey", "ModelKey",
    "TileSet", "Checkpoint", "Predictions", "Attributions", "FaithfulnessReport", "Comparison",
]  # fmt: skip

_MODULES = {
    "evaluate": "tasks.scoring.evaluate",
    "evaluate_bags": "tasks.scoring.bags.evaluate",
    "agreement_of_maps": "tasks.evaluation.agreement",
    "FaithfulnessTable": "tasks.scoring.table",
    "ScoringError": "tasks.scoring.errors",
    "NetworkWarning": "tasks.scoring.errors",
    "available": "veritile.families",
    "explainer": "veritile.methods",
    "metric": "veritile.methods",
    "model_metric": "veritile.methods",
    "regularizer": "veritile.methods",
    "exemplars": "veritile.methods",
    "aggregator": "veritile.methods",
    "Explainer": "tasks.explainers.base",
    "Metric": "tasks.faithfulness.base",
    "ModelMetric": "tasks.model_metrics.base",
    "Regularizer": "tasks.regularizers.base",
    "Exemplars": "tasks.exemplars.base",
    "Aggregator": "tasks.aggregators.base",
    "open_slide": "veritile.slides",
    "read_region": "veritile.slides",
    "SlideReader": "tasks.slides.reader",
    "SlideError": "tasks.slides.errors",
    "QuPathObject": "tasks.slides.qupath_objects",
    "read_qupath_objects": "tasks.slides.qupath_objects",
    "write_qupath_objects": "tasks.slides.qupath_objects",
    "PhantomRecipe": "tasks.phantoms.recipe",
    "export_coordinates": "tasks.tiling.positions",
    "generate_cohort": "tasks.phantoms.generate",
    "load_study": "veritile.studies",
    "run_study": "veritile.studies",
    "StudyConfig": "flows.config",
    "Selection": "flows.engine.rerun",
    "Outcome": "flows.engine.outcome",
    "open_results": "veritile.results",
    "Results": "veritile.results",
    "ArtifactKey": "tasks.artifacts.key",
    "ModelKey": "tasks.artifacts.key",
    "TileSet": "tasks.artifacts.tile_set",
    "Checkpoint": "tasks.artifacts.checkpoint",
    "Predictions": "tasks.artifacts.predictions",
    "Attributions": "tasks.artifacts.attributions",
    "FaithfulnessReport": "tasks.artifacts.faithfulness_report",
    "Comparison": "tasks.artifacts.comparison",
}
"""The module that defines each public name. A name is imported when it is first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    stop_telemetry()
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
