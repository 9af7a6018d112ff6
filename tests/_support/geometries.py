"""Slide geometries for tests that need no file."""

from tasks.slides.geometry import SlideGeometry


def geometry_of(
    width: int,
    height: int,
    mpp: float = 1.0,
    downsamples: tuple[float, ...] = (1.0,),
    bounds: tuple[float, float, float, float] | None = None,
    thumbnail: tuple[int, int] | None = None,
) -> SlideGeometry:
    """Return the geometry of a slide of ``width`` x ``height`` level-0 pixels."""
    left, top, wide, high = bounds or (0, 0, width, height)
    thumbnail_width, thumbnail_height = thumbnail or (width, height)
    return SlideGeometry(
        width_level0=width,
        height_level0=height,
        mpp=mpp,
        mpp_y=mpp,
        mpp_source="metadata",
        bounds_x=left,
        bounds_y=top,
        bounds_width=wide,
        bounds_height=high,
        level_downsamples=downsamples,
        thumbnail_width=thumbnail_width,
        thumbnail_height=thumbnail_height,
        thumbnail_downsample_x=width / thumbnail_width,
        thumbnail_downsample_y=height / thumbnail_height,
    )
