"""What a report says of a study whose contents are known."""

import re

import pandas as pd
import pytest

from tasks.reported.report import filled_for
from tasks.reported.stored import counted, flat
from tasks.reporting.checklists.as_markdown import write_markdown
from tasks.reporting.checklists.choice import checklist_of
from tests._support.reported_studies import reported
from tests._support.studies import (
    OF_SLIDES,
    folded_config,
    tiny_cohort,
    tiny_cohort_of_both,
    tiny_config,
)

PATIENT = re.compile(r"phantom_patient|secret-7")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def stored(manifest, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "salt").write_text("pepper")
    return reported(tiny_config(manifest), home)


def item(stored, number, name="claim"):
    """Return the facts of an item, each as text and origin."""
    filled = filled_for(stored, checklist_of(name))
    found = next(each for each in filled.items if each.item.number == number)
    return [(fact.text, fact.origin) for fact in found.facts]


def table(stored, number, text, name="claim"):
    filled = filled_for(stored, checklist_of(name))
    facts = next(each for each in filled.items if each.item.number == number).facts
    return next(fact.table for fact in facts if text in fact.text)


def test_sizes_of_partitions_are_counted_from_manifest_and_tiles(stored):
    sizes = table(stored, "19", "Patients, slides and tiles per split")
    assert sizes.header == ("split", "patients", "slides", "tiled slides", "tiles")
    # 15 tiles per slide: 7 normal, 3 tumour, 1 mixed, 4 without label
    assert sizes.rows == (
        ("train", "2", "3", "3", "45"),
        ("val", "1", "1", "1", "15"),
        ("test", "2", "2", "2", "30"),
    )


def test_labels_are_counted_per_split(stored):
    labels = table(stored, "36", "Labels per split")
    assert labels.rows[2] == (
        "test", "1 tumour, 1 normal", "8 without label, 2 mixed, 14 normal, 6 tumour",
    )  # fmt: skip


def test_what_is_missing_is_counted(stored):
    ((text, origin),) = item(stored, "12")
    assert text.startswith("12 tiles could not be read and are left out. 24 tiles have no label and 6 are ")
    assert origin == "6 artifacts of stage tile (TileSet)"


def test_figures_name_their_interval_their_clusters_and_their_artifact(stored):
    texts = item(stored, "37")
    fingerprint = stored.origin("compare")
    assert re.fullmatch(r"compare \(Comparison [0-9a-f]{12}\)", fingerprint)
    assert {origin for _, origin in texts} == {fingerprint}
    rows = {(row[0], row[1]): row for row in table(stored, "37", "Faithfulness").rows}
    gap = rows["smoothgrad/deletion.gap", "modulated"]
    folder = stored.study.store.path(next(iter(stored.of("compare").values())).reference)
    made = pd.read_parquet(folder / "comparison.parquet")
    made = made[(made["kind"] == "faithfulness") & (made["arm"] == "modulated") & (made["score"] == "gap")]
    (of_map,) = made[made["explainer"] == "smoothgrad"].to_dict("records")
    assert of_map["value"] == pytest.approx(1.5, abs=0.05)
    figure = f"{of_map['value']:.3f} [{of_map['low']:.3f}, {of_map['high']:.3f}]"
    assert gap[2:5] == ("higher", figure, "slide (6)")
    assert "random_map/deletion.gap (control)" in {name for name, _ in rows}


def test_intervals_are_explained_with_what_they_are_clustered_by(stored):
    texts = [text for text, _ in item(stored, "29")]
    assert texts[0].startswith("Intervals cover 95%")
    assert texts[1:] == [f"{note[0].upper()}{note[1:]}." for note in stored.summary.clustering]
    assert texts[1].startswith("Clustered by slide (6)")


def test_software_seeds_and_hyper_parameters_are_those_of_the_records(stored):
    versions = dict(table(stored, "23", "Versions that made").rows)
    record = next(iter(stored.records.values()))
    assert versions == dict(record.versions)
    wanted = dict(table(stored, "25", "arm modulated").rows)
    assert (wanted["training.batch"], wanted["training.epochs"]) == ("16", "2")
    assert wanted["regularizers.1.name"] == "noise_modulation"
    assert any(
        text == "Arms: standard, modulated. Each is trained with these seeds: 0."
        for text, _ in item(stored, "25")
    )


def test_patients_are_counts_and_salted_hashes_alone(stored):
    for name in ("claim", "tripod-ai"):
        filled = filled_for(stored, checklist_of(name))
        assert {split: len(hashes) for split, hashes in filled.patients.items()} == {
            "train": 2,
            "val": 1,
            "test": 2,
        }
        assert all(
            re.fullmatch("[0-9a-f]{12}", each) for hashes in filled.patients.values() for each in hashes
        )
        assert not PATIENT.search(write_markdown(filled))


