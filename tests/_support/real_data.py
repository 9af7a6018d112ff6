"""Where the real slides are."""

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).parents[3] / "shared" / "data"


def real_data(part: str) -> Path:
    """Return a file or folder of the real data, or skip the test and say why."""
    root = Path(os.environ.get("VERITILE_REAL_DATA", _DEFAULT))
    path = root / part
    if not path.exists():
        pytest.skip(f"no real data {part!r}: set VERITILE_REAL_DATA to the folder that holds it")
    return path
