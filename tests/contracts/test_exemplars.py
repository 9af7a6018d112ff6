"""Every explanation that is no map, held to the rules of the house."""

import contextlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tasks.artifacts.exemplar_set import INFO, ExemplarSet
from tasks.artifacts.payload import content_digest, list_payload
from tasks.exemplars.base import ExemplarError, ExemplarJob, Exemplars, show_exemplars
from tasks.models.classifier import Classifier
from tasks.plugins import available, plugin_class, recipe_of
from tests._support.plugin_rules import assert_is_its_own_configuration
from tests._support.small_networks import FailingError, FailingNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

NAMES = available("tasks.exemplars")
CLASSES = ("normal", "tumour")
PATIENT = "pseudonym"
QUICK = {"steps": 8}


def method_of(name: str) -> Exemplars:
    """The method as it comes, but with few steps where it takes steps."""
    kind = plugin_class("tasks.exemplars", name)
    method = kind(**{field: value for field, value in QUICK.items() if field in kind.model_fields})
    assert isinstance(method, Exemplars)
    return method


def network(inner: torch.nn.Module | None = None) -> Classifier:
    return Classifier(inner or small_network(), (0.7, 0.6, 0.7), (0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    plan = (
        ("a", "train", 20, (3,)),
        ("b", "train", 15, ()),
        ("c", "test", 13, (1, 2)),
        ("d", "test", 10, ()),
    )
    return {n: make_tile_set(folder / n, n, f"{PATIENT}_{n}", s, count, failed=f) for n, s, count, f in plan}


def job_of(slides, model=None, **changes):
    parts = {"train": [slides["a"], slides["b"]], "explained": [slides["c"], slides["d"]], "batch": 16}
    return ExemplarJob(model=model or network(), classes=CLASSES, target=1, **{**parts, **changes})


def shown(name, job, out):
    out.mkdir()
    measures = show_exemplars(method_of(name), job, out)
    return ExemplarSet(out), measures


def digest(found: ExemplarSet) -> str:
    return content_digest(list_payload(found.folder))


def tables_of(found: ExemplarSet) -> dict[str, pd.DataFrame]:
    return {path.name: found.table(path.name) for path in found.tables}


def test_there_are_exemplars():
    assert {"nearest_tiles", "activation_maximisation"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_its_own_configuration(name):
    method = plugin_class("tasks.exemplars", name)()
    assert method.name == name
    assert_is_its_own_configuration(method)
    assert len(method.source) > 20


@pytest.mark.parametrize("name", NAMES)
def test_its_payload_is_an_exemplar_set_of_which_every_file_is_explained(name, slides, tmp_path):
    found, measures = shown(name, job_of(slides), tmp_path / "a")
    names = {path.name for path in (*found.pictures, *found.tables)}
    assert {path.name for path in found.folder.iterdir()} == names | {INFO}
    assert set(found.info.meanings) == names
    assert all(found.info.meanings.values())
    assert found.info.method == recipe_of(method_of(name))
    assert found.pictures
    for picture in found.pictures:
        with Image.open(picture) as image:
            assert image.mode == "RGB"
    for table in tables_of(found).values():
        assert len(table)
        assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
    assert all(np.isfinite(value) for value in measures.values())
    assert all(count >= 0 for count in found.info.excluded.values())


@pytest.mark.parametrize("name", NAMES)
def test_no_file_names_a_patient(name, slides, tmp_path):
    found, _ = shown(name, job_of(slides), tmp_path / "a")
    for table in tables_of(found).values():
        assert PATIENT not in table.to_csv()
        assert "patient_id" not in table.columns
    for path in found.folder.iterdir():
        assert PATIENT.encode() not in path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_job_gives_the_same_bytes_and_the_id_changes_none(name, slides, tmp_path):
    one, _ = shown(name, job_of(slides), tmp_path / "one")
    (tmp_path / "two").mkdir()
    named = method_of(name).model_copy(update={"id": "other"})
    show_exemplars(named, job_of(slides), tmp_path / "two")
    assert digest(one) == digest(ExemplarSet(tmp_path / "two"))


@pytest.mark.parametrize("name", NAMES)
def test_global_generators_do_not_matter(name, slides, tmp_path):
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        found.append(digest(shown(name, job_of(slides), tmp_path / str(seed))[0]))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_does_not_matter(name, slides, tmp_path):
    whole = tables_of(shown(name, job_of(slides), tmp_path / "whole")[0])
    for batch in (1, 7):
        other = tables_of(shown(name, job_of(slides, batch=batch), tmp_path / str(batch))[0])
        assert other.keys() == whole.keys()
        for key in whole:
            pd.testing.assert_frame_equal(other[key], whole[key], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_slides_does_not_matter(name, slides, tmp_path):
    plain = shown(name, job_of(slides), tmp_path / "plain")[0]
    turned = {"train": [slides["b"], slides["a"]], "explained": [slides["d"], slides["c"]]}
    assert digest(shown(name, job_of(slides, **turned), tmp_path / "turned")[0]) == digest(plain)


@pytest.mark.parametrize("name", NAMES)
def test_slides_without_tiles_change_nothing(name, slides, tmp_path):
    plain = shown(name, job_of(slides), tmp_path / "plain")[0]
    empty = make_tile_set(tmp_path / "empty", "e", f"{PATIENT}_e", "train", 1)
    empty.table.iloc[:0].to_parquet(empty.folder / "tiles.parquet")
    empty = type(empty)(empty.folder)
    assert len(empty.table) == 0
    more = {"train": [empty, slides["a"], slides["b"]], "explained": [slides["c"], empty, slides["d"]]}
    assert digest(shown(name, job_of(slides, **more), tmp_path / "more")[0]) == digest(plain)


@pytest.mark.parametrize("name", NAMES)
def test_tiles_that_could_not_be_read_are_not_shown(name, slides, tmp_path):
    found, _ = shown(name, job_of(slides), tmp_path / "a")
    said = "".join(table.to_csv() for table in tables_of(found).values())
    for tiles in slides.values():
        table = tiles.table
        for tile in table.loc[table["state"] == "failed", "tile_id"]:
            assert f"{tile}," not in said


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found(name, slides, tmp_path):
    model = network()
    before = state_of(model)
    shown(name, job_of(slides, model), tmp_path / "a")
    assert state_of(model) == before


@pytest.mark.parametrize("calls", [0, 1, 4, 8, 30])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found_also_when_it_fails(name, calls, slides, tmp_path):
    model = network(FailingNetwork(calls))
    before = state_of(model)
    with contextlib.suppress(FailingError):
        shown(name, job_of(slides, model), tmp_path / "a")
    assert state_of(model) == before


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_what_it_has_done(name, slides, tmp_path):
    told = []
    shown(name, job_of(slides, advance=told.append), tmp_path / "a")
    assert sum(told) >= 34
    assert all(done > 0 for done in told)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_labelled_training_tile_there_is_nothing_to_show(name, slides, tmp_path):
    with pytest.raises(
        ExemplarError, match="none of the 2 training slides has a tile labelled stroma or fat"
    ):
        shown(name, _strange(slides), tmp_path / "a")


def _strange(slides):
    return ExemplarJob(network(), [slides["a"], slides["b"]], [slides["c"]], ("stroma", "fat"), 1)
