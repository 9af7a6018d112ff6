import pytest

from tasks.interchange.drawn_splits import SplitFractions
from tasks.interchange.errors import InterchangeError
from tasks.interchange.label_tables import ManifestJob, manifest_rows, read_clam, read_patho_bench
from tasks.interchange.text_tables import write_manifest
from tasks.slides.row import SlideRow

CLAM = "case_id,slide_id,label\n007,0071,tumour\n007,0072,tumour\n08,0081,normal\n09,0091,normal\n"
BENCH = "case_id\tslide_id\tgrade\tfold_0\tfold_1\n007\t0071\t1\ttrain\ttest\n007\t0072\t1\ttrain\ttest\n"
BENCH += "08\t0081\t0\ttest\ttrain\n"


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "splits",
    [
        ",train,val,test\n0,0071,0081,0091\n1,0072,,\n",
        ",train,val,test\n0071,True,False,False\n0072,True,False,False\n0081,False,True,False\n"
        "0091,False,False,True\n",
    ],
)
def test_tables_of_clam_keep_their_zeros_and_their_splits(tmp_path, splits):
    found = read_clam(written(tmp_path / "t.csv", CLAM), written(tmp_path / "splits_0.csv", splits))
    assert found.patients == {"0071": "007", "0072": "007", "0081": "08", "0091": "09"}
    assert found.labels["0072"] == "tumour"
    assert found.splits == {"0071": "train", "0072": "train", "0081": "val", "0091": "test"}
    assert found.notes == ()


def test_slides_of_no_split_are_left_out_and_counted(tmp_path):
    splits = written(tmp_path / "s.csv", "train,val,test\n0071,0081,0091\n")
    found = read_clam(written(tmp_path / "t.csv", CLAM), splits)
    assert "0072" not in found.splits
    assert found.notes == ("1 slides of t.csv are in no split of s.csv and are left out",)


@pytest.mark.parametrize(
    ("table", "splits", "said"),
    [
        (CLAM, "train,val,test\n71,0081,0091\n", "names slide '71', which t.csv does not have; zeros before"),
        (CLAM, "train,val,test\n0071,0071,0091\n", "slide '0071' is in train and in val"),
        (CLAM, "train,val\n0071,0081\n", "has no column 'test'"),
        (CLAM + "09,0091,tumour\n", None, "slide_id '0091' has the label 'normal' in one row and 'tumour'"),
        (CLAM.replace("label", "class"), None, "has no column 'label'"),
    ],
)
def test_tables_of_clam_that_contradict_themselves_are_refused(tmp_path, table, splits, said):
    path = None if splits is None else written(tmp_path / "s.csv", splits)
    with pytest.raises(InterchangeError, match=said):
        read_clam(written(tmp_path / "t.csv", table), path)


def test_a_task_of_patho_bench_is_read_with_its_fold_and_its_config(tmp_path):
    table = written(tmp_path / "k=all.tsv", BENCH)
    assert read_patho_bench(table).labels == {"0071": "1", "0072": "1", "0081": "0"}
    written(tmp_path / "config.yaml", "task_col: grade\nsample_col: case_id\nlabel_dict: {0: low, 1: high}\n")
    found = read_patho_bench(table, 1)
    assert found.labels == {"0071": "high", "0072": "high", "0081": "low"}
    assert found.patients["0072"] == "007"
    assert found.splits == {"0071": "test", "0072": "test", "0081": "train"}
    assert "fold_1 has no val" in found.notes[0]
    assert read_patho_bench(table).splits == {}


@pytest.mark.parametrize(
    ("changed", "config", "fold", "said"),
    [
        (("0072\t1\ttrain", "0072\t0\ttrain"), "", 0, "case_id '007' has the grade '1' in one row and '0'"),
        (
            ("0072\t1\ttrain", "0072\t1\ttest"),
            "",
            0,
            "has the fold_0 'train' in one row and 'test'",
        ),
        (("test\ttrain", "holdout\ttrain"), "", 0, "fold_0 holds 'holdout'; allowed are train, val, test"),
        (("grade", "grade"), "", 2, "has no column 'fold_2'"),
        (("grade", "grade"), "task_col: stage", 0, "has no column 'stage'"),
        (("grade", "grade"), "a: [", 0, "config.yaml is no YAML"),
    ],
)
def test_tasks_of_patho_bench_that_contradict_themselves_are_refused(tmp_path, changed, config, fold, said):
    table = written(tmp_path / "k=all.tsv", BENCH.replace(*changed))
    written(tmp_path / "config.yaml", config)
    with pytest.raises(InterchangeError, match=said):
        read_patho_bench(table, fold)


def test_a_table_of_several_tasks_needs_a_config(tmp_path):
    lines = [f"{line}\tx" for line in BENCH.splitlines()]
    table = written(tmp_path / "k=all.tsv", "\n".join(lines) + "\n")
    with pytest.raises(InterchangeError, match="which column is the task"):
        read_patho_bench(table)
    with pytest.raises(InterchangeError, match=r"there is no other\.yaml"):
        read_patho_bench(table, config=tmp_path / "other.yaml")


def test_rows_are_those_of_a_manifest(tmp_path):
    found = read_clam(written(tmp_path / "t.csv", CLAM))
    job = ManifestJob("h5/{slide}.h5", "features", 0.25, {"tumour": "T"}, SplitFractions(1, 0, 0))
    rows, notes = manifest_rows(found, job)
    assert notes == ("no splits are named: they are drawn by patient with seed 0",)
    first = SlideRow.model_validate({"path": "", **rows[0]})
    assert (first.slide_id, first.patient_id, first.features, first.label) == (
        "0071",
        "007",
        "h5/0071.h5",
        "T",
    )
    assert (first.split, first.mpp) == ("train", 0.25)
    write_manifest(tmp_path / "m.csv", rows)
    assert (
        (tmp_path / "m.csv").read_text().startswith("slide_id,patient_id,split,features,label,mpp\n0071,007,")
    )


def test_a_patient_stays_in_one_drawn_split(tmp_path):
    rows, _ = manifest_rows(read_clam(written(tmp_path / "t.csv", CLAM)), ManifestJob("{slide}.svs", seed=3))
    assert len({row["split"] for row in rows if row["patient_id"] == "007"}) == 1


def test_a_slide_named_as_a_patient_gets_another_name_and_keeps_its_file(tmp_path):
    found = read_clam(written(tmp_path / "t.csv", "case_id,slide_id,label\n1,1,a\n"))
    rows, _ = manifest_rows(found, ManifestJob("{slide}.svs"))
    assert (rows[0]["slide_id"], rows[0]["path"]) == ("slide_1", "1.svs")


def test_a_path_without_the_slide_is_refused(tmp_path):
    found = read_clam(written(tmp_path / "t.csv", CLAM))
    with pytest.raises(InterchangeError, match=r"must be a path or features with \{slide\}"):
        manifest_rows(found, ManifestJob("a.svs"))


def test_files_of_tiles_are_named_in_the_manifest(tmp_path):
    slides = read_clam(written(tmp_path / "t.csv", CLAM))
    rows, _ = manifest_rows(slides, ManifestJob("{slide}.svs", coordinates="patches/{slide}_patches.h5"))
    assert [row["coordinates"] for row in rows] == [
        f"patches/{slide}_patches.h5" for slide in slides.patients
    ]
    with pytest.raises(
        InterchangeError, match=r"coordinates 'patches.h5' must be a path with \{slide\} in it"
    ):
        manifest_rows(slides, ManifestJob("{slide}.svs", coordinates="patches.h5"))
