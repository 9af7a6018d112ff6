"""The registered model of a study: its alias is the best model, by a rule that looks at no test slide."""

from collections.abc import Mapping, Sequence

from tasks.tracking.job import RecordedCheckpoint
from tasks.tracking.mlflow_api import MlflowClient, MlflowException
from tasks.tracking.model import MODEL
from tasks.tracking.names import key_of

ALIAS = "best"
_RULES = {"val_auroc": 1, "val_balanced_accuracy": 1, "val_loss": -1}
"""Validation scores in the order in which they are asked for, with the sign by which higher is better."""


def best_of(models: Sequence[RecordedCheckpoint]) -> tuple[RecordedCheckpoint, str] | None:
    """Return the best model and the rule in words; None where the models share no validation score.

    Of equal models the first in the order of the study is taken. Scores of test slides are not asked: a
    model that was chosen by them would look better than it is.
    """
    for name, sign in _RULES.items():
        if models and all(name in item.checkpoint.info.scores for item in models):
            found = max(models, key=lambda item: sign * item.checkpoint.info.scores[name])
            side = "highest" if sign > 0 else "lowest"
            return found, f"of {len(models)} models the one with the {side} {name}; no test slide is asked"
    return None


def register_best(
    client: MlflowClient, name: str, models: Sequence[RecordedCheckpoint], runs: Mapping[str, str]
) -> str | None:
    """Register the best model of a study under the study's name, with the alias ``best``.

    Args:
        client: where it is registered.
        name: name of the study.
        models: its models, recorded.
        runs: {name of a checkpoint: id of its run}.

    Returns:
        The address that loads it, ``models:/<name>@best``; None where no rule tells the models apart.
    """
    found = best_of(models)
    if found is None:
        return None
    item, rule = found
    run, registered = client.get_run(runs[item.name]), key_of(name).replace("/", "_").replace(":", "_")
    model_id = run.data.tags.get(MODEL)
    if model_id is None:
        return None
    described = f"Models of the study {name}. `@{ALIAS}`: {rule}."
    try:
        client.create_registered_model(registered, description=described)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        client.update_registered_model(registered, description=described)
    version = _version(client, registered, str(model_id))
    if version is None:
        made = client.create_model_version(
            registered,
            # Not ``models:/...``, which MLflow looks for where the environment points, not in this client.
            str(client.get_logged_model(str(model_id)).artifact_location),
            run.info.run_id,
            tags=item.tags,
            description=f"{item.words}: {rule}",
            model_id=model_id,
        )
        version = str(made.version)
    client.set_registered_model_alias(registered, ALIAS, version)
    return f"models:/{registered}@{ALIAS}"


def _version(client: MlflowClient, name: str, model_id: str) -> str | None:
    """Return the version that is a logged model already; a study that is recorded again makes none."""
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.model_id == model_id:
            return str(version.version)
    return None
