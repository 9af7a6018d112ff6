"""What MLflow's own page shows of a study, read in a browser: pictures, cards, tables, the first click."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from tasks.tracking.job import RecordedHeatmaps
from tasks.tracking.study import record_study
from tests._support.browser import browser
from tests._support.ports import free_port
from tests._support.record_jobs import make_record_job

pytestmark = pytest.mark.slow

PATIENCE_S = 120
KIND = "?workflowType=machine_learning"
CARD = """(() => {
  const picture = [...document.querySelectorAll("img")].find(each => each.src.includes("Heatmaps"));
  if (!picture || !picture.complete || !picture.naturalWidth) return null;
  let card = picture;
  while (card && !card.className.includes("react-resizable")) card = card.parentElement;
  if (!card) return null;
  const inner = picture.getBoundingClientRect(), outer = card.getBoundingClientRect();
  return {
    width: inner.width, top: inner.top,
    across: inner.left >= outer.left && inner.right <= outer.right,
    inside: inner.top >= outer.top && inner.bottom <= outer.bottom,
    steps: card.querySelectorAll('[role="slider"]').length,
  };
})()"""
SHOW_MORE = """(() => {
  const more = [...document.querySelectorAll("button")].find(each => each.innerText === "Show more");
  if (more) more.click();
  return !!more;
})()"""
PICTURES = """(() => {
  const shown = [...document.querySelectorAll("img")].filter(each => each.src.includes("description"));
  return shown.length === 2 && shown.every(each => each.complete && each.naturalWidth > 300);
})()"""


@pytest.fixture(scope="module")
def recorded(make_home, tmp_path_factory):
    """A recorded study of one model with the maps of three slides."""
    folder = tmp_path_factory.mktemp("page")
    job = make_record_job(folder, make_home(folder / "home"), arms=("standard", "modulated"))
    drawn = job.heatmaps[0].folder
    slides = tuple(RecordedHeatmaps("smoothgrad", f"s{number}", drawn) for number in (1, 2, 3))
    job = replace(job, heatmaps=slides)
    return job, record_study(job)


@pytest.fixture(scope="module")
def page(recorded):
    """The address of MLflow's server of that home, and a browser."""
    port = free_port()
    words = [sys.executable, "-m", "tasks.tracking.server", str(recorded[0].home), "127.0.0.1", str(port)]
    process = subprocess.Popen(
        words, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}, stderr=subprocess.DEVNULL
    )
    try:
        with browser() as own:
            yield _up(f"http://127.0.0.1:{port}", process), own
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def _up(address, process):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return address
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError("the MLflow server did not come up")


def opened(page, place):
    """Open a place of MLflow afresh, as a new tab does, and return the browser."""
    address, own = page
    own.open("about:blank")
    own.open(f"{address}/#/{place}{KIND}", width=1400, height=1000)
    return own


def says(own, words):
    return own.wait(f"(document.body?.innerText ?? '').includes({words!r})")


def test_the_link_of_the_command_lands_on_the_runs_of_the_study(page, recorded):
    own = opened(page, f"experiments/{recorded[1].experiment_id}/runs")
    says(own, "phantom")
    own.wait("[...document.querySelectorAll('a')].filter(a => a.innerText.trim() === 'phantom').length > 0")
    assert not own.get("location.href.includes('/traces')")


def test_the_description_has_the_verdict_figures_and_pictures_that_load(page, recorded):
    own = opened(page, f"experiments/{recorded[1].experiment_id}/runs/{recorded[1].parent}")
    says(own, "more_faithful: cannot tell")
    own.wait(SHOW_MORE)
    own.wait(PICTURES)
    text = own.get("document.body.innerText")
    assert "smoothgrad/deletion.gap" in text
    assert "veritile run phantom.yaml" in text, "the source of the run"


@pytest.mark.parametrize("which", ["parent", "child"])
def test_the_first_card_holds_a_heatmap_with_a_slider_over_slides(page, recorded, which):
    """A child has its whole recipe above its pictures, for which its cards are scrolled."""
    summary = recorded[1]
    run = summary.parent if which == "parent" else summary.children["standard_s0"]
    own = opened(page, f"experiments/{summary.experiment_id}/runs/{run}/model-metrics")
    card = own.wait(CARD)
    assert card["across"], card
    assert card["inside"] or which == "child", card
    assert card["width"] > 150
    assert card["steps"] == 1
    assert card["top"] < 600, "it is seen without scrolling the page"


def test_the_table_of_slides_shows_every_column_with_its_values(page, recorded):
    summary = recorded[1]
    place = f"experiments/{summary.experiment_id}/runs/{summary.children['standard_s0']}/artifacts/tables"
    own = opened(page, f"{place}/slides.json")
    says(own, "smoothgrad/deletion gap")
    (report,) = recorded[0].checkpoints[0].reports
    says(own, f"{report.report.scores['value'].mean():.4f}")
    says(own, "slide_score")
