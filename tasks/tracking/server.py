"""MLflow's server in one process.

``mlflow server`` starts a second process that serves and then only waits for it, with all of MLflow imported
twice. This is the same application with the same settings, in the process that is started.
"""

import os
import sys
from pathlib import Path

from tasks.tracking.database import local_tracking_uri, migrate

# As in mlflow.server.constants, which cannot be imported before they are set; a test compares them.
STORE, SERVES_ARTIFACTS = "_MLFLOW_SERVER_FILE_STORE", "_MLFLOW_SERVER_SERVE_ARTIFACTS"
ARTIFACT_ROOT, ARTIFACTS_DESTINATION = "_MLFLOW_SERVER_ARTIFACT_ROOT", "_MLFLOW_SERVER_ARTIFACT_DESTINATION"
GATEWAY = "_MLFLOW_SGI_NAME"

GRACE_S = 2
"""A page that is open keeps a connection, and the end does not wait for it any longer."""


def server_settings(home: Path, host: str, port: int) -> dict[str, str]:
    """Return what MLflow's application reads from its environment to serve the store below ``home``."""
    own = (f"{host}:{port}", f"localhost:{port}")
    return {
        STORE: local_tracking_uri(home),
        SERVES_ARTIFACTS: "true",
        ARTIFACT_ROOT: "mlflow-artifacts:/",
        ARTIFACTS_DESTINATION: str(home / "mlflow" / "artifacts"),
        GATEWAY: "uvicorn",
        # Jobs of generative AI, each of which has processes of its own.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # Its own guard stays on, whatever the environment says: names of this machine, and no other page.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(own),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}" for name in own),
        "MLFLOW_SERVER_X_FRAME_OPTIONS": "SAMEORIGIN",
    }


def serve(home: Path, host: str, port: int) -> None:
    """Migrate the database below ``home`` and serve it until a signal ends this process.

    Args:
        home: the folder of all state, absolute.
        host: the address to listen at.
        port: the port to listen at.
    """
    migrate(home)
    # Before MLflow's application is imported: only then it refuses requests of pages of other hosts.
    os.environ.update(server_settings(home, host, port))
    import uvicorn
    from mlflow import server

    logs = Path(server.__file__).with_name("uvicorn_log_config.yaml")
    uvicorn.run(
        "mlflow.server.fastapi_app:app",
        host=host,
        port=port,
        log_config=str(logs),
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
