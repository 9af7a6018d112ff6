"""One peer reads the tiles of a job; run by the Python of the peers' environment.

python benchmarks/slides_peer.py PEER JOB.json
"""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from slides_job import Job, ReadTile, Rgb, one_by_one, tell


def by_openslide(job: Job) -> ReadTile:
    """OpenSlide and Pillow, as most projects write it."""
    import openslide

    return _by_regions(job, openslide.OpenSlide(job.slide).read_region)


def by_tiffslide(job: Job) -> ReadTile:
    """Tiffslide has OpenSlide's interface."""
    import tiffslide

    return _by_regions(job, tiffslide.TiffSlide(job.slide).read_region)


def _by_regions(job: Job, read_region: Callable[..., Any]) -> ReadTile:
    from PIL import Image

    side = math.ceil(job.extent / job.downsample - 1e-6)

    def read(x: float, y: float) -> Rgb:
        region = read_region((round(x), round(y)), job.level, (side, side)).convert("RGB")
        if side != job.out_px:
            region = region.resize((job.out_px, job.out_px), Image.Resampling.LANCZOS)
        return np.asarray(region)

    return read


def by_large_image(job: Job) -> ReadTile:
    """large_image scales by micrometres."""
    import large_image

    source = large_image.open(job.slide, noCache=True)

    def read(x: float, y: float) -> Rgb:
        region = {"left": round(x), "top": round(y), "width": round(job.extent), "height": round(job.extent)}
        output = {} if job.native else {"maxWidth": job.out_px, "maxHeight": job.out_px}
        pixels, _ = source.getRegion(
            region=region, output=output, format=large_image.constants.TILE_FORMAT_NUMPY
        )
        return pixels[..., :3]

    return read


def by_pyvips(job: Job) -> ReadTile:
    """Libvips fetches regions of a directory; other resolutions are resized with its Lanczos filter."""
    import pyvips

    level = pyvips.Image.tiffload(job.slide, page=job.level).extract_band(0, n=3)
    side = math.ceil(job.extent / job.downsample - 1e-6)
    fetch = pyvips.Region.new(level)

    def read(x: float, y: float) -> Rgb:
        left, top = (
            min(round(at / job.downsample), most - side) for at, most in ((x, level.width), (y, level.height))
        )
        data = np.frombuffer(fetch.fetch(left, top, side, side), np.uint8).reshape(side, side, 3)
        if side == job.out_px:
            return data.copy()
        image = pyvips.Image.new_from_memory(data.tobytes(), side, side, 3, "uchar")
        small = image.resize(job.out_px / side, kernel="lanczos3")
        return np.frombuffer(small.write_to_memory(), np.uint8).reshape(small.height, small.width, 3)

    return read


def by_fastslide(job: Job) -> ReadTile:
    """Fastslide reads regions of a level."""
    import fastslide

    slide = fastslide.FastSlide.from_file_path(job.slide)

    def read_region(location: tuple[int, int], level: int, size: tuple[int, int]) -> Any:
        from PIL import Image

        pixels = slide.read_region(location=location, level=level, size=size)
        return Image.fromarray(np.asarray(getattr(pixels, "numpy", lambda: pixels)())[..., :3])

    return _by_regions(job, read_region)


def by_wsidata(job: Job) -> ReadTile:
    """Wsidata reads through its own reader objects."""
    import wsidata

    slide = wsidata.open_wsi(job.slide, attach_thumbnail=False)

    def read_region(location: tuple[int, int], level: int, size: tuple[int, int]) -> Any:
        from PIL import Image

        pixels = slide.reader.get_region(location[0], location[1], size[0], size[1], level=level)
        return Image.fromarray(np.ascontiguousarray(np.asarray(pixels)[..., :3]))

    return _by_regions(job, read_region)


PEERS: dict[str, Callable[[Job], ReadTile]] = {
    name.removeprefix("by_"): way for name, way in list(globals().items()) if name.startswith("by_")
}

if __name__ == "__main__":
    asked = Job.of(Path(sys.argv[2]))
    tell(one_by_one(asked, PEERS[sys.argv[1]]))
