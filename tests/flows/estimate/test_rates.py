"""Seconds and bytes per tile, from records."""

import pytest

from flows.estimate.rates import Rates, measured_elsewhere
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def made(store, stage, kind, number, seconds, tiles, explainer=None):
    recipe = {"number": number, **({"explainer": {"id": explainer}} if explainer else {})}
    spec = ArtifactSpec(stage=stage, label=f"{stage}/{number}", kind=kind, recipe=recipe)

    def write(out):
        (out / "a").write_bytes(bytes([number]) * (100 * tiles))
        return {"seconds": seconds, "tiles": float(tiles)}

    store.reuse_or_build(spec, write)
    return store.find(spec)


def test_costs_of_a_method_are_its_own_and_else_those_of_its_stage(store):
    slow, quick = ArtifactKey("explain", explainer="slow"), ArtifactKey("explain", explainer="quick")
    rates = Rates(
        [
            (slow, made(store, "explain", "Attributions", 1, 90.0, 10), 10),
            (slow, made(store, "explain", "Attributions", 2, 110.0, 10), 10),
            (quick, made(store, "explain", "Attributions", 3, 1.0, 5), 5),
        ]
    )
    assert rates.of(slow).seconds_of(40) == 400.0
    assert rates.of(quick).seconds_of(40) == 8.0
    assert rates.of(ArtifactKey("explain", explainer="other")).seconds_of(50) == pytest.approx(50 * 201 / 25)
    assert rates.of(slow).size_of(40) == 4000.0
    assert rates.of(ArtifactKey("train")) is None


def test_where_tiles_are_not_counted_an_artifact_costs_what_others_did(store):
    record = made(store, "compare", "Comparison", 1, 30.0, 4)
    rate = Rates([(ArtifactKey("compare"), record, 0)]).of(ArtifactKey("compare"))
    assert (rate.seconds_of(0), rate.size_of(0)) == (30.0, 400.0)


def test_other_studies_of_a_home_count_where_their_records_count_tiles(store):
    made(store, "tile", "TileSet", 1, 2.0, 10)
    made(store, "tile", "TileSet", 2, 2.0, 0)
    made(store, "explain", "Attributions", 3, 4.0, 10, explainer="gradient")
    measured = list(measured_elsewhere(store, {"TileSet": "tile", "Attributions": "explain"}))
    assert [(key, tiles) for key, _, tiles in measured] == [
        (ArtifactKey("tile", explainer=""), 10),
        (ArtifactKey("explain", explainer="gradient"), 10),
    ]
    assert Rates(measured).of(ArtifactKey("tile", slide="new")).seconds_of(100) == 20.0
