"""A slide explained in batches, resumed, and always the same."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from tasks.artifacts.attributions import ATTRIBUTIONS, SHARD, PixelMaps
from tasks.artifacts.payload import content_digest, list_payload
from tasks.explainers.base import Explainer, ExplanationError, Kind
from tasks.explainers.edge_map import EdgeMap
from tasks.explainers.grad_cam import GradCam
from tasks.explainers.gradient import Gradient
from tasks.explainers.random_map import RandomMap
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining.block import AttributionSettings
from tasks.explaining.progress import Progress
from tasks.explaining.slide import attribute_slide
from tasks.functional.half_maps import rounded_maps
from tasks.functional.passes import Passes
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tests._support.small_networks import FailingError, FailingNetwork, LinearNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

SETTINGS = AttributionSettings(target=1, batch=32)


class Broken(Explainer):
    """Not finite on the brightest tiles."""

    kind: ClassVar[Kind] = "control"

    def attribute(self, model, images, targets, tile_keys):
        return images.mean(1) / (images.mean((1, 2, 3)) < 0.6)[:, None, None]

    def passes(self):
        return Passes()


class Contribution(Gradient):
    """Weight times input: complete for a linear model, against black."""

    complete: ClassVar[bool] = True

    def attribute(self, model, images, targets, tile_keys):
        return (model.weight * images).sum(1)

    def reference(self, model, images):
        return torch.zeros_like(images)


def explain(tmp_path: Path, name: str, explainer, tiles, model=None, settings=SETTINGS):
    out, work = tmp_path / name, tmp_path / f"work_{name}"
    out.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    done: list[int] = []
    measures = attribute_slide(model or small_network(), tiles, explainer, settings, out, work, done.append)
    assert list(work.iterdir()) == []
    return PixelMaps(out), measures, done


def digest(attributions: PixelMaps) -> str:
    return content_digest(list_payload(attributions.folder))


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return make_tile_set(tmp_path_factory.mktemp("tiles"), "s1", "p1", "test", 150, failed=(3, 77))


def test_every_usable_tile_has_its_map_and_its_logits(tmp_path, tiles):
    model, explainer = small_network(), SmoothGrad(samples=2)
    found, measures, done = explain(tmp_path, "a", explainer, tiles, model)
    names = tiles.table["tile_id"].iloc[tiles.usable].tolist()
    assert found.index["tile_id"].tolist() == names
    assert set(found.index["target"]) == {1}
    assert found.index["completeness_error"].isna().all()
    images = to_images(tiles.pixels[tiles.usable], torch.device("cpu"))
    maps = explainer(model, images, torch.ones(148, dtype=torch.int64), tile_keys(names))
    np.testing.assert_allclose(found.maps(), maps, atol=1e-5)
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, model.eval()(images), atol=1e-5)
    assert sum(done) == measures["tiles"] == 148
    assert measures["forward_images"] == 3 * 148
    assert measures["backward_images"] == 2 * 148


def test_the_same_run_gives_the_same_bytes_and_another_batch_nearly(tmp_path, tiles):
    first, second = (explain(tmp_path, n, SmoothGrad(samples=2), tiles)[0] for n in "ab")
    assert digest(first) == digest(second)
    for batch in (1, 7, 200):
        settings = AttributionSettings(target=1, batch=batch)
        other = explain(tmp_path, f"batch{batch}", SmoothGrad(samples=2), tiles, None, settings)[0]
        np.testing.assert_allclose(other.maps(), first.maps(), atol=1e-5)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Tiles whose maps fill three files."""
    return make_tile_set(tmp_path_factory.mktemp("many"), "s2", "p1", "test", 2 * SHARD + 90, failed=(3, 300))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("calls", [0, 1, 16, 21, 33])
