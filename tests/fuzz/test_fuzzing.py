"""Changed files of every kind are accepted or refused in a sentence."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_doors import door, shares
from benchmarks.fuzz_mutate import mutated
from benchmarks.fuzzing import BAD, SENTENCES, fuzz, outcome_of
from flows.exit_codes import MISTAKES

QUICK = (
    "geojson",
    "objects",
    "asap",
    "points",
    "manifest",
    "labels",
    "features",
    "coordinates",
    "tile list",
    "safetensors",
)
"""Doors that take some milliseconds a file."""

DERANDOMISED = settings(derandomize=True, deadline=None, database=None, max_examples=40)


def test_what_counts_as_a_sentence_is_what_ends_with_exit_code_2():
    """But for errors of one slide or network, which a run tells as the reason of a part."""
    of_a_part = {"SlideError", "ModelError"}
    assert {kind.__name__ for kind in SENTENCES} - {kind.__name__ for kind in MISTAKES} <= of_a_part


@pytest.mark.parametrize("name", QUICK)
def test_some_changed_files_of_each_quick_door(name, tmp_path):
    asked, kinds = door(name), []
    others = tuple(next(iter(files.values())) for files in asked.seeds)
    for number in range(40):
        draw = np.random.default_rng([7, zlib.crc32(name.encode()), number])
        files = asked.seeds[int(draw.integers(len(asked.seeds)))]
        first = next(iter(files))
        changed = {**files, first: mutated(files[first], others, draw, text=asked.text)}
        kinds.append(outcome_of(asked.read, written(tmp_path / str(number), changed)))
    assert not [kind for kind in kinds if kind[0] in BAD]


@pytest.mark.parametrize("name", QUICK)
def test_the_good_files_are_accepted_by_their_door(name, tmp_path):
    if name in ("manifest", "labels"):
        pytest.skip("their slides are no slides, or the door reads both layouts with either reader")
    for number, files in enumerate(door(name).seeds):
        assert outcome_of(door(name).read, written(tmp_path / str(number), files)) == ("accepted", "", "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["type", "features", "geometry", "coordinates", "properties", "objectType", "classification", "name",
         "id", "geometries", "nucleusGeometry", "measurements", "color", "colorRGB"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@DERANDOMISED
@given(value=JSON, kind=st.sampled_from(["Feature", "Polygon", "MultiPolygon", "FeatureCollection"]))
def test_any_json_is_geojson_or_a_sentence(value, kind, tmp_path_factory):
    import json

    told = {"type": "Feature", "geometry": {"type": kind, "coordinates": value}, "properties": value}
    for each in (value, told, [told], {"type": "FeatureCollection", "features": value}):
        case = written(tmp_path_factory.mktemp("case"), {"a.geojson": json.dumps(each).encode()})
        assert outcome_of(door("geojson").read, case)[0] not in BAD
        assert outcome_of(door("objects").read, case)[0] not in BAD


@DERANDOMISED
@given(rows=st.lists(st.lists(st.text(max_size=12), max_size=6), max_size=4), mark=st.sampled_from(',;\t"'))
def test_any_table_is_a_manifest_or_a_sentence(rows, mark, tmp_path_factory):
    text = "slide_id,patient_id,path,split\n" + "\n".join(mark.join(row) for row in rows)
    files = {"m.csv": text.encode("utf-8", "surrogatepass"), "a.tif": b"x"}
    case = written(tmp_path_factory.mktemp("case"), files)
    assert outcome_of(door("manifest").read, case)[0] not in BAD


@pytest.mark.soak
def test_ten_thousand_changed_files():
    found = fuzz(10_000)
    assert found["findings"] == {}
    assert found["fuzzed_inputs"] >= 9_900
    assert {kind: found[kind] for kind in BAD} == dict.fromkeys(BAD, 0)


def test_every_door_has_good_files_and_a_share():
    assert sum(shares().values()) > 100
    assert {"manifest", "study", "geojson", "asap", "tiff", "dicom", "features", "npy", "zarr", "safetensors",
            "tile list", "zip", "score job"} <= set(shares())  # fmt: skip


def written(case, files):
    for path, content in files.items():
        (case / path).parent.mkdir(parents=True, exist_ok=True)
        (case / path).write_bytes(content)
    return case
