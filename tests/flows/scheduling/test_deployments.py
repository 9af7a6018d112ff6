"""A deployment names the study file and the home by absolute paths; its form is short."""

from datetime import timedelta
from pathlib import Path

import yaml

from flows.engine.stages import words
from flows.environment import SETTINGS
from flows.scheduling.clock import Clock
from flows.scheduling.deployments import Repeated, job_variables
from flows.scheduling.failure_hook import FailureHook

ROOT = Path(__file__).parents[3]
NIGHTLY = Clock("0 2 * * *", None, "Europe/Berlin")


def repeated(clock=NIGHTLY, **changes):
    given = {"study": "tiny", "file": Path("/lab/tiny.yaml"), "home": Path("/lab/.veritile"), **changes}
    return Repeated(clock=clock, **given)


def test_it_holds_paths_and_no_copy_of_the_file():
    deployment = repeated().deployment()
    assert deployment.parameters == {"config": "/lab/tiny.yaml", "home": "/lab/.veritile"}
    assert deployment.entrypoint == "flows.study_file.study_file"
    assert deployment.job_variables == {"env": SETTINGS}
    assert deployment.name.startswith("tiny-lab-")
    (schedule,) = deployment.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 2 * * *", "Europe/Berlin")


def test_no_limit_of_prefect_ends_a_run_while_the_server_is_away():
    assert repeated().deployment().concurrency_limit is None


def test_what_else_was_typed_is_in_its_parameters():
    hook = FailureHook(command=("/bin/true", "x"))
    parameters = repeated(data_root=Path("/slides"), hook=hook).deployment().parameters
    assert parameters["data_root"] == "/slides"
    assert parameters["on_failure"] == {"command": ["/bin/true", "x"]}


def test_an_interval_is_kept():
    (schedule,) = repeated(Clock(None, timedelta(hours=6))).deployment().schedules
    assert schedule.schedule.interval == timedelta(hours=6)


def test_the_form_is_short_its_choices_are_listed_and_its_selectors_typed():
    schema = repeated().deployment()._parameter_openapi_schema
    assert list(schema.properties) == [
        "config", "home", "data_root", "only", "from_stage", "arm", "seed", "slide", "explainer", "metric",
        "fold", "verify", "on_failure",
    ]  # fmt: skip
    assert schema.required == ["config", "home"]
    assert list(schema.definitions) == ["FailureHook"]
    for name in ("only", "from_stage"):
        listed = [choice["enum"] for choice in schema.properties[name]["anyOf"] if "enum" in choice]
        assert listed == [list(words())]
    for name, kind in {"arm": "string", "slide": "string", "seed": "integer", "fold": "integer"}.items():
        assert schema.properties[name]["type"] == "array"
        assert schema.properties[name]["items"] == {"type": kind}
    assert all(item["description"] for item in schema.properties.values())


def test_the_file_of_prefect_deploy_holds_no_copy_of_a_setting():
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    assert not [name for name in SETTINGS if name in text]
    assert "OMP_WAIT_POLICY" not in text
    data = yaml.safe_load(text)
    assert data["build"] == [{"flows.scheduling.deployments.job_variables": {"id": "veritile"}}]
    assert job_variables() == {"env": SETTINGS}
    for item in data["deployments"]:
        assert item["entrypoint"] == "flows.study_file.study_file"
        assert item["work_pool"]["job_variables"] == {"env": "{{ veritile.env }}"}
        assert "concurrency_limit" not in item
