"""The names of what MLflow's application reads are those of the installed MLflow."""

from mlflow.environment_variables import _MLFLOW_SGI_NAME
from mlflow.server import constants

from tasks.tracking.server import ARTIFACT_ROOT, ARTIFACTS_DESTINATION, GATEWAY, SERVES_ARTIFACTS, STORE
from tasks.tracking.server import server_settings as settings_of


def test_the_names_are_those_of_mlflow():
    assert STORE == constants.BACKEND_STORE_URI_ENV_VAR
    assert SERVES_ARTIFACTS == constants.SERVE_ARTIFACTS_ENV_VAR
    assert ARTIFACT_ROOT == constants.ARTIFACT_ROOT_ENV_VAR
    assert ARTIFACTS_DESTINATION == constants.ARTIFACTS_DESTINATION_ENV_VAR
    assert _MLFLOW_SGI_NAME.name == GATEWAY


def test_files_go_through_the_server_and_lie_below_the_home(tmp_path):
    settings = settings_of(tmp_path, "127.0.0.1", 5000)
    assert settings[ARTIFACT_ROOT] == "mlflow-artifacts:/"
    assert settings[ARTIFACTS_DESTINATION] == str(tmp_path / "mlflow" / "artifacts")
    assert settings[STORE] == f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
