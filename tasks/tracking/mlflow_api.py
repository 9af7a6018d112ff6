"""Everything we use of MLflow, imported after its telemetry is switched off."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

# MLflow reads the variables above while it is imported, so these lines cannot be at the top.
from mlflow import Image, MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

__all__ = [
    "Dataset",
    "DatasetInput",
    "Image",
    "InputTag",
    "LoggedModelOutput",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Model",
    "ModelSignature",
    "Param",
    "Run",
    "RunTag",
    "Schema",
    "TensorSpec",
]
