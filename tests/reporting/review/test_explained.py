"""Which tiles the page knows to be explained, and how a written page is read again."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest

from tasks.reporting.review.explained import explained_tiles
from tasks.reporting.review.stored import StoredPage
from tasks.reporting.review.write import PAGE, write_review
from tests._support.review_jobs import HOSTILE, MODELS, make_review


def unpacked(text):
    data = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.cumsum(data[1:], dtype=np.uint8) if data[0] else data[1:]


def test_tiles_without_a_row_in_the_maps_are_not_explained(tmp_path):
    job = make_review(tmp_path)
    key = (MODELS[1], "gradient", "s1")
    some = job.maps[key]
    few = some.index.iloc[[3, 17]].reset_index(drop=True)
    object.__setattr__(some, "index", few)
    found = explained_tiles(replace(job, maps={**job.maps, key: some}), "s1")
    assert found["of"] == [[0, 0], [1, 0], [0, 0], [0, 0]]
    assert unpacked(found["blobs"][0]).tolist() == [1] * 40
    assert np.flatnonzero(unpacked(found["blobs"][1])).tolist() == [3, 17]
    assert explained_tiles(job, "s2")["of"][3] == [-1, 0]


def test_a_page_is_read_again_whatever_its_names_are(tmp_path):
    write_review(make_review(tmp_path / "job"), tmp_path)
    page = StoredPage(tmp_path / PAGE)
    assert page.slides == 2
    assert page.study["study"] == f"study {HOSTILE}"
    assert page.study["slides"] == ["s1", "s2"]
    assert page.slide(1)["size"] == [200, 300]
    with pytest.raises(KeyError):
        page.slide(2)