def test_without_a_salt_none_is_made_and_the_report_says_so(manifest, tmp_path):
    stored = reported(tiny_config(manifest), tmp_path, without=("train",))
    (tmp_path / "salt").unlink(missing_ok=True)
    filled = filled_for(stored, checklist_of("claim"))
    assert filled.patients == {}
    assert "has no salt yet" in filled.notes[-1]
    assert not (tmp_path / "salt").exists()


def test_an_unfinished_study_says_so_and_leaves_the_rest_to_the_author(manifest, tmp_path):
    stored = reported(tiny_config(manifest), tmp_path, without=("train",))
    filled = filled_for(stored, checklist_of("claim"))
    assert filled.notes[0].startswith(
        f"The study is not finished: 6 of {stored.planned} artifacts are stored, and 0"
    )
    by_number = {each.item.number: each for each in filled.items}
    assert by_number["29"].facts == ()
    assert by_number["29"].to_add == "what the item asks for; nothing that is stored of the study says it"


def test_a_slide_that_failed_is_named_with_its_reason_and_no_patient(manifest, tmp_path):
    (tmp_path / "salt").write_text("pepper")
    config = tiny_config(manifest, failures={"max_failed_slides": 0.5})
    why = "phantom_05_1: the file of phantom_patient_05 ends too early"
    stored = reported(config, tmp_path, without=("train",), failing={"phantom_05_1": why})
    texts = [text for text, _ in item(stored, "8")]
    assert texts[0].startswith(
        "Slide phantom_05_1 failed and was left out: phantom_05_1: the file of patient:"
    )
    assert texts[-1] == "5 of 6 slides that were tried became tiles."
    assert item(stored, "39")[0][1] == "the failure of tile/phantom_05_1"
    assert not PATIENT.search(write_markdown(filled_for(stored, checklist_of("claim"))))


def test_folds_are_said_with_what_they_share_out(manifest, tmp_path):
    stored = reported(folded_config(manifest), tmp_path, without=("train",))
    assert item(stored, "19")[0][0] == (
        "Cross-validation in 3 folds by slide, balanced by label, shuffled with seed 0, over the splits "
        "train, val, test of the manifest."
    )
    assert item(stored, "20")[0][0].startswith(
        "Slides are shared out singly: 1 patients have slides in several groups of the folds, so that "
        "one patient may be learned from and tested in one fold."
    )
    assert item(stored, "40")[0] == item(stored, "20")[0]


def test_patients_in_one_split_each_are_said_to_be(stored):
    ((text, origin),) = item(stored, "20")
    assert text == "No patient is in two splits, which is checked before every run."
    assert origin.startswith("the manifest manifest.csv, split ")


def test_slide_models_say_their_encoder_and_their_bags(tmp_path):
    both = tiny_cohort_of_both(tmp_path / "cohort")
    stored = reported(tiny_config(both, **OF_SLIDES), tmp_path / "home")
    assert item(stored, "1")[0][0].startswith("Deep learning: slide models on features of tiles (mean_pool)")
    assert "Tiles become features by the encoder colour_statistics." in [
        text for text, _ in item(stored, "9")
    ]
    assert dict(table(stored, "25", "arm mean").rows)["training.bag.model.name"] == "mean_pool"
    assert not PATIENT.search(write_markdown(filled_for(stored, checklist_of("tripod-ai"))))


def test_who_annotated_is_counted_and_never_named(manifest, tmp_path):
    text = manifest.read_text().splitlines()
    named = [
        f"{text[0]},annotator",
        *(f"{line},Dr {'AB'[number % 2]}" for number, line in enumerate(text[1:])),
    ]
    beside = manifest.with_name("annotated.csv")
    beside.write_text("\n".join(named) + "\n")
    stored = reported(tiny_config(beside), tmp_path, without=("train",))
    assert item(stored, "16")[0][0] == "The column 'annotator' has 2 different entries on 6 slides."
    assert "Dr A" not in write_markdown(filled_for(stored, checklist_of("claim")))


def test_nested_settings_are_flat_and_what_is_not_set_is_left_out():
    assert flat({"a": {"b": 1, "c": None}, "d": [{"e": 2}], "f": (3, 4)}) == [
        ("a.b", "1"),
        ("d.1.e", "2"),
        ("f", "3, 4"),
    ]
    assert counted(["x", "", "x"]) == "2 x, 1 without label"
