import h5py
import numpy as np
import pytest
import yaml
from rich.console import Console

from flows.commands.coordinates import coordinates
from flows.commands.target import Target, selected
from flows.config import load_study
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from tasks.artifacts.tile_set import TileSet
from tasks.study.errors import UsageError
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe
from tests._support.plans import plan_of
from tests._support.studies import tiny_config


@pytest.fixture
def target(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    return Target(path, tmp_path / "home")


def tile(target, count):
    """Store the tiles of the first slides of the study and return {slide: tiles}."""
    plan = plan_of(load_study(target.config), target.home)
    study, made = plan.study, {}
    for status in [s for s in plan_status(plan, RerunOptions()) if s.key.stage == "tile"][:count]:
        row = study.row[status.key.slide]

        def build(out, row=row):
            return tile_slide(row, study.data_root, study.section(TilingRecipe), out)

        made[row.slide_id] = TileSet(study.store.path(study.store.reuse_or_build(status.spec, build)))
    return made


def write(target, folder, layout="trident", slides=()):
    console = Console(record=True, width=200)
    selection = selected(None, None, list(slides), None, None, None)
    coordinates(Target(target.config, target.home, selection=selection), folder, layout, console)
    return console.export_text()


@pytest.mark.parametrize(("layout", "name"), [("trident", "{}_patches.h5"), ("clam", "{}.h5")])
def test_each_tiled_slide_gets_a_file_under_the_name_that_the_tool_looks_for(target, tmp_path, layout, name):
    made = tile(target, 2)
    told = write(target, tmp_path / "out", layout)
    assert f"wrote {sum(len(t.table) for t in made.values())} tiles of 2 slides" in told
    assert {p.name for p in (tmp_path / "out").iterdir()} == {name.format(slide) for slide in made}
    for slide, tiles in made.items():
        with h5py.File(tmp_path / "out" / name.format(slide)) as file:
            expected = np.rint(tiles.table[["x_level0", "y_level0"]].to_numpy())
            np.testing.assert_array_equal(file["coords"], expected)


def test_named_slides_alone_are_written_and_others_are_refused(target, tmp_path):
    first, second = tile(target, 2)
    write(target, tmp_path / "out", slides=[second])
    assert [p.name for p in (tmp_path / "out").iterdir()] == [f"{second}_patches.h5"]
    with pytest.raises(UsageError, match=f"--slide nothing: the study has {first}"):
        write(target, tmp_path / "out", slides=["nothing"])


def test_nothing_is_written_without_tiles_or_for_another_tool(target, tmp_path):
    with pytest.raises(UsageError, match="no slide is tiled yet"):
        write(target, tmp_path / "out")
    with pytest.raises(UsageError, match="--layout is 'qupath'; allowed are clam, trident"):
        write(target, tmp_path / "out", "qupath")
    assert not (tmp_path / "out").exists()
