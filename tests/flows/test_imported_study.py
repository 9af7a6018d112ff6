"""A study of imported features needs no slide: the engine tiles and embeds what the feature files say."""

import h5py
import pytest

from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.estimate.slide_tiles import tiles_by_size
from flows.open_study import open_study
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.store import Store
from tasks.embed import feature_key
from tasks.slides.errors import ManifestError
from tasks.slides.slide_facts import facts_of
from tasks.study.errors import ConfigError
from tasks.tiling.inspection import misfit
from tasks.tiling.recipe import TilingRecipe
from tests._support.foreign_features import CORNERS, write_stamp, write_trident
from tests._support.slide_files import glass, write_slide
from tests._support.studies import tiny_config

HEADER = "slide_id,patient_id,split,label,features,mpp"
WEAK = {"arms": [{"id": "a"}], "seeds": [0], "weak_labels": True}
BAGS = {
    "train": {"arms": [{"id": "a"}], "seeds": [0], "recipe": {"bag": {"model": "abmil"}, "batch": 2}},
    "explain": {"explainers": [{"name": "contribution"}], "controls": [{"name": "darkness"}]},
    "evaluate": {"metrics": [{"name": "tile_deletion"}]},
}
TILE = {"mpp": 0.5, "tile_px": 256}


def write_cohort(root, *, first=write_trident):
    """Write two slides of each class to train and to validate on, and two to test."""
    lines = [HEADER]
    for number, split in enumerate(("train", "train", "val", "val", "test", "test")):
        path = (write_trident if number else first)(root / f"s{number}.h5")
        with h5py.File(path, "a") as file:
            file.attrs["number"] = number  # so that no two slides have the same bytes
        lines.append(f"s{number},p{number},{split},{('normal', 'tumour')[number % 2]},{path.name},0.25")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root / "manifest.csv"


def opened(manifest, home, level="slide"):
    more = BAGS if level == "slide" else {"train": WEAK}
    resources = {"runner": "inline"}
    return open_study(tiny_config(manifest, level=level, tile=TILE, resources=resources, **more), home, None)


def told(build):
    fulfil(build)


def test_features_of_several_tools_are_tiled_and_embedded_without_a_slide(tmp_path):
    manifest = write_cohort(tmp_path, first=write_stamp)
    study = opened(manifest, tmp_path / "home")
    plan = Plan(study)
    execute(plan, RerunOptions(only="tile"), told, {})
    made = execute(plan, RerunOptions(only="embed"), told, {})
    for row in study.slides:
        found = FeatureSet(Store(study.home).path(made.state.references[feature_key(row.slide_id)]))
        assert found.facts.encoder.claimed
        assert found.table[["x_level0", "y_level0"]].to_numpy().tolist() == CORNERS.tolist()
        path, facts = study.data_root / row.path, facts_of(study.data_root / row.path)
        assert misfit(row, facts, TilingRecipe(**TILE)) == ""
        assert tiles_by_size(row, facts, path, TilingRecipe(**TILE)).tiles == 4


def test_the_bytes_of_the_features_are_in_the_fingerprint(tmp_path):
    manifest = write_cohort(tmp_path)

    def files():
        plan = Plan(opened(manifest, tmp_path / "home"))
        return {planned.key.slide: planned.files["features"] for planned in plan.of("embed")}

    first = files()
    with h5py.File(tmp_path / "s3.h5", "a") as file:
        file["features"][0, 0] += 1
    second = files()
    assert {slide for slide in first if first[slide] != second[slide]} == {"s3"}


def test_models_of_level_tile_and_a_mixed_manifest_are_refused(tmp_path):
    manifest = write_cohort(tmp_path)
    with pytest.raises(ConfigError, match="slide 's0' has features and no pixels, and models of level tile"):
        opened(manifest, tmp_path / "home", level="tile")
    header, *lines = [f"{line}," for line in manifest.read_text().splitlines()]
    lines[1] = lines[1].replace("s1.h5,0.25,", ",0.25,s1.tiff")
    manifest.write_text("\n".join([f"{header}path", *lines]))
    write_slide(tmp_path / "s1.tiff", glass(64, 64), (), mpp=0.25)
    with pytest.raises(ConfigError, match="5 slides of the manifest name features and 1 do not"):
        opened(manifest, tmp_path / "home")


def test_a_pt_file_and_an_h5_as_path_are_refused_with_their_row(tmp_path):
    manifest = write_cohort(tmp_path)
    manifest.write_text(manifest.read_text().replace("s1.h5", "s1.pt"))
    with pytest.raises(ManifestError, match=r"row 3: features names 's1\.pt'; an \.h5 is needed"):
        opened(manifest, tmp_path / "home")
    manifest.write_text("slide_id,patient_id,split,path\ns,p,train,s0.h5\n")
    with pytest.raises(ManifestError, match=r"path names an \.h5; write it into features"):
        opened(manifest, tmp_path / "home")
