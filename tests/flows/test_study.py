"""The whole study on small phantom slides: what runs, what is reused, and what comes out."""

import shutil
import threading

import pandas as pd
import pytest

import tasks.evaluate
from flows.engine.adopt import adopt
from flows.engine.outcome import ArtifactsFailedError, TooManyFailedSlidesError
from flows.engine.rerun import Selection
from flows.study import study
from tasks.artifacts.code import code_of
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.store import Store
from tasks.study.errors import UsageError
from tests._support.plans import plan_of, statuses
from tests._support.studies import tiny_config

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, manifest, prefect):
    """A home with one finished study."""
    home = tmp_path_factory.mktemp("home")
    outcome = study(tiny_config(manifest), home)
    return home, outcome


@pytest.fixture
def home(finished, tmp_path):
    """A copy of the finished home that a test may change."""
    shutil.copytree(finished[0], tmp_path / "home", copy_function=shutil.copy2)
    return tmp_path / "home"


def stages(labels):
    return {label.partition("/")[0] for label in labels}


def digests(home):
    store = Store(home)
    kinds = ("TileSet", "Checkpoint", "Predictions", "Attributions", "Heatmaps", "FaithfulnessReport")
    return {r.spec.label: (r.fingerprint, r.digest) for kind in kinds for r in store.records(kind)}


def test_models_are_asked_in_the_thread_of_the_flow(home, manifest, monkeypatch):
    # A further thread that asks torch keeps OpenMP threads of its own; too many of them sleep at every turn.
    askers = set()
    measured = tasks.evaluate.score_pairs

    def noting(*words, **named):
        askers.add(threading.get_ident())
        return measured(*words, **named)

    monkeypatch.setattr(tasks.evaluate, "score_pairs", noting)
    outcome = study(tiny_config(manifest), home, only="evaluate")
    assert len(outcome.executed) == 12
    assert askers == {threading.get_ident()}


def test_everything_is_made_once(finished):
    home, outcome = finished
    assert stages(outcome.executed) == {
        "tile", "train", "predict", "surround", "explain", "scale", "draw", "evaluate", "compare", "review",
        "record",
    }  # fmt: skip
    # 6 slides, 2 arms x 1 seed, 2 test slides, 2 maps of each arm and 1 of all, 2 metrics
    counts = pd.Series([label.partition("/")[0] for label in outcome.executed]).value_counts().to_dict()
    assert counts == {
        "tile": 6, "train": 2, "predict": 2, "surround": 2, "explain": 10,
        "scale": 3, "draw": 4, "evaluate": 12, "compare": 1, "review": 1, "record": 1,
    }  # fmt: skip
    assert outcome.reused == 0
    assert outcome.failed_slides == {}
    store = Store(home)
    assert "modulated" in Comparison(store.path(outcome.comparison)).page.read_text()


def test_again_everything_is_reused_and_no_build_runs(config, home, monkeypatch):
    def forbidden(*_):
        raise AssertionError("a build ran")

    monkeypatch.setattr("flows.engine.request.fulfil", forbidden)
    monkeypatch.setattr("flows.engine.task.fulfil", forbidden)
    outcome = study(config, home)
    assert outcome.executed == ()
    assert outcome.reused == 44


def test_status_of_a_finished_study_says_done(config, finished):
    assert {s.state for s in statuses(config, finished[0]).values()} == {"done"}


def test_a_changed_explainer_runs_alone_and_status_says_why_beforehand(manifest, home):
    changed = tiny_config(
        manifest,
        explain={
            "explainers": [{"name": "gradient"}, {"name": "smoothgrad", "samples": 3}],
            "controls": [{"name": "random_map"}],
        },
    )
    before = statuses(changed, home)
    would = {label for label, s in before.items() if s.state == "would run"}
    reasons = before["explain/standard/seed0/smoothgrad/phantom_04_1"].reasons
    assert reasons == ("recipe explainer.samples: 2 -> 3",)
    may = {label for label, s in before.items() if s.state == "may run"}
    outcome = study(changed, home)
    assert would <= set(outcome.executed) <= would | may
    assert set(outcome.executed) == {label for label in before if "smoothgrad" in label} | {
        "compare",
        "review",
        "record",
    }


