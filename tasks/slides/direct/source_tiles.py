"""The decoded source tiles of one slide: read at their position, decoded by threads, cached by bytes."""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.slides.direct.decode import TileError, decode
from tasks.slides.direct.layout import DirectLayout, DirectLevel, FileArray
from tasks.slides.errors import SlideError
from tasks.slides.level_region import Rgb

CACHE_BYTES = 64 << 20
"""Bytes of decoded source tiles that one open slide keeps."""

ALL_CACHE_BYTES = 256 << 20
"""Bytes that all open slides of a process keep together. Without this limit, 64 open slides kept 4 GB."""

THREADS = min(4, os.cpu_count() or 1)
"""Threads that decode and resample for one process, however many slides are open in it."""

_PER_JOB = 8

SourceTile = Rgb | TileError | None
"""uint8 [tile_height, tile_width, 3]; what is wrong with the tile; None where the file has none."""


class SourceTiles:
    """Decoded tiles by level and index. Threads may share it, and a forked process starts its own cache.

    It holds one descriptor of the file and reads by position, so that no reader moves another's position.
    """

    def __init__(self, path: Path, layout: DirectLayout) -> None:
        self._path, self._layout, self._descriptor = path, layout, -1
        self._descriptor = os.open(path, os.O_RDONLY)
        self._own = _Process()
        size = os.fstat(self._descriptor).st_size
        if size != layout.file_bytes:
            self.close()
            raise SlideError(
                f"{path.name}: the file has {size} bytes and had {layout.file_bytes} at the first look; "
                "it is another file, so tile the slide again"
            )

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def fetch(self, number: int, wanted: Iterable[int]) -> dict[int, SourceTile]:
        """Return the tiles ``wanted`` of level ``number`` by index, each decoded at most once.

        What is not in the cache is decoded by several threads where it is more than a few tiles.
        """
        own = self._process()
        tiles, missing = own.look_up(number, wanted)
        if len(missing) > _PER_JOB and THREADS > 1:
            jobs = [missing[i : i + _PER_JOB] for i in range(0, len(missing), _PER_JOB)]
            decoded = shared_threads().map(lambda job: self._decode(number, job), jobs)
            for job, pixels in zip(jobs, decoded, strict=True):
                tiles.update(zip(job, pixels, strict=True))
        else:
            tiles.update(zip(missing, self._decode(number, missing), strict=True))
        own.keep(number, {index: tiles[index] for index in missing})
        return tiles

    def byte_counts(self, number: int) -> NDArray[np.uint64]:
        """Return the compressed bytes of each tile of level ``number``."""
        return self._arrays(number)[1]

    def _process(self) -> "_Process":
        if self._own.pid != os.getpid():
            self._own = _Process()
        return self._own

    def _decode(self, number: int, wanted: Iterable[int]) -> list[SourceTile]:
        level = self._layout.levels[number]
        assert level is not None
        offsets, counts, tables = self._arrays(number)
        decoded: list[SourceTile] = []
        for index in wanted:
            if not counts[index]:
                decoded.append(None)
                continue
            data = os.pread(self._descriptor, int(counts[index]), int(offsets[index]))
            try:
                decoded.append(decode(data, level, tables))
            except TileError as error:
                decoded.append(error)
        return decoded

    def _arrays(self, number: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64], bytes | None]:
        """Return offsets, byte counts and tables of a level; read from the file when first needed."""
        own = self._process()
        if number not in own.arrays:
            level: DirectLevel | None = self._layout.levels[number]
            assert level is not None
            tables = None if level.tables is None else self._array(level.tables).tobytes()
            offsets, counts = self._array(level.offsets), self._array(level.byte_counts)
            own.arrays[number] = offsets.astype(np.uint64), counts.astype(np.uint64), tables
        return own.arrays[number]

    def _array(self, where: FileArray) -> NDArray[np.generic]:
        dtype = np.dtype(where.dtype)
        data = os.pread(self._descriptor, where.count * dtype.itemsize, where.offset)
        if len(data) != where.count * dtype.itemsize:
            raise SlideError(f"{self._path.name}: the file ends in its directory; it is cut off")
        return np.frombuffer(data, dtype)


class _Process:
    """What belongs to one process: locks, caches and threads do not survive a fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.arrays: dict[int, tuple[NDArray[np.uint64], NDArray[np.uint64], bytes | None]] = {}
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[int, int], SourceTile] = OrderedDict()
        self._bytes = 0

    def look_up(self, number: int, wanted: Iterable[int]) -> tuple[dict[int, SourceTile], list[int]]:
        """Return the cached tiles, and the indices of those that are not cached, in the order of the file."""
        tiles: dict[int, SourceTile] = {}
        missing = []
        with self._lock:
            for index in sorted(set(wanted)):
                if (number, index) in self._cache:
                    self._cache.move_to_end((number, index))
                    tiles[index] = self._cache[number, index]
                else:
                    missing.append(index)
        return tiles, missing

    def keep(self, number: int, tiles: Mapping[int, SourceTile]) -> None:
        """Cache tiles and drop those that were not used for longest."""
        with self._lock:
            for index, tile in tiles.items():
                if (number, index) not in self._cache:
                    self._bytes += _bytes_of(tile)
                self._cache[number, index] = tile
            while self._bytes > CACHE_BYTES:
                self._bytes -= _bytes_of(self._cache.popitem(last=False)[1])
        _limit_all(self)

    def kept_bytes(self) -> int:
        """Return how much is cached."""
        return self._bytes

    def forget(self) -> None:
        """Drop all cached tiles."""
        with self._lock:
            self._cache.clear()
            self._bytes = 0


_users: OrderedDict[int, "weakref.ref[_Process]"] = OrderedDict()
_users_lock = threading.Lock()
os.register_at_fork(
    after_in_child=lambda: globals().update(_users=OrderedDict(), _users_lock=threading.Lock())
)


def _limit_all(latest: _Process) -> None:
    """Drop what the slides keep that were read longest ago, where all keep too much together."""
    with _users_lock:
        _users[id(latest)] = weakref.ref(latest)
        _users.move_to_end(id(latest))
        alive = {key: user for key, reference in _users.items() if (user := reference()) is not None}
        for key in [key for key in _users if key not in alive]:
            del _users[key]
        total = sum(user.kept_bytes() for user in alive.values())
        for key, user in alive.items():
            if total <= ALL_CACHE_BYTES or user is latest:
                return
            total -= user.kept_bytes()
            user.forget()
            del _users[key]


def _bytes_of(tile: SourceTile) -> int:
    return tile.nbytes if isinstance(tile, np.ndarray) else 0


_threads: tuple[int, ThreadPoolExecutor] | None = None


def shared_threads() -> ThreadPoolExecutor:
    """Return the process's threads for decoding and resampling; a forked process makes its own."""
    global _threads
    if _threads is None or _threads[0] != os.getpid():
        _threads = os.getpid(), ThreadPoolExecutor(THREADS, thread_name_prefix="slide-tiles")
    return _threads[1]
