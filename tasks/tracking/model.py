"""Trained models in MLflow: the state dict, and a model that loads without this code."""

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.artifacts.checkpoint import INFO, Checkpoint
from tasks.models.bag_classifier import BagClassifier, load_bag_classifier
from tasks.models.classifier import load_classifier
from tasks.tracking.mlflow_api import (
    LoggedModelOutput,
    MlflowClient,
    Model,
    ModelSignature,
    Run,
    Schema,
    TensorSpec,
)
from tasks.tracking.runs import find_runs, finished

MODEL = "veritile.model_id"
CHECKPOINT = "veritile.checkpoint"
FOLDER = "checkpoint"
_EXAMPLES = 2
"""More than one, so that the exported graph accepts any batch size."""
_TILES = 5
"""Of the bags among the examples."""


def log_checkpoint(client: MlflowClient, run: Run, name: str, checkpoint: Checkpoint, digest: str) -> str:
    """Attach a model to ``run`` and return its MLflow id.

    The weights (safetensors) and their description are stored in ``checkpoint/``. If a finished run has
    logged equal weights, its model is attached instead of uploaded again.
    """
    run_id, experiment = str(run.info.run_id), str(run.info.experiment_id)
    earlier = finished(find_runs(client, experiment, {CHECKPOINT: digest}))
    if earlier is not None and MODEL in earlier.data.tags:
        model_id = str(earlier.data.tags[MODEL])
        client.set_tag(run_id, "veritile.weights_run", earlier.info.run_id)
    else:
        for path in (checkpoint.weights, checkpoint.folder / INFO):
            client.log_artifact(run_id, str(path), FOLDER)
        model_id = _log_model(client, run, name, checkpoint)
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    client.set_tag(run_id, MODEL, model_id)
    client.set_tag(run_id, CHECKPOINT, digest)
    return model_id


class WholeBags(nn.Module):
    """A slide model that is asked about whole bags of one size: no tile is padding."""

    def __init__(self, classifier: BagClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, features: Tensor) -> Tensor:
        """Return logits [B, K] of features [B, N, D]."""
        logits: Tensor = self.classifier(features, torch.ones_like(features[..., 0], dtype=torch.bool))
        return logits


def signature_of(checkpoint: Checkpoint) -> ModelSignature:
    """Return the signature: what the model takes, and logits [batch, classes].

    A tile classifier takes float32 [batch, 3, side, side] in 0..1, a slide model [batch, tiles, features].
    """
    info = checkpoint.info
    shape = (-1, 3, info.tile_px, info.tile_px) if info.bag is None else (-1, -1, info.bag.dim)
    # Unnamed: MLflow passes named tensors as a mapping, which its PyTorch flavor refuses.
    given = TensorSpec(np.dtype(np.float32), shape)
    logits = TensorSpec(np.dtype(np.float32), (-1, len(info.classes)))
    return ModelSignature(Schema([given]), Schema([logits]))


def _log_model(client: MlflowClient, run: Run, name: str, checkpoint: Checkpoint) -> str:
    """Upload the exported graph with signature, example and explicit requirements; return the model id."""
    run_id, experiment = str(run.info.run_id), str(run.info.experiment_id)
    logged = client.create_logged_model(
        experiment,
        name=name.replace("/", "_"),
        source_run_id=run_id,
        model_type="tile classifier" if checkpoint.info.bag is None else "slide model",
    )
    described = Model(run_id=run_id, model_id=logged.model_id, model_uuid=logged.model_id)
    with tempfile.TemporaryDirectory() as folder:
        _save(checkpoint, Path(folder) / "model", described)
        client.log_model_artifacts(logged.model_id, str(Path(folder) / "model"))
    client.finalize_logged_model(logged.model_id, status="READY")
    return str(logged.model_id)


def _save(checkpoint: Checkpoint, path: Path, described: Model) -> None:
    # The import takes seconds, and only recordings with a new model need it.
    from mlflow import pytorch

    classifier: nn.Module
    if checkpoint.info.bag is None:
        classifier = load_classifier(checkpoint, torch.device("cpu"))
    else:
        classifier = WholeBags(load_bag_classifier(checkpoint, torch.device("cpu"))).eval()
    for parameter in classifier.parameters():
        # The exporter warns about any other memory layout.
        parameter.data = parameter.data.contiguous()
    pytorch.save_model(
        classifier,
        path=str(path),
        mlflow_model=described,
        signature=signature_of(checkpoint),
        input_example=_example(checkpoint),
        # Inferring them takes half a minute and loses the build tag of torch.
        pip_requirements=[f"{package}=={_version(package)}" for package in ("mlflow", "torch", "numpy")],
        serialization_format="pt2",
    )


def _example(checkpoint: Checkpoint) -> NDArray[np.float32]:
    """Return random numbers of the right shape, so that no tissue of a patient is uploaded."""
    side, bag = checkpoint.info.tile_px, checkpoint.info.bag
    shape = (_EXAMPLES, 3, side, side) if bag is None else (_EXAMPLES, _TILES, bag.dim)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _version(package: str) -> str:
    return version(package).partition("+")[0]