def test_a_damaged_artifact_is_noticed_reported_and_rebuilt(config, home, caplog):
    store = Store(home)
    record = next(r for r in store.records("TileSet") if r.spec.label == "tile/phantom_04_1")
    path = store.path(record.reference) / "tiles.parquet"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    said = statuses(config, home)
    assert said["tile/phantom_04_1"].reasons == ("its stored artifact is damaged",)
    assert {label for label, s in said.items() if s.state == "would run"} == {"tile/phantom_04_1"}
    outcome = study(config, home)
    assert outcome.executed == ("tile/phantom_04_1",), "equal bytes came back, so nothing after it ran"
    assert "damaged artifact" in caplog.text
    assert store.path(record.reference)


def test_two_runs_from_scratch_agree_to_the_byte(config, finished, tmp_path):
    study(config, tmp_path / "other")
    assert digests(tmp_path / "other") == digests(finished[0])


def test_two_device_slots_change_no_number(manifest, finished, tmp_path):
    two = tiny_config(manifest, resources={"batch": 32, "devices": ["cpu", "cpu"]})
    study(two, tmp_path / "other")
    assert digests(tmp_path / "other") == digests(finished[0])


def test_comparison_page_and_recording_made_again_are_the_same_bytes(config, home):
    kinds = ("Comparison", "ReviewPage", "Recording")
    before = {r.spec.label: r.digest for kind in kinds for r in Store(home).records(kind)}
    outcome = study(config, home, from_stage="compare-group")
    assert set(outcome.executed) == {"compare", "review"}, "equal bytes, so nothing is recorded again"
    assert study(config, home, only="record").executed == ("record",)
    assert {r.spec.label: r.digest for kind in kinds for r in Store(home).records(kind)} == before


def test_drawings_of_one_slide_are_made_alone(config, home):
    selection = Selection(slide=("phantom_04_1",), explainer=("gradient",))
    assert study(config, home, only="draw", selection=selection).executed == ("draw/gradient/phantom_04_1",)


def test_only_forces_one_stage_and_leaves_the_rest(config, home):
    outcome = study(config, home, only="evaluate", selection=Selection(arm=("standard",), metric=("gini",)))
    assert set(outcome.executed) == {
        f"evaluate/standard/seed0/{e}/gini" for e in ("gradient", "smoothgrad", "random_map")
    }
    assert outcome.comparison is None


def test_only_names_its_missing_input(config, tmp_path):
    with pytest.raises(UsageError, match=r"--only train needs 4 artifacts that were .*: tile/phantom_01_1"):
        study(config, tmp_path / "new", only="train")
    study(config, tmp_path / "new", only="tile")
    with pytest.raises(
        UsageError, match=r"needs 4 .*: train/standard/seed0, surround/.*, train/modulated/seed0;"
    ):
        study(config, tmp_path / "new", only="explain")


def test_from_forces_a_stage_and_reuses_what_follows_where_bytes_agree(config, home):
    said = statuses(config, home, from_stage="train")
    assert said["train/standard/seed0"].state == "would run"
    assert said["evaluate/standard/seed0/gradient/gini"].state == "may run"
    assert said["tile/phantom_01_1"].state == "done"
    outcome = study(config, home, from_stage="train")
    assert set(outcome.executed) == {"train/standard/seed0", "train/modulated/seed0"}


def test_status_says_what_only_leaves_stale(config, home):
    said = statuses(config, home, only="train")
    assert said["explain/standard/seed0/gradient/phantom_04_1"].state == "stale"


