"""Reading the same tiles in every way: what is read, and what each way tells of it.

This file needs numpy alone, since the environments of the peers do not have this project.
"""

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
ReadTile = Callable[[float, float], Rgb]


@dataclass(frozen=True)
class Job:
    """The tiles that are read.

    Attributes:
        slide: path of the file.
        x: left edges in level-0 pixels.
        y: top edges in level-0 pixels.
        extent: side of a tile in level-0 pixels.
        out_px: side of a tile in pixels.
        mpp_level0: micrometres per level-0 pixel.
        level: the level that holds the asked detail, by OpenSlide's number.
        downsample: level-0 pixels per pixel of it.
        threads: threads of this project's reader.
    """

    slide: str
    x: list[float]
    y: list[float]
    extent: float
    out_px: int
    mpp_level0: float
    level: int
    downsample: float
    threads: int = 1

    @property
    def native(self) -> bool:
        """Whether the pixels of level 0 are asked for as they are."""
        return self.extent == self.out_px

    @property
    def mpp(self) -> float:
        """Micrometres per tile pixel."""
        return self.mpp_level0 * self.extent / self.out_px

    def to(self, path: Path) -> Path:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def of(cls, path: Path) -> "Job":
        """Read it again."""
        return cls(**json.loads(path.read_text()))


def tell(read: Callable[[], list[Rgb]], rounds: int = 3) -> None:
    """Print what a way costs, as one line of JSON; the best of some rounds counts.

    The file is in the memory of the operating system from the first round on.
    """
    cpu, wall = [], []
    tiles: list[Rgb] = []
    for _ in range(rounds):
        started = time.perf_counter(), time.process_time()
        tiles = read()
        wall.append(time.perf_counter() - started[0])
        cpu.append(time.process_time() - started[1])
    print(
        json.dumps(
            {
                "tiles": len(tiles),
                "wall_s": min(wall),
                "cpu_s": min(cpu),
                "peak_mb": peak_mb(),
                "crc": [zlib.crc32(np.ascontiguousarray(tile)) for tile in tiles],
            }
        )
    )


def peak_mb() -> int:
    """Return the most memory that this process held, in MB; ``getrusage`` counts that of its parent too."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))


def one_by_one(job: Job, opened: Callable[[Job], ReadTile]) -> Callable[[], list[Rgb]]:
    """Return a loop over the tiles of a job, which opens the slide anew, so that no cache is left."""

    def read() -> list[Rgb]:
        tile = opened(job)
        return [np.asarray(tile(x, y)) for x, y in zip(job.x, job.y, strict=True)]

    return read
