import hashlib

import pytest

from tasks.slides.errors import ManifestError
from tasks.slides.manifest import Manifest, SlideRow, assert_disjoint, input_files, load_manifest
from tasks.slides.resolution import MppOverride
from tests._support.real_data import real_data
from tests._support.slide_inputs import PlainInputs

HEADER = "slide_id,patient_id,path,split,annotation,label,mpp,sha256"


def file_hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.tiff").write_text(f"slide {name}")
    (folder / "a.geojson").write_text("[]")
    return folder


def load(root, *lines, header=HEADER, shared=frozenset(), inputs=None, classes=()):
    path = root.parent / "manifest.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return load_manifest(path, root, shared, inputs or PlainInputs(), classes)


def problems(root, *lines, **settings):
    with pytest.raises(ManifestError) as caught:
        load(root, *lines, **settings)
    return caught.value.problems


def row(slide="a", patient="p", split="train", **fields):
    return SlideRow(slide_id=slide, patient_id=patient, path=f"{slide}.tiff", split=split, **fields)


def test_a_good_manifest_is_read_in_order(root):
    manifest, found = load(root, "b,p2,b.tiff,test,,,,", "a,p1,a.tiff,train,a.geojson,,0.5,")
    assert [slide.slide_id for slide in manifest.slides] == ["b", "a"]
    assert manifest.slides[1].mpp == 0.5
    assert manifest.slides[0].annotation is manifest.slides[0].label is manifest.slides[0].mpp is None
    assert found == {name: file_hash(root / f"{name}.tiff") for name in "ab"}
    assert input_files(manifest.slides[1]) == {"slide": "a.tiff", "annotation": "a.geojson"}


def test_images_of_marks_are_files_of_the_row_and_must_be_there(root):
    header = "slide_id,patient_id,path,split,evidence,artefact"
    (root / "e.png").write_text("e")
    (root / "ink.png").write_text("ink")
    manifest, _ = load(root, "a,p,a.tiff,train,e.png,ink.png", "b,p,b.tiff,train,,", header=header)
    assert [input_files(slide) for slide in manifest.slides] == [
        {"slide": "a.tiff", "evidence": "e.png", "artefact": "ink.png"},
        {"slide": "b.tiff"},
    ]
    assert problems(root, "a,p,a.tiff,train,,pen.png", "b,p,b.tiff,train,,../a.png", header=header) == (
        "row 2: the artefact 'pen.png' is not there",
        "row 3: the artefact '../a.png' leaves the data root",
    )


def test_only_four_columns_are_needed_and_a_byte_order_mark_does_no_harm(root):
    manifest, _ = load(root, "a,p,a.tiff,train", "", header="\ufeffslide_id,patient_id,path,split")
    assert len(manifest.slides) == 1


def test_all_problems_are_told_at_once_with_their_rows(root):
    (root / "twin.tiff").write_text("slide a")
    told = problems(
        root,
        "a,p1,a.tiff,train,a.geojson,,,",
        "a,p1,b.tiff,train,,,,",
        "twin,p1,twin.tiff,train,,,,",
        "gone,p1,gone.tiff,train,,,,",
        f"c,p1,c.tiff,train,,,,{'0' * 64}",
        "d,p1,d.tiff,holdout,,,,",
        "out,p2,../manifest.csv,train,,,,",
        "slash/ed,p2,d.tiff,train,,,,",
        "e,p2,d.tiff,train,none.xml,,wide,",
        "f,p1,d.tiff,test,,,,",
    )
    text = "\n".join(told)
    assert [t.split(":")[0] for t in told] == [f"row {n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 11)]
    for words in (
        "row 3: slide_id 'a' stands in row 2 too",
        "row 4: slide 'twin' has the same bytes as 'a' in row 2",
        "row 5: the slide 'gone.tiff' is not there",
        f"row 6: the slide 'c.tiff' has sha256 {file_hash(root / 'c.tiff')}, the manifest says {'0' * 64}",
        "row 7: split 'holdout'",
        "row 8: the slide '../manifest.csv' leaves the data root",
        "row 9: slide_id 'slash/ed'",
        "row 10: mpp 'wide'",
        "row 11: the patient of slide 'f' lies in test and in train (slide 'a')",
    ):
        assert words in text


def test_a_missing_annotation_is_told(root):
    assert problems(root, "a,p,a.tiff,train,none.xml,,,") == (
        "row 2: the annotation 'none.xml' is not there",
    )


def test_a_link_out_of_the_data_root_is_refused(root):
    (root.parent / "elsewhere.tiff").write_text("slide")
    (root / "link.tiff").symlink_to(root.parent / "elsewhere.tiff")
    told = problems(root, "a,p,link.tiff,train,,,,", f"b,p,{root}/b.tiff,train,,,,")
    assert all("leaves the data root" in text for text in told)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("slide_id,patient_id,path", "column 'split' is missing"),
        ("slide_id,patient_id,path,split,anotation", "did you mean 'annotation'"),
        ("slide_id,patient_id,path,split,split", "column 'split' stands twice"),
    ],
)
def test_the_header_is_checked_first(root, header, words):
    (told,) = problems(root, "a,p,a.tiff,train", header=header)
    assert words in told


