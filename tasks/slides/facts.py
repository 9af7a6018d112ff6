"""What a slide file says of itself, as OpenSlide reports it; the part of its metadata that is kept."""

from pydantic import BaseModel, ConfigDict


class SlideFacts(BaseModel):
    """Sizes, scales and resolution of a slide file.

    Attributes:
        vendor: the format by OpenSlide's name for it, such as ``aperio``.
        level_sizes: width and height of each level in pixels, the finest first.
        level_downsamples: level-0 pixels per pixel of each level, as OpenSlide computes them.
        properties: the stated resolution and bounds, as text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: str
    level_sizes: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    properties: dict[str, str]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the finest level in pixels."""
        return self.level_sizes[0]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the scanned area; the whole slide where none is stated."""
        defaults = {"x": 0, "y": 0, "width": self.size[0], "height": self.size[1]}
        left, top, wide, high = (
            float(self.properties.get(f"openslide.bounds-{name}", default))
            for name, default in defaults.items()
        )
        return left, top, wide, high
