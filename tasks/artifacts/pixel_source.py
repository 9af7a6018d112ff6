"""Where the pixels of tiles come from that keep none: the slides, opened by whoever knows where they are."""

from typing import TYPE_CHECKING, Any, Protocol

from tasks.artifacts.tile_array import TileArray

if TYPE_CHECKING:
    from tasks.artifacts.surrounded_tiles import SurroundedTiles
    from tasks.artifacts.tile_set import TileSet


class NoPixelsError(ValueError):
    """Tiles keep no pixels, and nobody said where their slide is."""


class PixelSource(Protocol):
    """Reads the pixels of tiles from their slide. It pickles, and holds no open file."""

    def tile_pixels(self, tiles: "TileSet") -> TileArray:
        """Return uint8 [N, H, W, 3] of a tile set, read when indexed and checked against its digests."""
        ...

    def surrounded_pixels(self, around: "SurroundedTiles") -> TileArray:
        """Return uint8 [N, H + 2 halo, W + 2 halo, 3] of tiles with their surroundings, likewise."""
        ...

    def form(self) -> dict[str, Any]:
        """Return what another process needs to make the same source, as plain JSON."""
        ...


def refuse_absent(what: str, folder_name: str) -> NoPixelsError:
    """Return the error for an artifact that was opened without its slides."""
    return NoPixelsError(
        f"{what} {folder_name} keep no pixels: open them with their slides, "
        "as tasks.tiling.on_demand.SlidePixels gives them, or set tile.keep to pixels"
    )
