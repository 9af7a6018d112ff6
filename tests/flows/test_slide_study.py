"""One tiny study of level slide from slides to pages: every stage, both axes, and what a person opens."""

from zipfile import ZipFile

import pandas as pd
import pytest

from flows.config import StudyConfig
from flows.engine.execute import execute
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from tasks.artifacts.store import Store
from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tests._support.plans import plan_of

pytestmark = pytest.mark.slow

COHORT = BagPhantomRecipe(train=4, val=4, test=4, columns=4, rows=5, most=4)


def study_config(manifest):
    return StudyConfig.model_validate(
        {
            "study": "bags",
            "manifest": str(manifest),
            "device": "cpu",
            "level": "slide",
            "tile": {
                "mpp": 0.5, "tile_px": 64, "classes": ["negative", "positive"], "thumbnail_px": 256,
            },
            "embed": {"encoder": "colour_statistics"},
            "train": {
                "arms": [
                    {"id": "mean_pool", "model": "mean_pool"},
                    {"id": "abmil", "model": {"name": "abmil", "embed": 8, "attention": 4}},
                ],
                "seeds": [0, 1],
                "recipe": {
                    "bag": {"model": "mean_pool"},
                    "classes": ["negative", "positive"],
                    "target_class": "positive",
                    "epochs": 2,
                    "batch": 2,
                },
            },
            "explain": {
                "explainers": ["attention", "contribution"],
                "controls": ["darkness"],
                "drawn_slides": 3,
                "heatmaps": {"exports": ["geojson", "ome_tiff"]},
            },
            "evaluate": {"metrics": ["tile_deletion", "tile_marks"]},
            "compare": {},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return generate_bags(tmp_path_factory.mktemp("cohort"), COHORT)


@pytest.fixture(scope="module")
def home(manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    result = execute(plan_of(study_config(manifest), folder), RerunOptions(), fulfil, {})
    assert not result.state.failed
    return folder


def only(home, kind, **names):
    """Return the payload folder of the one artifact of a kind, or of those whose label ends so."""
    store = Store(home)
    found = [r for r in store.records(kind) if r.spec.label.endswith(names.get("label", ""))]
    assert len(found) == 1
    return store.folder(found[0])


def test_everything_is_made_once_and_then_reused(home, manifest):
    states = {
        s.key.label: s.state for s in plan_status(plan_of(study_config(manifest), home), RerunOptions())
    }
    assert set(states.values()) == {"done"}
    stages = [label.partition("/")[0] for label in states]
    # One artifact per model and explainer holds all slides; the blind map is of no model.
    assert stages.count("explain") == 2 * 2 * 2 + 1
    assert stages.count("scale") == 3
    assert stages.count("draw") == 2 * 3
    assert stages.count("evaluate") == 2 * 2 * 3 * 2


def test_the_page_has_both_axes_every_verdict_and_the_labels(home):
    folder = only(home, "Comparison")
    page = (folder / "comparison.md").read_text(encoding="utf-8")
    assert "- Evaluated: 4 slides of 80 tiles of 4 patients; explained class: positive." in page
    assert "What arms were trained on: mean_pool, abmil on labels of slides." in page
    assert "- Faithfulness: tile_deletion.srg" in page
    assert "- Plausibility: tile_marks.auroc, higher is better." in page
    assert "## Do maps survive another seed?" in page
    assert len(pd.read_parquet(folder / "map_agreement.parquet")) == 2 * 2 * 4
    assert (folder / "axes.png").is_file()
    rows = pd.read_parquet(folder / "comparison.parquet")
    judged = rows[rows["kind"] == "best_blind"]
    # Four patients give no interval, so that nothing can be told.
    assert len(judged) == 2 * 2 * 2
    assert set(judged["verdict"]) == {"cannot tell"}


def test_maps_are_drawn_and_exported_with_the_sufficient_set(home):
    slide = sorted(r.spec.label for r in Store(home).records("Heatmaps"))[0].rpartition("/")[2]
    folder = only(home, "Heatmaps", label=f"contribution/{slide}")
    names = {path.name for path in folder.iterdir()}
    assert {"overlay_abmil_s0.png", "sheet.png", "tiles.png", "map_abmil_s0.ome.tiff"} <= names
    assert not [name for name in names if name.startswith("probability")]
    with ZipFile(folder / "tiles_abmil_s0.geojson.zip") as archive:
        assert b"sufficient set" in archive.read("tiles_abmil_s0.geojson")


def test_the_review_page_and_the_recording_are_there_and_name_no_patient(home, manifest):
    patients = set(pd.read_csv(manifest, dtype=str)["patient_id"])
    page = (only(home, "ReviewPage") / "review.html").read_text(encoding="utf-8")
    assert not [patient for patient in patients if patient in page]
    # The drawn slides are on the page, which says that there are more.
    assert '"reviewed":4' in page.replace('"reviewed": 4', '"reviewed":4')
    shown = {r.spec.label.rpartition("/")[2] for r in Store(home).records("Heatmaps")}
    others = set(pd.read_csv(manifest, dtype=str).query("split == 'test'")["slide_id"]) - shown
    assert len(others) == 1
    assert not [slide for slide in others if f'"{slide}"' in page]
    assert (only(home, "Recording") / "recording.json").is_file()
