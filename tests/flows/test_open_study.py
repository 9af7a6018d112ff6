"""Input files are hashed once, a device is asked for by kind, and labels are checked before any work."""

import csv

import pytest

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.resolve import Resolver
from flows.open_study import open_study, refuse_unfit_network
from tasks.compared.of_study import weak_labels_in_words
from tasks.slides.errors import ManifestError
from tasks.study.errors import ConfigError
from tasks.train import Train, weakly_labelled
from tests._support.mrxs import write_mrxs
from tests._support.real_data import real_data
from tests._support.slide_files import noise, write_slide
from tests._support.studies import tiny_config


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
        ManifestError, match=f"1 problem: .*'{label}' is no class on 2 rows.*there are: normal"
    ):
        opened(manifest, changed, tmp_path)


def spec_of(folder, home):
    config = tiny_config(folder / "m.csv")
    planned = Plan(open_study(config, home, None))
    return Resolver(planned, RerunOptions()).resolve(planned.of("tile")[0]).spec.fingerprint


def a_study(folder, first):
    for number in range(2):
        write_slide(folder / f"{number}.tiff", noise(64, 64, number))
    rows = [f"a,p1,{first},train,normal", "b,p2,0.tiff,val,normal", "c,p3,1.tiff,test,normal"]
    (folder / "m.csv").write_text("\n".join(["slide_id,patient_id,path,split,label", *rows]))


def test_a_change_of_any_file_of_a_slide_makes_its_tiles_stale(tmp_path):
    write_mrxs(tmp_path / "a.mrxs", noise(128, 128))
    a_study(tmp_path, "a.mrxs")
    before = spec_of(tmp_path, tmp_path / "home")
    data = tmp_path / "a" / "Data0000.dat"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    assert spec_of(tmp_path, tmp_path / "home") != before


@pytest.mark.real_data
def test_a_change_of_the_other_file_of_a_dicom_slide_makes_its_tiles_stale(tmp_path):
    for name in ("lv0.dcm", "lv1.dcm"):
        (tmp_path / name).write_bytes(real_data(f"faults/dicom_two_files/dcm/{name}").read_bytes())
    a_study(tmp_path, "lv0.dcm")
    before = spec_of(tmp_path, tmp_path / "home")
    a_study(tmp_path, "lv1.dcm")
    assert spec_of(tmp_path, tmp_path / "home") == before, "either file stands for the slide"
    other = tmp_path / "lv0.dcm"
    other.write_bytes(other.read_bytes()[:-100] + b"\0" * 100)
    assert spec_of(tmp_path, tmp_path / "home") != before


def test_an_override_is_recipe_its_reason_is_not_and_without_one_nothing_changed(manifest, tmp_path):
    a_study(tmp_path, "0.tiff")
    write_slide(tmp_path / "2.tiff", noise(64, 64, 9))
    text = (tmp_path / "m.csv").read_text().replace("a,p1,0.tiff", "a,p1,2.tiff")
    (tmp_path / "m.csv").write_text(text)
    before = spec_of(tmp_path, tmp_path / "home")

    def with_columns(mpp, reason):
        cells = [",mpp_override,mpp_override_reason,age", f",{mpp},{reason},61", ",,,62", ",,,63"]
        lines = [line + added for line, added in zip(text.splitlines(), cells, strict=True)]
        (tmp_path / "m.csv").write_text("\n".join(lines))
        return spec_of(tmp_path, tmp_path / "home")

    assert with_columns("", "") == before, "metadata are no recipe"
    overridden = with_columns("0.4", "measured on a ruler")
    assert overridden != before
    assert with_columns("0.4", "measured on a grid") == overridden
