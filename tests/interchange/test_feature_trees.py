import csv
from dataclasses import replace

import numpy as np
import pytest

from tasks.interchange.errors import InterchangeError
from tasks.interchange.feature_trees import FeatureTreeJob, write_feature_manifest
from tasks.slides.manifest import load_manifest
from tests._support.foreign_features import FEATURES, write_clam, write_stamp, write_trident
from tests._support.slide_inputs import PlainInputs

COLUMNS = {"slide": "slide_id", "patient": "case_id"}


def write_tree(root, producer, names=("001", "002")):
    tree = root / "tree"
    tree.mkdir()
    for number, name in enumerate(names):
        if producer == "clam":
            write_clam(tree, name)
        else:
            # Without this the two slides would have the same bytes.
            changed = {"code_hash" if producer == "stamp" else "savetodir": str(number)}
            {"trident": write_trident, "stamp": write_stamp}[producer](tree / f"{name}.h5", changed)
    (root / "labels.csv").write_text(
        "slide_id,case_id,label,split\n001,07,normal,train\n002.svs,08,tumour,test\n", encoding="utf-8"
    )
    tiles = tree / "patches" if producer == "clam" else None
    mpp = None if producer == "trident" else 0.25
    return FeatureTreeJob(tree, producer, root / "labels.csv", root / "out", COLUMNS, tiles, mpp)


@pytest.mark.parametrize(
    ("producer", "tile"),
    [
        ("trident", "mpp: 0.5, tile_px: 256"),
        ("clam", "mpp: 0.5, tile_px: 256"),
        ("stamp", "mpp: 0.5, tile_px: 256"),
    ],
)
def test_a_tree_becomes_a_sound_manifest_that_copies_nothing(tmp_path, producer, tile):
    written = write_feature_manifest(write_tree(tmp_path, producer))
    assert (written.slides, written.data_root) == (2, tmp_path / "tree")
    assert written.notes[-1] == "the study file needs tile: {mpp: 0.5, tile_px: 256}"
    with written.manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["slide_id"], row["patient_id"], row["label"], row["split"]) for row in rows] == [
        ("001", "07", "normal", "train"),
        ("002", "08", "tumour", "test"),
    ]
    assert ("coordinates" in rows[0]) == (producer == "clam")
    if producer != "clam":  # whose two files have the same bytes here
        loaded, _ = load_manifest(written.manifest, written.data_root, frozenset(), PlainInputs())
        assert not any(row.has_pixels for row in loaded.slides)


def test_slides_without_a_file_and_files_without_a_slide_are_named(tmp_path):
    job = write_tree(tmp_path, "trident", names=("001", "009"))
    written = write_feature_manifest(job)
    assert written.slides == 1
    assert written.notes[:2] == (
        "1 slides of the table have no feature file, such as '002.svs'",
        "1 feature files are in no row, such as '009'",
    )
    with pytest.raises(InterchangeError, match=r"no slide of labels\.csv has a feature file"):
        write_feature_manifest(replace(job, tree=write_tree_of(tmp_path / "other")))


def write_tree_of(folder):
    folder.mkdir()
    write_trident(folder / "z.h5")
    return folder


def test_loose_tensors_are_refused_with_the_reason(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "001.pt").write_bytes(b"tensor")
    job = replace(write_tree(tmp_path, "trident"), tree=tmp_path / "t")
    with pytest.raises(InterchangeError, match=r"no feature file .* in t; \.pt files hold no coordinates"):
        write_feature_manifest(job)


def test_files_of_several_encoders_lengths_or_sizes_are_refused(tmp_path):
    job = write_tree(tmp_path, "trident")
    write_trident(job.tree / "002.h5", features=np.hstack([FEATURES, FEATURES]))
    with pytest.raises(InterchangeError, match=r"uni_v1 6 \(001\), uni_v1 12 \(002\); a study has one"):
        write_feature_manifest(job)
    write_trident(job.tree / "002.h5", {"patch_size": 512, "patch_size_level0": 1024})
    with pytest.raises(InterchangeError, match=r"128\.0 um on some slides and 256\.0 um on others"):
        write_feature_manifest(job)


@pytest.mark.parametrize(
    ("producer", "changed", "said"),
    [
        ("trident", {"producer": "clam"}, "name the folder of the files that do"),
        ("trident", {"producer": "stamp"}, "has the layout of trident, not of stamp"),
        ("stamp", {"mpp": None}, "micrometres per level-0 pixel are '', a number is needed"),
        ("clam", {"coordinates": None}, "do not state the size of tiles"),
        ("trident", {"columns": {"slide": "name"}}, "has no column 'name'"),
    ],
)
def test_a_tree_that_cannot_be_used_is_refused(tmp_path, producer, changed, said):
    with pytest.raises(InterchangeError, match=said):
        write_feature_manifest(replace(write_tree(tmp_path, producer), **changed))
