"""A whole study whose slides and store lie in S3 gives the bytes of one on disk, and says nothing secret."""

import logging
from pathlib import Path

import pytest

from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.recordings import all_records
from tests._support.s3 import KEYS
from tests._support.studies import tiny_cohort, tiny_config

SMALL = {
    "train": {
        "arms": [{"id": "standard"}],
        "seeds": [0],
        "recipe": {"network": {"width": 0.125}, "epochs": 1, "batch": 16},
    },
    "explain": {"explainers": [{"name": "gradient"}], "controls": [{"name": "random_map"}]},
    "evaluate": {"metrics": [{"name": "gini"}]},
}


def submit(request: BuildRequest) -> BaseException | None:
    try:
        fulfil(request)
    except OSError as error:
        return error
    return None


def run(config, home: Path, data_root: Path | None = None):
    plan = Plan(open_study(config, home, data_root))
    result = execute(plan, RerunOptions(), submit, {})
    assert not result.state.failed, result.state.failed
    return plan.study.store, result


def digests(store) -> dict[str, str]:
    """Return the digest of each artifact; a recording holds ids that MLflow gives at random."""
    records = {record.spec.label: record.digest for record in all_records(store).values()}
    return {label: digest for label, digest in records.items() if label != "record"}


@pytest.mark.soak
def test_a_study_in_s3_gives_the_bytes_of_one_on_disk(bucket_url, tmp_path, caplog):
    manifest = tiny_cohort(tmp_path / "cohort")
    local, _ = run(tiny_config(manifest, **SMALL), tmp_path / "local")

    slides = f"{bucket_url}/slides"
    files = {p.relative_to(manifest.parent).as_posix(): p for p in manifest.parent.rglob("*") if p.is_file()}
    Bucket(read_address(slides)).upload(files)
    resources = {"batch": 32, "store": f"{bucket_url}/store", "cache_gb": 1e-4, "slide_cache_gb": 1e-4}
    config = tiny_config(manifest, **SMALL, resources=resources)
    home = tmp_path / "home"
    with caplog.at_level(logging.DEBUG, "veritile"):
        remote, first = run(config, home, Path(slides))
    assert digests(remote) == digests(local)
    assert first.executed
    assert not [p for p in (home / "store").rglob("*") if p.is_file()], "artifacts lie in the bucket alone"

    _, again = run(config, tmp_path / "another_home", Path(slides))
    assert again.executed == ()
    statuses = plan_status(Plan(open_study(config, home, Path(slides))), RerunOptions())
    assert {status.state for status in statuses} == {"done"}

    secret = KEYS["AWS_SECRET_ACCESS_KEY"]
    assert secret not in caplog.text
    written = [p for p in home.rglob("*") if p.is_file()]
    assert not [p for p in written if secret.encode() in p.read_bytes()]
    objects = remote.backend.bucket
    assert not [
        name for name, data in objects.read_all(list(objects.list(""))).items() if secret.encode() in data
    ]
    assert all(
        name.startswith("store/") or not name for name in Bucket(read_address(bucket_url)).list("store/")
    )