def test_no_rows_too_many_cells_and_no_file(root):
    assert problems(root) == ("row 1: no slide follows the header",)
    assert "9 cells under 8" in problems(root, "a,p,a.tiff,train,,,,,x")[0]
    with pytest.raises(ManifestError, match=r"no manifest none.csv"):
        load_manifest(root / "none.csv", root, frozenset(), PlainInputs())


@pytest.mark.parametrize("mpp", ["0.01", "352", "nan"])
def test_an_absurd_resolution_is_refused(root, mpp):
    assert "mpp" in problems(root, f"a,p,a.tiff,train,,,{mpp},")[0]


def test_a_patient_lies_in_one_split():
    assert_disjoint([row("a"), row("b"), row("c", "q", "test")], frozenset())
    with pytest.raises(ManifestError, match="the patient of slide 'b' lies in val and in train"):
        assert_disjoint([row("a"), row("b", split="val")], frozenset())


def test_train_and_val_may_share_a_named_patient_but_test_shares_none():
    shared = frozenset({"p"})
    assert_disjoint([row("a"), row("b", split="val")], shared)
    with pytest.raises(ManifestError) as caught:
        assert_disjoint([row("a"), row("b", split="test"), row("c", split="val")], shared)
    assert caught.value.problems == (
        "the patient of slide 'b' lies in test and in train (slide 'a')",
        "the patient of slide 'c' lies in val and in test (slide 'b')",
    )


def test_the_split_hash_depends_on_who_lies_where_and_on_nothing_else():
    first, second = row("a"), row("b", "q", "test")
    known = Manifest(slides=(first, second)).split_hash
    assert known == hashlib.sha256(b'[["a", "p", "train"], ["b", "q", "test"]]').hexdigest()
    assert Manifest(slides=(second, first.model_copy(update={"path": "other.tiff"}))).split_hash == known
    assert Manifest(slides=(first, row("b", "q", "val"))).split_hash != known


def test_a_slide_that_bears_a_patients_id_is_refused_since_slide_ids_are_shown(root):
    assert problems(root, "a,b,a.tiff,train", "b,c,b.tiff,test") == (
        "row 3: slide_id 'b' is a patient_id too; slide ids are shown, so give another",
    )


def test_all_other_columns_are_metadata_and_lead_to_no_other_row(root):
    header = "slide_id,patient_id,path,split,age,stain,,"
    manifest, _ = load(root, "a,p,a.tiff,train, 61 ,H&E,,", "b,q,b.tiff,test,,IHC", ",,,,,,,", header=header)
    assert [slide.metadata for slide in manifest.slides] == [{"age": "61", "stain": "H&E"}, {"stain": "IHC"}]
    assert problems(root, "a,p,a.tiff,train,61,H&E,x", header=header) == (
        "row 2: column 7 has no name and a cell that is not empty",
    )
    assert "61" not in repr(manifest.slides[0]), "metadata may be of a patient, and rows are logged"


