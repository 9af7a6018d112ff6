"""Input files are hashed once, a device is asked for by kind, and labels are checked before any work."""

import csv
import os

import pytest

from flows.open_study import FileHashes, open_study, refuse_unfit_network
from tasks.compare import weak_labels_in_words
from tasks.slides.errors import ManifestError
from tasks.study.errors import ConfigError
from tasks.train import Train, weakly_labelled
from tests._support.studies import tiny_config


def test_files_are_hashed_once_and_again_when_touched(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    first = FileHashes(tmp_path)
    digest = first(file)
    first.save()
    os.utime(file, ns=(1, 1))
    file.write_bytes(b"two")
    assert FileHashes(tmp_path)(file) != digest
    assert (
        digest == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    )  # printf one | sha256sum


@pytest.mark.parametrize("damaged", ['{"a', "[]"])
def test_damaged_hashes_are_made_again(tmp_path, damaged, caplog):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file_hashes.json").write_text(damaged)
    assert FileHashes(tmp_path)(file).startswith("7692c3ad")
    assert "is damaged; input files are hashed again" in caplog.text


def test_hashes_that_cannot_be_kept_are_no_error(tmp_path):
    (tmp_path / "work").write_text("a file where the folder should be")
    FileHashes(tmp_path).save()


def test_a_study_has_one_device_slot_or_those_that_are_named(manifest, tmp_path):
    plain = open_study(tiny_config(manifest), tmp_path, None)
    assert plain.device_slots == ("cpu",)
    two = open_study(tiny_config(manifest, resources={"devices": ["cpu", "cpu"]}), tmp_path, None)
    assert two.device_slots == ("cpu", "cpu")
    assert two.device == "cpu"


@pytest.mark.parametrize(
    ("device", "slots", "sentence"),
    [
        ("cpu", ["cuda:0"], "must be of the kind that device names: cpu"),
        ("auto", ["cuda:0", "cpu"], "must be of one kind, got cpu, cuda"),
    ],
)
def test_device_slots_of_another_kind_are_refused(manifest, device, slots, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_config(manifest, device=device, resources={"devices": slots})


def with_network(manifest, **network):
    recipe = {"network": network, "epochs": 2, "batch": 16}
    return tiny_config(manifest, train={"arms": [{"id": "standard"}], "seeds": [0], "recipe": recipe})


def test_a_network_of_ours_is_not_made_to_validate(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.models.classifier.build_classifier", None)
    assert refuse_unfit_network(open_study(tiny_config(manifest), tmp_path, None)) == ()


def test_a_brought_network_is_asked_before_any_slide_is_read(manifest, tmp_path):
    module = "tests._support.odd_networks"
    good = {"module": f"{module}:Checkpointed", "arguments": {}}
    assert refuse_unfit_network(open_study(with_network(manifest, **good), tmp_path, None)) == ()
    said = {"module": f"{module}:Probabilities", "arguments": {}}
    (note,) = refuse_unfit_network(open_study(with_network(manifest, **said), tmp_path, None))
    assert "outputs of Probabilities look like probabilities" in note
    for name, said in (
        ("OfTheBatch", r"^train\.recipe: OfTheBatch gives an image other logits alone"),
        ("Absent", rf"^train\.recipe: network\.module '{module}:Absent' cannot be imported: AttributeError"),
        ("Raising", r"cannot be made with no argument: TypeError: .*'error'"),
    ):
        config = with_network(manifest, module=f"{module}:{name}", arguments={})
        with pytest.raises(ConfigError, match=said):
            refuse_unfit_network(open_study(config, tmp_path, None))


def test_initial_weights_are_read_before_any_slide_is(manifest, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"PK\x03\x04" + b"pickled" * 9)
    study = open_study(with_network(manifest, width=0.0625, init=str(path)), tmp_path, None)
    with pytest.raises(ConfigError, match=r"^train\.recipe: network\.init 'w\.safetensors' is pickled by"):
        refuse_unfit_network(study)


def relabelled(manifest, tmp_path, split, **cells):
    """Return a copy of the manifest in which the slides of ``split`` have these cells."""
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    changed = tmp_path / "manifest.csv"
    with changed.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "site"])
        writer.writeheader()
        for row in rows:
            site = {"site": "north" if row["split"] == split else "south"}
            writer.writerow({**row, **site, **(cells if row["split"] == split else {})})
    return changed


def opened(manifest, changed, tmp_path, **blocks):
    return open_study(tiny_config(changed, **blocks), tmp_path / "home", manifest.parent)


def training(**changes):
    return {**tiny_config("m.csv").model_dump(mode="json")["train"], **changes}


@pytest.mark.parametrize("split", ["train", "val"])
def test_tiles_are_not_trained_on_labels_of_whole_slides_unless_the_study_says_so(manifest, tmp_path, split):
    changed = relabelled(manifest, tmp_path, split, annotation="", label="tumour")
    with pytest.raises(ConfigError) as caught:
        opened(manifest, changed, tmp_path)
    said = str(caught.value)
    assert "slides to train or validate on have only a label of the whole slide, such as 'tumour'" in said
    assert "use a slide-level model, or say train.weak_labels: true" in said
    study = opened(manifest, changed, tmp_path, train=training(weak_labels=True))
    assert {row.split for row in weakly_labelled(study)} == {split}
    assert all(planned.recipe["weak_labels"] is True for planned in Train().plan(study))
    assert weak_labels_in_words(study).startswith("weak labels: the tiles of ")


def test_a_study_that_says_nothing_has_the_recipe_it_had(manifest, tmp_path):
    study = open_study(tiny_config(manifest), tmp_path, None)
    assert all("weak_labels" not in planned.recipe for planned in Train().plan(study))
    assert weak_labels_in_words(study) == ""


def test_slides_that_are_wholly_of_the_first_class_are_exact(manifest, tmp_path):
    changed = relabelled(manifest, tmp_path, "train", annotation="", label="normal")
    assert weakly_labelled(opened(manifest, changed, tmp_path)) == []


def test_what_no_arm_learns_from_is_not_asked(manifest, tmp_path):
    changed = relabelled(manifest, tmp_path, "train", annotation="", label="tumour")
    arms = [{"id": "standard", "sites": ["south"]}]
    assert weakly_labelled(opened(manifest, changed, tmp_path, train=training(arms=arms))) == []


def test_test_slides_may_have_a_label_of_their_own_and_the_page_says_so(manifest, tmp_path):
    changed = relabelled(manifest, tmp_path, "test", annotation="", label="tumour")
    study = opened(manifest, changed, tmp_path)
    assert weak_labels_in_words(study) == (
        "weak labels: the tiles of 2 evaluated slides are judged by the label of their whole slide"
    )


@pytest.mark.parametrize("label", ["Tumour", "NaN", "cancer"])
def test_a_label_that_is_no_class_is_refused_before_any_work(manifest, tmp_path, label):
    changed = relabelled(manifest, tmp_path, "test", label=label)
    with pytest.raises(
        ManifestError, match=f"2 problems: .* label '{label}' is no class; allowed are normal"
    ):
        opened(manifest, changed, tmp_path)
