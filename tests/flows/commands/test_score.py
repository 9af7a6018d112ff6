"""Maps made elsewhere, scored by the command: a folder and exit code 0, or one sentence and exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rich.console import Console

from flows.commands.score import _scored, load_job, print_means, score
from flows.exit_codes import MISTAKES
from tasks.scoring.bags.job import BagScoreJob
from tasks.scoring.errors import ScoringError
from tasks.scoring.job import ScoreJob
from tasks.scoring.table import MEANS, SAID
from tasks.study.errors import ConfigError
from tests._support.brought_bags import write_bag_job
from tests._support.scoring_jobs import write_job

ROOT = Path(__file__).parents[3]
VERITILE = str(Path(sys.executable).with_name("veritile"))


def written(folder, **changed):
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(write_job(folder, **changed)))
    return path


def veritile(*words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([VERITILE, *words], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.slow
def test_the_command_scores_and_says_what_came_out(tmp_path):
    done = veritile("score", str(written(tmp_path)), "--home", str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert "random_map (control)" in done.stdout
    assert "deletion.gap" in done.stdout
    assert "local_lipschitz: not available: needs an explainer" in done.stdout
    assert str(tmp_path / "out" / "report" / "report.md") in done.stdout
    assert len(pd.read_csv(tmp_path / "out" / "report" / "means.csv")) == 3 * (3 + 1)


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path):
    done = veritile("score", str(written(tmp_path, batch=0)), "--home", str(tmp_path / "home"))
    assert done.returncode == 2
    assert "job.yaml: batch: input should be greater" in done.stderr
    assert "Traceback" not in done.stderr
    assert ScoringError in MISTAKES, "what scoring refuses ends in the same way"


def test_the_flow_takes_a_path_or_a_job(prefect, tmp_path):
    path = written(tmp_path, metrics=[{"name": "gini"}])
    assert score(path) == tmp_path / "out" / "report"
    job = load_job(path).model_copy(update={"out": "second"})
    assert score(job, tmp_path) == tmp_path / "second"
    first, second = (
        pd.read_csv(folder / "scores.csv") for folder in (tmp_path / "out/report", tmp_path / "second")
    )
    pd.testing.assert_frame_equal(first, second)
    with pytest.raises(ScoringError, match="exists; name a new folder"):
        score(path)


def test_a_deployment_may_hold_the_job_itself(tmp_path):
    from prefect.utilities.callables import parameter_schema
    from prefect.utilities.schema_tools.validation import validate

    job = ScoreJob.model_validate(write_job(tmp_path)).model_dump(mode="json")
    schema = parameter_schema(score.fn).model_dump_for_openapi()
    assert validate({"job": job, "root": str(tmp_path)}, schema, raise_on_error=False) == []
    assert validate({"job": "job.yaml"}, schema, raise_on_error=False) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metric": []}, "job.yaml: unknown key 'metric'; did you mean 'metrics'?"),
        (
            {"model": {"checkpont": "x"}},
            "job.yaml: unknown key 'model.checkpont'; did you mean 'checkpoint'?",
        ),
        ({"metrics": [{"name": "gini", "step": 3}]}, "job.yaml: unknown key 'metrics.0.step'"),
        ({"metrics": [{"name": "ginni"}]}, "did you mean 'gini'?"),
        ({"metrics": []}, "job.yaml: metrics: "),
        ({"batch": 0}, "job.yaml: batch: input should be greater than or equal to 1"),
        ({"model": {"factory": "a:b"}}, "job.yaml: model: weights go with network and factory"),
    ],
)
def test_a_mistake_in_the_job_is_one_sentence(tmp_path, changed, said):
    with pytest.raises(ConfigError) as told:
        load_job(written(tmp_path, **changed))
    assert said in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_a_job_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="no job file at"):
        load_job(tmp_path / "none.yaml")


def test_what_changes_the_meaning_is_printed(tmp_path, capsys):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / MEANS).write_text("explainer,is_control,metric,score,direction,mean,low,high,flag\n")
    said = {"notes": ["the outputs look like probabilities [or so]"], "unavailable": {}}
    (folder / SAID).write_text(json.dumps(said))
    print_means(folder, Console())
    assert "the outputs look like probabilities [or so]" in capsys.readouterr().out


def test_a_file_that_names_features_is_a_job_of_bags(tmp_path):
    job = {**write_bag_job(tmp_path), "metrics": [{"name": "gini"}]}
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(job))
    loaded = load_job(path)
    assert isinstance(loaded, BagScoreJob)
    assert _scored(loaded, tmp_path, lambda n: None) == tmp_path / "report"
    path.write_text(yaml.safe_dump({**job, "feature": 1}))
    with pytest.raises(ConfigError, match=r"job.yaml: unknown key 'feature'; did you mean 'features'\?"):
        load_job(path)