def test_an_override_needs_a_reason_and_a_reason_an_override(root):
    header = "slide_id,patient_id,path,split,mpp_override,mpp_override_reason"
    manifest, _ = load(
        root,
        "a,p,a.tiff,train,0.25,the unit tag says inch and means cm",
        "b,q,b.tiff,test,0.25x0.26,measured",
        "c,q,c.tiff,test,,",
        header=header,
    )
    assert [row.stated_mpp for row in manifest.slides] == [
        MppOverride(0.25, 0.25),
        MppOverride(0.25, 0.26),
        None,
    ]
    told = problems(
        root, "a,p,a.tiff,train,0.25,", "b,q,b.tiff,test,,because", "c,q,c.tiff,test,0.2x0.3,x", header=header
    )
    assert [text.partition(": ")[2] for text in told] == [
        "mpp_override needs mpp_override_reason, which says why the file is wrong",
        "mpp_override_reason stands without mpp_override",
        "mpp_override '0.2x0.3': the two sides of a pixel may differ by 10%",
    ]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Tumour", "did you mean 'tumour'?"),
        ("tumor", "did you mean 'tumour'?"),
        ("NaN", "'NaN' is no class; "),
    ],
)
def test_a_label_must_be_a_class(root, label, words):
    classes = ("normal", "tumour")
    (told,) = problems(root, "a,p,a.tiff,train,,normal,,", f"b,q,b.tiff,test,,{label},,", classes=classes)
    assert told.startswith(f"row 3: label {label!r} is no class")
    assert words in told
    assert told.endswith("there are: normal, tumour")


def test_a_typo_is_told_without_reading_slides_that_no_other_has_the_size_of(root):
    (root / "long.tiff").write_text("a slide of another size")
    inputs = PlainInputs()
    told = problems(root, "long,p1,long.tiff,train,,,,", "a,p2,a.tiff,tset,,,,", inputs=inputs)
    assert len(told) == 1
    assert not inputs.read
    load(root, "long,p1,long.tiff,train,,,,", "a,p2,a.tiff,test,,,,", inputs=inputs)
    assert set(inputs.read) == {"long.tiff", "a.tiff"}


@pytest.mark.parametrize("lines", [[1, 3], [2, 4], [1, 5]])
def test_rows_between_two_quotation_marks_do_not_vanish(root, lines):
    first, last = lines
    rows = [
        f"s{n},p{n},a.tiff,train,,," + ('"Hospital' if n == first else 'C"' if n == last else "B")
        for n in range(6)
    ]
    told = problems(root, *rows, header="slide_id,patient_id,path,split,annotation,label,site")
    words = f"row {first + 2}: a quotation mark opens in column 'site' and closes only in row {last + 2}; "
    assert sum(text.startswith(words) for text in told) == 1
    swallowed = {f"row {n}" for n in range(first + 3, last + 2)}
    assert swallowed <= {text.partition(":")[0] for text in told}, (
        "rows in between have the same bytes as row 2"
    )


@pytest.mark.real_data
def test_the_manifest_whose_quotation_mark_swallowed_three_rows():
    folder = real_data("faults/csv_open_quote")
    with pytest.raises(ManifestError) as caught:
        load_manifest(folder / "manifest.csv", folder, frozenset(), PlainInputs())
    assert caught.value.problems[0].startswith("row 2: a quotation mark opens in column 'site'")
    named = {text.partition(":")[0] for text in caught.value.problems}
    assert named == {f"row {n}" for n in range(2, 8)}, "every row is looked at"


@pytest.mark.real_data
def test_two_files_of_one_dicom_slide_are_one_slide():
    folder = real_data("faults/dicom_two_files")
    with pytest.raises(ManifestError) as caught:
        load_manifest(folder / "manifest.csv", folder, frozenset(), PlainInputs())
    assert caught.value.problems == (
        "row 3: the slides 'dcm/lv1.dcm' and, in row 2, 'dcm/lv0.dcm' are files of one slide; name it in one "
        "row, by any of its files",
    )
