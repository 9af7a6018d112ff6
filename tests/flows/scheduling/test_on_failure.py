"""A hook is told how a run ended, and no patient."""

import asyncio
from uuid import uuid4

import pytest
import yaml
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Crashed, Failed, exception_to_failed_state

from flows.scheduling.on_failure import call_hook, report_of

MANIFEST = """slide_id,patient_id,path,split,label,surname
S-17,patient_4711,slides/Miller Jane 1961.tiff,train,tumour,Millerova
S-18,9,slides/other.tiff,test,normal,
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    data = {"study": "tiny", "manifest": "manifest.csv", "shared_patients": ["patient_0815"]}
    (tmp_path / "file.yaml").write_text(yaml.safe_dump(data))
    return tmp_path / "file.yaml"


def flow_run(config, **parameters):
    given = {"config": str(config), "home": "/lab/home", **parameters}
    return FlowRun(name="quiet-owl", flow_id=uuid4(), parameters=given)


def test_the_report_names_the_study_the_state_and_the_run(study):
    run = flow_run(study)
    told = report_of(run, Failed(message="tiny.yaml: 'study' is missing"))
    assert {name: told[name] for name in told if name != "url"} == {
        "study": "tiny", "state": "Failed", "sentence": "tiny.yaml: 'study' is missing", "run": "quiet-owl",
        "run_id": str(run.id), "config": str(study), "home": "/lab/home",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("tile/S-17 failed: it is truncated", "tile/(name left out) failed: it is truncated"),
        ("/data/slides/Miller Jane 1961.tiff is no slide", "/data/(name left out) is no slide"),
        ("Miller Jane 1961 cannot be read", "(name left out) cannot be read"),
        ("row 2: surname 'Millerova' is odd", "row 2: surname '(name left out)' is odd"),
        ("patient_4711, patient_0815: two splits", "(name left out), (name left out): two splits"),
        ("arm standard has no tumour in train", "arm standard has no tumour in train"),
        ("patient 9 is in two splits", "patient (name left out) is in two splits"),
        ("19 artifacts failed:\n  explain", "19 artifacts failed: explain"),
    ],
)
def test_what_the_manifest_names_is_left_out(study, sentence, told):
    assert report_of(flow_run(study), Failed(message=sentence))["sentence"] == told


def test_an_error_that_nobody_foresaw_is_not_quoted(study):
    try:
        raise KeyError("patient_4712")
    except KeyError as error:
        state = asyncio.run(exception_to_failed_state(error))
    told = report_of(flow_run(study), state)
    assert told["sentence"] == "an error that nobody foresaw; the log lines of the run show it"
    assert "4712" not in str(told)


def test_a_killed_run_is_told_too(study):
    state = Crashed(message="Flow run process exited with non-zero status code -9.")
    assert report_of(flow_run(study), state)["sentence"].endswith("status code -9.")


def test_a_study_file_that_cannot_be_read_is_told_by_its_name(study):
    study.write_text("study: [")
    told = report_of(flow_run(study), Failed(message="file.yaml is not YAML"))
    assert (told["study"], told["sentence"]) == ("file", "file.yaml is not YAML")


def test_a_hook_that_makes_no_sense_ends_nothing(study, caplog):
    from flows.study_file import study_file

    odd = flow_run(study, on_failure={"url": "http://elsewhere.example.org"})
    with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}):
        call_hook(study_file, odd, Failed())
    assert "nothing was called on failure: Value error, the webhook is on elsewhere" in caplog.text
