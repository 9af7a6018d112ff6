"""Where MLflow shows a recorded study: the link that a run in Prefect gets."""

import json
from pathlib import Path

from flows.showing.served import served_address
from tasks.artifacts.pages import Recording
from tasks.artifacts.spec import Reference
from tasks.artifacts.store import Store

KIND = "workflowType=machine_learning"
"""Without it MLflow's page opens on traces of generative AI."""


def mlflow_link(recording: Reference, store: Store, home: Path) -> str | None:
    """Return the address of the run of a study in MLflow; None where no server is known that shows it.

    That is the server of ``record.tracking_uri``, or the MLflow of ``veritile ui`` of this home.
    """
    told = json.loads(Recording(store.path(recording)).note.read_text(encoding="utf-8"))
    uri = told["tracking_uri"]
    server = served_address(home, "MLflow") if uri is None else uri
    if server is None or not server.startswith("http"):
        return None
    return f"{server.rstrip('/')}/#/experiments/{told['experiment_id']}/runs/{told['parent']}?{KIND}"
