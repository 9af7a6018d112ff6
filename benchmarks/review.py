"""A slide of 102,400 x 102,400 px under the eye: how long until it is seen, and what a zoom step takes.

    python -m benchmarks.review [--folder FOLDER] [--steps 40]

A phantom slide with sparse tissue is written and tiled, 400 of its tiles have maps of two explainers and a
control, and the review page is written. Then ``veritile``'s viewer serves it, headless Chromium opens it, and
zooms, step by step by a factor of two, into places with tissue and out again. A step ends when every square
of the slide that is in view was read, sent and drawn; animation is off, as where a person asks for less
motion. The memory of the server is its peak; that of the page is asked for after the first steps and after
the last, when garbage was collected.

Last line: ``{"first_view_seconds", "zoom_step_ms", "server_peak_mb", "static_export_mb_per_slide"}``. The
step is the median; the 95th percentile is in the line before.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.slides_phantom import write_large
from flows.viewing.export import export_slide
from flows.viewing.listed import listed_studies
from flows.viewing.serve import open_listed
from tasks.phantoms.generate import generate_cohort
from tasks.slides.reader import open_slide
from tests._support.browser import Browser, browser
from tests._support.ports import free_port
from tests._support.studies import COHORT, tiny_config
from tests._support.viewed_studies import make_viewed

BLOCKS, TISSUE = 25, 0.05
EXPLAINED, MAP_PX = 400, 256
FEW, EXPORT_BYTES = 8, 8_000_000

STEP = """
new Promise(resolve => {
  const osd = Review.pane.osd, began = performance.now();
  %s
  const look = () => {
    const items = [...Array(osd.world.getItemCount()).keys()].map(i => osd.world.getItemAt(i));
    if (osd.world.needsDraw() || items.some(item => !item.getFullyLoaded())) requestAnimationFrame(look);
    else requestAnimationFrame(() => resolve(performance.now() - began));
  };
  requestAnimationFrame(look);
})
"""
TO_TILE = """
const { x, y, e } = Review.pane.slide.table, row = %d, w = Review.pane.slide.size[0];
osd.viewport.panTo(new OpenSeadragon.Point((x[row] + e[row] / 2) / w, (y[row] + e[row] / 2) / w), true);
osd.viewport.zoomTo(osd.viewport.getHomeZoom(), null, true);
"""
ZOOM = "osd.viewport.zoomBy(%g, null, true); osd.viewport.applyConstraints(true);"


def main() -> None:
    """Write, serve, look and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="Where the study is made or found [default: a new one].")
    parser.add_argument("--steps", type=int, default=40, help="Zoom steps that are measured.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "home").is_dir():
            make_study(folder)
        measured = looked_at(folder / "home", given.steps)
        measured["static_export_mb_per_slide"] = exported(folder)
        print(json.dumps({name: round(value, 3) for name, value in measured.items()}))


def make_study(folder: Path) -> None:
    """Write the slide, its manifest, and what a study of it leaves in a home."""
    folder.mkdir(parents=True, exist_ok=True)
    print(f"writing a slide of {BLOCKS * 4096:,} x {BLOCKS * 4096:,} px", flush=True)
    small = COHORT.model_copy(update={"size_px": (1024, 1024), "mpp": 0.25})
    generate_cohort(folder / "small", small)
    with open_slide(min((folder / "small").rglob("*.tiff")), None) as slide:
        tissue = np.tile(slide.read(320, 300, 400, 512), (8, 8, 1))
    write_large(folder / "large.tiff", tissue, (BLOCKS, BLOCKS), TISSUE)
    rows = ["slide_id,patient_id,path,split,label", "large,one,large.tiff,test,tumour"]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = tiny_config(folder / "manifest.csv", tile={"mpp": 0.5, "tile_px": 256, "thumbnail_px": 1024})
    began = time.monotonic()
    make_viewed(folder, config, EXPLAINED, MAP_PX)
    print(f"tiled, mapped and paged in {time.monotonic() - began:.0f} s", flush=True)


def looked_at(home: Path, steps: int) -> dict[str, float]:
    """Serve the study of a home and look at its slide."""
    with served(home) as (process, address), browser() as page:
        page.send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}]
        )
        page.open("about:blank")
        first_of_all = first_view(page, address)
        page.open("about:blank")
        first = first_view(page, address)
        print(f"first view {first:.2f} s, {first_of_all:.2f} s where the server opens the study first")
        few = zoomed(page, FEW)
        before = heap(page), peak_mb(process.pid)
        times = few + zoomed(page, steps)
        after = heap(page), peak_mb(process.pid)
        complaints = page.complaints
    assert complaints == [], complaints
    print(
        f"after {FEW} and after {FEW + steps} steps: page {before[0]:.0f} and {after[0]:.0f} MB, "
        f"server {before[1]:.0f} and {after[1]:.0f} MB"
    )
    slow = np.percentile(times, 95)
    print(f"95 of 100 zoom steps take at most {slow:.0f} ms, the longest {max(times):.0f} ms")
    return {"first_view_seconds": first, "zoom_step_ms": statistics.median(times), "server_peak_mb": after[1]}


@contextmanager
def served(home: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run the viewer on a free port; yield its process and the address of the study."""
    port = free_port()
    words = [sys.executable, "-m", "flows.viewing.serve", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        yield process, f"http://127.0.0.1:{port}/tiny/"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def first_view(page: Browser, address: str) -> float:
    """Return the seconds from asking for the page until its slide and map are drawn."""
    end = time.monotonic() + 120
    while True:
        began = time.monotonic()
        page.open(address)
        if page.get("document.location.protocol") == "http:":
            break
        assert time.monotonic() < end, "the viewer does not answer"
        time.sleep(0.5)
    page.wait("document.body && document.body.dataset.shown || false")
    page.get(STEP % "")
    page.complaints.clear()
    return time.monotonic() - began


def zoomed(page: Browser, steps: int) -> list[float]:
    """Return the milliseconds of zoom steps: from the whole slide into a tile, then into another."""
    times: list[float] = []
    tiles, row = page.get("Review.pane.slide.table.ids.length"), 0
    while len(times) < steps:
        row = (row + tiles * 7 // 19 + 1) % tiles
        page.get(STEP % (TO_TILE % row))
        times += [float(page.get(STEP % (ZOOM % 2))) for _ in range(8)]
    return times[:steps]


def heap(page: Browser) -> float:
    """Return the megabytes of the page's script memory, garbage collected."""
    page.send("HeapProfiler.collectGarbage")
    return float(page.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has had, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e3


def exported(folder: Path) -> float:
    """Write the slide as one file and return its size in megabytes."""
    (known,) = listed_studies(folder / "home")
    began = time.monotonic()
    done = export_slide(open_listed(folder / "home", known), 0, folder / "large.html", EXPORT_BYTES)
    print(f"exported in {time.monotonic() - began:.1f} s, down to {done.um:.3g} um per pixel")
    return done.megabytes


if __name__ == "__main__":
    main()
