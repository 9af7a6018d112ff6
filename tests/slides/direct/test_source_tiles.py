import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from tasks.slides.direct import source_tiles
from tasks.slides.direct.directory import find_layout
from tasks.slides.direct.source_tiles import SourceTiles
from tasks.slides.errors import SlideError
from tasks.slides.openslide_source import OpenSlideSource
from tests._support.tiled_files import halves, jpeg, picture, write_tiled


@pytest.fixture
def slide_file(tmp_path):
    return write_tiled(tmp_path / "slide.tif", halves(picture(), 1), encode=jpeg, missing=(3,))


@pytest.fixture
def layout(slide_file):
    return find_layout(slide_file, OpenSlideSource(slide_file).facts(), (0, 1))


@pytest.fixture
def decoded(monkeypatch):
    """The number of source tiles decoded so far."""
    counted, original = [], source_tiles.decode
    monkeypatch.setattr(source_tiles, "decode", lambda *each: counted.append(1) or original(*each))
    return counted


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_tile_is_decoded_once_and_a_missing_one_never(slide_file, layout, decoded):
    tiles = SourceTiles(slide_file, layout)
    first = tiles.fetch(0, [0, 1, 2, 3, 3, 1, 5])
    assert len(decoded) == 4
    assert first[3] is None
    again = tiles.fetch(0, [1, 2, 3, 4])
    assert len(decoded) == 5
    assert again[1] is first[1]


def test_many_tiles_are_decoded_by_threads_once_each(slide_file, layout, decoded):
    tiles = SourceTiles(slide_file, layout)
    fetched = tiles.fetch(0, range(24))
    assert len(decoded) == 23
    alone = SourceTiles(slide_file, layout)
    for index, tile in fetched.items():
        (other,) = alone.fetch(0, [index]).values()
        assert (tile is None) == (other is None)
        if tile is not None:
            np.testing.assert_array_equal(tile, other)


def test_the_cache_has_a_size_and_forgets_what_was_not_used_for_longest(
    slide_file, layout, decoded, monkeypatch
):
    monkeypatch.setattr(source_tiles, "CACHE_BYTES", 4 * 128 * 128 * 3)
    tiles = SourceTiles(slide_file, layout)
    for index in (0, 1, 2, 4, 0, 5):
        tiles.fetch(0, [index])
    assert len(decoded) == 5
    tiles.fetch(0, [0, 2, 4, 5])
    assert len(decoded) == 5
    tiles.fetch(0, [1])
    assert len(decoded) == 6


def test_all_open_slides_together_keep_what_was_read_last(slide_file, layout, decoded, monkeypatch):
    """Many slides stay open in a process: each with a cache of its own would take gigabytes."""
    tile = 128 * 128 * 3
    monkeypatch.setattr(source_tiles, "ALL_CACHE_BYTES", 4 * tile)
    first, second, third = (SourceTiles(slide_file, layout) for _ in range(3))
    for each in (first, second):
        each.fetch(0, [0, 1])
    assert [each._process().kept_bytes() for each in (first, second, third)] == [2 * tile, 2 * tile, 0]
    first.fetch(0, [2])
    assert [each._process().kept_bytes() for each in (first, second, third)] == [3 * tile, 0, 0]
    del first, each  # a slide that is gone keeps nothing and counts for nothing
    second.fetch(0, [0, 1])
    third.fetch(0, [0, 1])
    assert [each._process().kept_bytes() for each in (second, third)] == [2 * tile, 2 * tile]
    before = len(decoded)
    second.fetch(0, [0, 1])
    assert len(decoded) == before, "what is kept is not decoded again"


def test_it_holds_one_descriptor_and_gives_it_back(slide_file, layout):
    before = open_descriptors()
    tiles = SourceTiles(slide_file, layout)
    tiles.fetch(0, range(10))
    tiles.fetch(1, range(3))
    assert open_descriptors() == before + 1
    tiles.close()
    tiles.close()
    assert open_descriptors() == before


def test_a_directory_is_read_when_its_level_is_first_needed(slide_file, layout, monkeypatch):
    asked, original = [], os.pread
    monkeypatch.setattr(os, "pread", lambda *each: asked.append(each[1:]) or original(*each))
    tiles = SourceTiles(slide_file, layout)
    assert not asked
    tiles.fetch(1, [0])
    assert (layout.levels[1].offsets.count * 4, layout.levels[1].offsets.offset) in asked
    assert all(offset != layout.levels[0].offsets.offset for _, offset in asked)


def test_a_file_of_another_size_is_refused(slide_file, layout):
    with slide_file.open("ab") as stream:
        stream.write(b"more")
    before = open_descriptors()
    with pytest.raises(SlideError, match=r"slide.tif: the file has \d+ bytes and had \d+ at the first look"):
        SourceTiles(slide_file, layout)
    assert open_descriptors() == before


def test_a_forked_process_reads_on_although_a_thread_of_its_parent_held_the_lock(slide_file, layout):
    tiles = SourceTiles(slide_file, layout)
    expected = tiles.fetch(0, range(20))[6]
    held, done = threading.Event(), threading.Event()

    def hold():
        with tiles._own._lock:
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            fetched = tiles.fetch(0, range(20))
            os.write(write, pickle.dumps(np.array_equal(fetched[6], expected)))
        finally:
            os._exit(0)
    os.close(write)
    done.set()
    holder.join()
    assert pickle.loads(os.read(read, 100)) is True
    os.waitpid(child, 0)
    np.testing.assert_array_equal(tiles.fetch(0, [6])[6], expected)


def test_threads_share_it(slide_file, layout):
    tiles = SourceTiles(slide_file, layout)
    expected = SourceTiles(slide_file, layout).fetch(0, range(24))
    wrong = []

    def read(seed):
        for index in np.random.default_rng(seed).integers(0, 24, 60):
            (tile,) = tiles.fetch(0, [int(index)]).values()
            if not np.array_equal(tile, expected[int(index)]):
                wrong.append(index)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [each for each in wrong if expected[int(each)] is not None]