def test_a_run_that_was_stopped_ends_with_the_same_bytes(tmp_path, many, calls, dtype):
    settings = replace(SETTINGS, map_dtype=dtype)
    whole = explain(tmp_path, "whole", Gradient(), many, FailingNetwork(10_000), settings)[0]
    work, out = tmp_path / "work_half", tmp_path / "half"
    work.mkdir()
    out.mkdir()
    failing = FailingNetwork(calls)
    before = state_of(failing)
    # From the explainer, or from the pass that gives the logits.
    with pytest.raises((ExplanationError, FailingError)):
        attribute_slide(failing, many, Gradient(), settings, out, work)
    assert state_of(failing) == before
    found, measures, done = explain(tmp_path, "half", Gradient(), many, FailingNetwork(10_000), settings)
    assert digest(found) == digest(whole)
    count = 2 * SHARD + 88
    assert sum(done) == count
    # Both calls count, and each tile once: forward for the map and for the logits.
    assert measures["forward_images"] == 2 * count
    assert measures["tiles_per_second"] == count / measures["seconds"]
    assert not list(work.iterdir())


def test_maps_lie_in_files_of_a_stated_size(tmp_path, many):
    found = explain(tmp_path, "a", Gradient(), many)[0]
    names = sorted(path.name for path in (found.folder / ATTRIBUTIONS).iterdir())
    assert names == ["c.0.0.0", "c.1.0.0", "c.2.0.0", "zarr.json"]


