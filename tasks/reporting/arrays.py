"""The array types of reporting."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RawMap = NDArray[np.float32]
"""[H, W] in raw units, NaN where no tile lies."""
Rgb = NDArray[np.uint8]
"""[H, W, 3] in 0..255."""
