"""The deployments that ship: one flow, whose form lists every stage, with the settings of the command."""

from pathlib import Path

import yaml
from prefect.utilities.callables import parameter_schema

from flows.engine.stages import words
from flows.environment import SETTINGS
from flows.study import study

FILE = Path(__file__).parents[2] / "prefect.yaml"


def test_deployments_name_the_flow_as_a_module_and_set_what_the_command_sets():
    deployments = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]
    assert {item["name"] for item in deployments} == {"phantom-nightly", "phantom"}
    for item in deployments:
        assert item["entrypoint"] == "flows.study.study"
        assert item["work_pool"]["job_variables"]["env"] == SETTINGS


def test_the_form_lists_every_stage():
    properties = parameter_schema(study.fn).model_dump_for_openapi()["properties"]
    for name in ("only", "from_stage"):
        listed = [choice["enum"] for choice in properties[name]["anyOf"] if "enum" in choice]
        assert listed == [list(words())]