class Here:
    """Writes at once, in the same thread."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def put(self, write):
        write()


def test_threads_that_read_and_write_change_no_byte(tmp_path, many, monkeypatch):
    apart = explain(tmp_path, "apart", SmoothGrad(samples=2), many)[0]
    monkeypatch.setattr(
        "tasks.explaining.slide.read_ahead", lambda read, spans, readers: (read(s) for s in spans)
    )
    monkeypatch.setattr("tasks.explaining.slide.WriteBehind", Here)
    assert digest(explain(tmp_path, "here", SmoothGrad(samples=2), many)[0]) == digest(apart)


def test_an_error_of_writing_ends_the_run_and_the_next_one_goes_on(tmp_path, many, monkeypatch):
    whole = explain(tmp_path, "whole", Gradient(), many)[0]
    keep, written = Progress.keep, []

    def full(self, span, maps, index):
        if written:
            raise OSError("No space left on device")
        written.append(span)
        keep(self, span, maps, index)

    monkeypatch.setattr(Progress, "keep", full)
    with pytest.raises(OSError, match="No space left"):
        explain(tmp_path, "a", Gradient(), many)
    monkeypatch.undo()
    found, measures, _ = explain(tmp_path, "a", Gradient(), many)
    # Both calls count, and so does what was explained in vain.
    assert measures["forward_images"] >= 2 * (3 * SHARD + 88)
    assert digest(found) == digest(whole)


def test_half_precision_keeps_a_map_to_eleven_bits_and_its_sum_as_it_was(tmp_path, tiles):
    whole = explain(tmp_path, "whole", Gradient(), tiles)[0]
    half = explain(tmp_path, "half", Gradient(), tiles, settings=replace(SETTINGS, map_dtype="float16"))[0]
    assert (np.abs(half.maps() - whole.maps()) <= np.abs(whole.maps()) * 2.0**-11).all()
    np.testing.assert_array_equal(half.maps(), rounded_maps(torch.from_numpy(whole.maps())).numpy())
    assert half.index["map_sum"].tolist() == whole.index["map_sum"].tolist()
    assert half.maps(slice(70, 75)).tolist() == half.maps()[70:75].tolist()


class Asking(RandomMap):
    """Says that it is blind, and asks the network."""

    def attribute(self, model, images, targets, tile_keys):
        return model(images)


def test_a_blind_control_needs_no_model_and_has_no_logits(tmp_path, tiles):
    for control in (RandomMap(), EdgeMap()):
        (tmp_path / control.name).mkdir()
        with_model = explain(tmp_path / control.name, "with", control, tiles)[0]
        out, work = tmp_path / control.name / "without", tmp_path / control.name / "work"
        for folder in (out, work):
            folder.mkdir()
        measures = attribute_slide(None, tiles, control, SETTINGS, out, work)
        assert digest(PixelMaps(out)) == digest(with_model)
        assert PixelMaps(out).logits.shape == (148, 0)
        assert measures["forward_images"] == 0


@pytest.mark.parametrize(
    ("explainer", "said"),
    [(Gradient(), "'gradient' explains a model"), (Asking(), "a blind control asked a network")],
)
def test_only_what_is_blind_goes_without_a_model(tmp_path, tiles, explainer, said):
    with pytest.raises(ExplanationError, match=said):
        attribute_slide(None, tiles, explainer, SETTINGS, tmp_path, tmp_path / "work")


def test_half_written_work_without_a_witness_is_made_again(tmp_path, tiles):
    work = tmp_path / "work_a"
    (work / "attributions.zarr").mkdir(parents=True)
    (work / "attributions.zarr" / "zarr.json").write_text("{", encoding="utf-8")
    found = explain(tmp_path, "a", Gradient(), tiles)[0]
    assert found.maps().shape == (148, 16, 16)


def test_completeness_is_measured_where_it_is_promised(tmp_path, tiles):
    model = LinearNetwork(torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)))
    found = explain(tmp_path, "a", Contribution(), tiles, model)[0]
    assert found.index["completeness_error"].abs().max() < 1e-3
    assert found.index["completeness_error"].notna().all()


def test_maps_that_are_not_finite_are_refused_with_the_tile(tmp_path, tiles):
    with pytest.raises(ExplanationError, match=r"not finite, the first on tile s1/\d+_\d+"):
        explain(tmp_path, "a", Broken(), tiles)


def test_a_slide_without_a_usable_tile(tmp_path):
    empty = make_tile_set(tmp_path / "tiles", "s0", "p0", "test", 5, failed=(0, 1, 2, 3, 4))
    found, measures, done = explain(tmp_path, "a", Gradient(), empty)
    assert found.maps().shape == (0, 16, 16)
    assert found.index["tile_id"].tolist() == done == []
    assert measures["tiles"] == 0


def test_a_sample_of_tiles_has_the_maps_they_have_among_all(tmp_path, tiles):
    whole, _, _ = explain(tmp_path, "whole", Gradient(), tiles)
    few = AttributionSettings(target=1, batch=32, tiles_per_slide=70)
    part, measures, done = explain(tmp_path, "part", Gradient(), tiles, settings=few)
    assert sum(done) == measures["tiles"] == len(part.index) == 70
    names = whole.index["tile_id"].tolist()
    rows = [names.index(name) for name in part.index["tile_id"]]
    assert rows == sorted(rows)
    assert rows != list(range(70))
    np.testing.assert_allclose(part.maps(), whole.maps()[rows], atol=1e-6)


class Halved(Contribution):
    """Claims to be complete and gives half of it."""

    def attribute(self, model, images, targets, tile_keys):
        return super().attribute(model, images, targets, tile_keys) / 2


def test_maps_that_claim_completeness_and_lack_it_are_called_incomplete(tmp_path, tiles):
    model = LinearNetwork(torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)))
    whole, half = (
        explain(tmp_path, type(e).__name__, e, tiles, model)[0] for e in (Contribution(), Halved())
    )
    assert whole.notes == ()
    (note,) = half.notes
    assert note.startswith("These maps are incomplete:")
    assert "miss 50% of it" in note
    np.testing.assert_allclose(half.index["map_sum"], half.maps().sum((1, 2)), rtol=1e-3, atol=1e-3)


def test_the_layer_of_a_map_is_noted(tmp_path, tiles):
    assert explain(tmp_path, "cam", GradCam(), tiles)[0].notes == ("The maps are of the layer 5.",)
