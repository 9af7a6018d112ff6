"""Room for what a model metric finds, so that its memory does not grow with the tiles."""

from collections.abc import Mapping

import torch
from torch import Tensor


class Room:
    """Values of N tiles by name, each written batch after batch into one array [N, ...].

    The arrays are made with the first batch. Pieces kept from every batch would take the same bytes, but each
    would lie between the large arrays of its batch, whose memory the allocator could then not use again.

    Example:
        >>> room = Room(3)
        >>> room.add({"margin": torch.tensor([1.0, 2.0])})
        >>> room.add({"margin": torch.tensor([4.0])})
        >>> room["margin"].tolist()
        [1.0, 2.0, 4.0]
    """

    def __init__(self, tiles: int) -> None:
        self._tiles, self._filled = tiles, 0
        self._arrays: dict[str, Tensor] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Write the values [B, ...] of the next B tiles; every batch has the same names and types.

        Raises:
            ValueError: there are more tiles than room.
        """
        count = len(next(iter(values.values())))
        end = self._filled + count
        if end > self._tiles:
            raise ValueError(f"values of {end} tiles came, there is room for {self._tiles}")
        with torch.no_grad():
            for name, found in values.items():
                if name not in self._arrays:
                    self._arrays[name] = found.new_empty((self._tiles, *found.shape[1:]))
                self._arrays[name][self._filled : end] = found
        self._filled = end

    def __getitem__(self, name: str) -> Tensor:
        """Return the values [N, ...] of one name, where they were made.

        Raises:
            ValueError: not every tile has its values yet.
        """
        if self._filled < self._tiles:
            raise ValueError(f"only {self._filled} of {self._tiles} tiles have values")
        return self._arrays[name]

    def names(self) -> list[str]:
        """Return the names in the order of the first batch."""
        return list(self._arrays)
