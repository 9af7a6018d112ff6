"""What a recording reads from the store, and where it writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import field_validator

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.dose import Dose
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import Heatmaps, ReviewPage
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.study.config import Section
from tasks.study.stage import optional_on_failure, some

SCHEMES = ("http", "https", "postgresql", "sqlite")
"""The kinds of address of MLflow that were tried."""


class RecordSection(Section):
    """Where the study is recorded in MLflow."""

    experiment: str | None = None
    """The MLflow experiment; the study's name by default."""
    tracking_uri: str | None = None
    """An MLflow server (``http://...``) or a database (``postgresql://...``); by default a SQLite file under
    the home folder. It holds no password: MLflow reads those from the environment."""

    @field_validator("tracking_uri")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.password is not None:
            raise ValueError(
                "the address holds a password, which would be stored with the study; servers are given it by "
                "MLFLOW_TRACKING_PASSWORD, Postgres by PGPASSWORD or ~/.pgpass"
            )
        if parts.scheme.partition("+")[0] not in SCHEMES or not (parts.netloc or parts.scheme == "sqlite"):
            raise ValueError(f"no address of MLflow: {value!r}; it begins with {', '.join(SCHEMES)}")
        return value


@dataclass(frozen=True)
class RecordInputs:
    """Everything that MLflow shows of the study; what failed is left out.

    Slide models eat features, of which MLflow is told the encoder.
    """

    tiles: Mapping[str, TileSet] = optional_on_failure()
    features: Mapping[str, FeatureSet] | None = optional_on_failure()
    checkpoints: Mapping[ModelKey, Checkpoint] = some()
    predictions: Mapping[ModelKey, Predictions] = optional_on_failure()
    reports: Mapping[ArtifactKey, FaithfulnessReport] = optional_on_failure()
    heatmaps: Mapping[ArtifactKey, Heatmaps] = optional_on_failure()
    calibrations: Mapping[ArtifactKey, Calibration] = optional_on_failure()
    exemplars: Mapping[ArtifactKey, ExemplarSet] = optional_on_failure()
    doses: Mapping[ModelKey, Dose] = optional_on_failure()
    comparison: Comparison | None = optional_on_failure()
    review: ReviewPage | None = optional_on_failure()
