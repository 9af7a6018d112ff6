"""Datasets in MLflow: a digest and counts, without paths and patients."""

import json
from collections.abc import Iterable

from tasks.tracking.job import RecordedDataset
from tasks.tracking.mlflow_api import Dataset, DatasetInput, InputTag, MlflowClient


def log_datasets(
    client: MlflowClient, run_id: str, datasets: Iterable[RecordedDataset], split_hash: str
) -> None:
    """Log ``datasets`` as inputs of a run, with the hash of the split as their source."""
    inputs = [_input(item, split_hash) for item in datasets]
    if inputs:
        client.log_inputs(run_id, datasets=inputs)


def _input(item: RecordedDataset, split_hash: str) -> DatasetInput:
    dataset = Dataset(
        name=item.name,
        digest=item.digest,
        source_type="veritile-tiles",
        source=json.dumps({"split_hash": split_hash}),
        profile=json.dumps(dict(item.profile)),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", item.context)])
