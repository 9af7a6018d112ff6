"""A new stage is one file: study file, command line, status, schema and deployments know it from there."""

import json

import pytest

from tests._support.new_stage import python, stage_file, study_file, tree_with_stage, veritile
from tests._support.snippets import blocks

KNOWN_TO = """
import json
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType
from flows.schema import schema_text
from flows.study_file import study_file
deployment = RunnerDeployment.from_flow(study_file, name="new", entrypoint_type=EntrypointType.MODULE_PATH)
print(json.dumps([json.loads(schema_text()), deployment._parameter_openapi_schema.model_dump()]))
"""
COUNTS = """
import sys
from pathlib import Path
from tasks.artifacts.store import Store
from tasks.count import TileCount
store = Store(Path(sys.argv[1]))
print([TileCount(store.folder(record)).tiles for record in store.records("TileCount")])
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return tree_with_stage(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def answers(tree, manifest, tmp_path_factory):
    """What commands answer, typed one after the other on one study."""
    folder = tmp_path_factory.mktemp("study")
    on = (study_file(folder / "small.yaml", manifest), "--home", folder / "home")
    other = study_file(folder / "other.yaml", manifest, count={"lable": "tumour"})
    commands = {
        "validate": ("validate", *on),
        "refused": ("validate", other, "--home", folder / "home"),
        "misspelt": ("run", *on, "--only", "cont"),
        "run": ("run", *on),
        "status": ("status", *on),
        "preview": ("status", *on, "--only", "count", "--slide", "phantom_04_1"),
        "only": ("run", *on, "--only", "count"),
    }
    told = dict(zip(commands, veritile(tree, *commands.values()), strict=True))
    return told | {"home": folder / "home"}


def test_both_pages_show_the_file_that_is_tested():
    assert stage_file() in blocks("CONTRIBUTING.md")


def test_validate_counts_its_artifacts(answers):
    assert answers["validate"].code == 0, answers["validate"].err
    assert "6 tile, 6 count, 1 train" in answers["validate"].out


def test_an_unknown_key_of_its_section_is_refused_in_a_sentence(answers):
    assert answers["refused"].code == 2
    assert "unknown key 'count.lable'; did you mean 'label'?" in answers["refused"].err


def test_a_misspelt_stage_is_answered_with_its_name(answers):
    assert answers["misspelt"].code == 2
    assert "no stage 'cont' (did you mean 'count'?); the stages are: tile, count, embed, dose, train" in (
        answers["misspelt"].err
    )


def test_a_run_makes_its_artifacts_and_status_knows_them(tree, answers):
    assert answers["run"].code == 0, answers["run"].err
    assert "tiny: 29 artifacts made, 0 reused" in answers["run"].out
    assert "count     6 done" in answers["status"].out
    counts = json.loads(python(tree, COUNTS, str(answers["home"])))
    assert len(counts) == 6
    assert all(count > 0 for count in counts)


def test_only_count_makes_counts_again_and_nothing_else(answers):
    assert answers["only"].code == 0, answers["only"].err
    assert "tiny: 6 artifacts made, 6 reused" in answers["only"].out
    assert "29 artifacts planned, to make: 6 count" in answers["only"].err


def test_status_previews_it_and_a_selector_narrows_it(answers):
    assert "count/phantom_04_1  would run  it is forced" in answers["preview"].out
    assert "count     5 done, 1 would run" in answers["preview"].out


def test_the_schema_knows_its_section_and_the_form_of_a_deployment_its_word(tree):
    schema, parameters = json.loads(python(tree, KNOWN_TO).splitlines()[-1])
    assert schema["properties"]["count"]["default"] == {"label": None}
    assert "CountSection" in schema["$defs"]
    words = [option.get("enum", ()) for option in parameters["properties"]["only"]["anyOf"]]
    assert any("count" in option for option in words)
