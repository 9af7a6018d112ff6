"""The commands for what others made, as they are typed."""

import csv

import pytest
import yaml
from typer.testing import CliRunner

from flows import interchange_cli
from flows.cli import app
from flows.commands.features import export_study, producer_of
from flows.commands.target import Target
from flows.config import load_study
from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.open_study import open_study
from tasks.study.errors import UsageError
from tests._support.foreign_features import write_trident
from tests._support.tile_images import png, tile_pixels
from tests.flows.test_imported_study import BAGS, TILE, told, write_cohort


def typed(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output or done.exception
    return done.output


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_command_is_there():
    names = {command.name for command in interchange_cli.interchange.registered_commands}
    assert "tile-lists" in names
    for words in (("features", "import"), ("features", "export"), ("manifest", "from-clam"), ("tile-lists",)):
        assert "--out" in typed(*words, "--help")


def test_feature_files_become_a_manifest(tmp_path):
    (tmp_path / "tree").mkdir()
    write_trident(tmp_path / "tree" / "01.h5")
    (tmp_path / "labels.csv").write_text("slide,label\n01,tumour\n", encoding="utf-8")
    said = typed(
        "features", "import", tmp_path / "tree", "--format", "trident", "--labels", tmp_path / "labels.csv",
        "--out", tmp_path / "out", "--fractions", "train=1",
    )  # fmt: skip
    assert "the study file needs tile: {mpp: 0.5, tile_px: 256}" in said
    (row,) = rows_of(tmp_path / "out" / "manifest.csv")
    assert (row["slide_id"], row["features"], row["split"]) == ("01", "01.h5", "train")


def test_tables_of_clam_and_of_patho_bench_become_manifests(tmp_path):
    (tmp_path / "t.csv").write_text("case_id,slide_id,label\n07,071,a\n", encoding="utf-8")
    (tmp_path / "k.tsv").write_text("case_id\tslide_id\tx\tfold_0\n07\t071\ta\tval\n", encoding="utf-8")
    more = ("--path", "s/{slide}.svs", "--out", tmp_path / "m" / "manifest.csv")
    typed("manifest", "from-clam", tmp_path / "t.csv", *more, "--fractions", "test=1", "--labels", "a=normal")
    (row,) = rows_of(tmp_path / "m" / "manifest.csv")
    assert (row["slide_id"], row["path"], row["split"], row["label"]) == (
        "071",
        "s/071.svs",
        "test",
        "normal",
    )
    said = typed("manifest", "from-patho-bench", tmp_path / "k.tsv", *more, "--fold", "0")
    assert "of 1 slides of 1 patients" in said
    assert rows_of(tmp_path / "m" / "manifest.csv")[0]["split"] == "val"


def test_a_table_of_tile_images_becomes_lists(tmp_path):
    (tmp_path / "a.png").write_bytes(png(tile_pixels(0)))
    (tmp_path / "t.csv").write_text("file,label\na.png,1\n", encoding="utf-8")
    said = typed(
        "tile-lists", tmp_path / "t.csv", "--images", tmp_path, "--out", tmp_path, "--mpp", "0.5",
        "--columns", "image=file", "--labels", "1=tumour", "--cut", "8", "--fractions", "train=1",
    )  # fmt: skip
    assert "wrote 1 tile lists of 4 tiles" in said
    assert rows_of(tmp_path / "manifest.csv")[0]["label"] == "tumour"


def test_an_unknown_layout_is_refused():
    assert producer_of("stamp") == "stamp"
    with pytest.raises(UsageError, match="--format is 'h5'; allowed are trident, clam, stamp"):
        producer_of("h5")


def test_the_features_of_a_study_are_exported(tmp_path, capsys):
    manifest, home = write_cohort(tmp_path), tmp_path / "home"
    config = tmp_path / "study.yaml"
    blocks = {"study": "tiny", "level": "slide", "manifest": str(manifest), "device": "cpu", "tile": TILE}
    config.write_text(yaml.safe_dump(blocks | BAGS), encoding="utf-8")
    target = Target(config, home, None)
    with pytest.raises(UsageError, match="no slide is embedded yet"):
        export_study(target, tmp_path / "out", "stamp", interchange_cli.out)
    plan = Plan(open_study(load_study(config), home, None))
    for stage in ("tile", "embed"):
        execute(plan, RerunOptions(only=stage), told, {})
    export_study(target, tmp_path / "out", "stamp", interchange_cli.out)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"s{i}.h5" for i in range(6)]