@pytest.fixture
def broken_manifest(manifest, tmp_path):
    """The cohort with one test slide cut short."""
    folder = tmp_path / "cohort"
    shutil.copytree(manifest.parent, folder)
    table = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
    path = folder / table.loc[table["slide_id"] == "phantom_05_1", "path"].item()
    path.write_bytes(path.read_bytes()[:2000])
    table.loc[table["slide_id"] == "phantom_05_1", "sha256"] = ""
    table.to_csv(folder / "manifest.csv", index=False)
    return folder / "manifest.csv"


def test_a_bad_slide_is_named_and_the_study_ends_with_the_good_ones(broken_manifest, tmp_path):
    config = tiny_config(broken_manifest, failures={"max_failed_slides": 0.25})
    outcome = study(config, tmp_path / "home")
    assert list(outcome.failed_slides) == ["phantom_05_1"]
    assert outcome.recording is not None
    said = statuses(config, tmp_path / "home")
    assert said["tile/phantom_05_1"].state == "failed"
    rest = {label: s.state for label, s in said.items() if "phantom_05_1" not in label}
    assert set(rest.values()) == {"done"}
    waiting = [s for label, s in said.items() if "phantom_05_1" in label and label != "tile/phantom_05_1"]
    assert {s.state for s in waiting} == {"blocked"}
    assert {s.reasons for s in waiting} == {("it waits for tile/phantom_05_1, which failed",)}


def test_a_bad_slide_ends_the_study_where_none_is_allowed(broken_manifest, tmp_path):
    with pytest.raises(TooManyFailedSlidesError, match=r"1 of 6 slides failed(.|\n)*phantom_05_1: "):
        study(tiny_config(broken_manifest), tmp_path / "home")
    assert len(list(Store(tmp_path / "home").records("TileSet"))) == 5, "the good slides are kept"


def test_a_failed_arm_fails_the_flow_and_the_others_are_finished_and_kept(manifest, tmp_path, monkeypatch):
    from tasks.training import train
    from tasks.training.errors import CollapsedError, DivergedError

    whole = train.train_classifier
    errors = {
        "modulated": DivergedError(1, "train_loss", float("nan")),
        "noisy": CollapsedError(2, "network collapsed in epoch 2: all tiles are one"),
    }

    def sometimes(job, out, work, log, advance):
        if job.arm.id in errors:
            raise errors[job.arm.id]
        return whole(job, out, work, log, advance)

    monkeypatch.setattr(train, "train_classifier", sometimes)
    section = tiny_config(manifest).train.model_dump(mode="json")
    section["arms"].append({"id": "noisy", "regularizers": ["gaussian_noise"]})
    with pytest.raises(ArtifactsFailedError) as caught:
        study(tiny_config(manifest, train=section), tmp_path / "home")
    assert "train/modulated/seed0: training diverged in epoch 1: train_loss is nan" in str(caught.value)
    assert "train/noisy/seed0: network collapsed in epoch 2: all tiles are one" in str(caught.value)
    labels = {r.spec.label for r in Store(tmp_path / "home").records("FaithfulnessReport")}
    assert "evaluate/standard/seed0/gradient/gini" in labels
    assert not [label for label in labels if "modulated" in label or "noisy" in label]
    assert list(Store(tmp_path / "home").records("Comparison")), "what is there is compared"


def test_adopting_says_that_old_artifacts_stand_for_changed_code(config, home, monkeypatch):
    from flows.engine import resolve

    def changed(modules):
        return {
            **code_of(modules),
            **({"tasks.tiling.grid": "other"} if "tasks.tiling.build" in modules else {}),
        }

    monkeypatch.setattr(resolve, "code_of", changed)
    said = statuses(config, home)
    assert said["tile/phantom_01_1"].reasons == ("code tasks.tiling.grid changed",)
    assert said["train/standard/seed0"].state == "may run", "its tiles may come back with the bytes of before"
    assert len(adopt(plan_of(config, home), frozenset({"tile"}), "only names changed")) == 6
    assert {s.state for s in statuses(config, home).values()} == {"done"}
    record = next(r for r in Store(home).records("TileSet") if r.adopted)
    assert record.adopted == "only names changed"
    assert study(config, home).executed == ()
