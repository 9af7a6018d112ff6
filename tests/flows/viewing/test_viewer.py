"""The viewer as a person uses it: tiles of the slide from a server, panes, notes, keys, any screen."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from flows.viewing.export import export_slide
from flows.viewing.listed import listed_studies
from flows.viewing.notes import read_notes
from flows.viewing.serve import open_listed
from tasks.phantoms.generate import generate_cohort
from tests._support.browser import browser
from tests._support.ports import free_port
from tests._support.services import wait_for
from tests._support.studies import COHORT, tiny_config
from tests._support.viewed_studies import make_viewed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EXPLAINED = 30
SHOWN = "document.body.dataset.shown"
DRAWN = "Review.pane.canvas.toDataURL()"
LOADED = (
    "Review.pane.slide && [...Array(Review.pane.osd.world.getItemCount()).keys()]"
    ".every(i => Review.pane.osd.world.getItemAt(i).getFullyLoaded())"
)


@pytest.fixture(scope="module")
def viewed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewed")
    manifest = generate_cohort(folder / "cohort", COHORT.model_copy(update={"size_px": (1400, 1100)}))
    return make_viewed(folder, tiny_config(manifest), EXPLAINED, 32)


@pytest.fixture(scope="module")
def server(viewed):
    """The address of a running viewer over the home."""
    port = free_port()
    words = [sys.executable, "-m", "flows.viewing.serve", "--home", str(viewed.home), "--port", str(port)]
    with subprocess.Popen(words, env=dict(os.environ)) as process:
        try:
            wait_for(lambda: answer(f"http://127.0.0.1:{port}/health")[0] == 200)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def running():
    with browser() as found:
        yield found


@pytest.fixture
def page(running, server):
    """The page of the study, opened anew; in the end the browser must have complained about nothing."""
    show(running, f"{server}/tiny/")
    yield running
    assert running.complaints == []
    assert {
        address for address in running.requests if not address.startswith((server, "data:", "blob:"))
    } <= {"about:blank"}


def show(page, address, size=(1280, 800)):
    page.open("about:blank")
    page.complaints.clear()
    page.requests.clear()
    page.open(address, *size)
    page.wait(f"document.body && {SHOWN} || false")
    page.wait(LOADED)


def answer(address, body=None, method=None, **headers):
    """Return status, headers and body of one request."""
    request = urllib.request.Request(address, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as found:
            return found.status, found.headers, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
    except OSError:
        return 0, {}, b""


def text(page, name):
    return page.get(f"document.getElementById('{name}').textContent")


def click(page, name):
    page.get(f"document.getElementById('{name}').click()")


def pick(page, name, words):
    """Select an option by its words; wait until the page has shown it."""
    page.get(
        f"(() => {{ const own = document.getElementById('{name}'); "
        f"own.value = [...own.options].find(o => o.textContent === {words!r}).value; "
        "own.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )


def go_close(page):
    """Zoom into the first tile that was explained."""
    page.get(
        "(({ x, y, e }) => Review.pane.goTo({ x: x[0], y: y[0], width: e[0] * 4, height: e[0] * 4 }))"
        "(Review.pane.slide.table)"
    )


def legend_says(page, words):
    page.wait(f"document.getElementById('legend-said').textContent.includes({words!r})")


def test_the_words_follow_what_the_map_is(page):
    """A sensitivity, a contribution and a control are not said to be the same."""
    assert "red speaks for the class" not in text(page, "legend-said")
    assert "not evidence for or against the class" in text(page, "legend-said")
    pick(page, "explainer", "grad_cam")
    legend_says(page, "A contribution: red speaks for the class, blue against it.")
    pick(page, "explainer", "random_map")
    legend_says(page, "Its colours say nothing about the class.")
    assert "speaks" not in text(page, "legend-said")


def test_tiles_that_were_not_explained_are_hatched_and_counted(page):
    tiles = page.get("Review.pane.slide.table.ids.length")
    assert tiles > EXPLAINED
    assert f"{EXPLAINED} of {tiles}" in text(page, "legend-hatch")
    assert f"{EXPLAINED} of {tiles}, sampled" in text(page, "facts")
    click(page, "outline-annotation")
    hatched = pixels(page, tiles - 1)
    click(page, "hatch")
    page.wait(f"{DRAWN} && !document.getElementById('hatch').checked")
    page.wait("document.getElementById('legend-hatch').hidden")
    bare = pixels(page, tiles - 1)
    assert hatched[..., 3].max() > 200
    assert bare[..., 3].max() == 0


def pixels(page, row):
    """RGBA of what lies over the middle of a tile, after the next picture is drawn."""
    found = page.get(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => { "
        f"const at = Review.pane.place(), [x, y, side] = Review.pane.square({row}, at); "
        "const box = [x + side * 0.2, y + side * 0.2, side * 0.6, side * 0.6]; "
        "done([...Review.pane.canvas.getContext('2d').getImageData(...box).data]); })))"
    )
    side = round((len(found) / 4) ** 0.5)
    return (
        np.array(found).reshape(-1, 4)
        if side * side * 4 != len(found)
        else np.array(found).reshape(side, side, 4)
    )


def test_a_tile_without_a_map_says_why(page):
    last = page.get("Review.pane.slide.table.ids.length") - 1
    page.get(f"Review.pane.told.picked({last})")
    page.wait("document.querySelectorAll('#tile-all td button').length === 3")
    words = page.get("[...document.querySelectorAll('#tile-all td button')].map(b => b.textContent)")
    assert words == ["not explained"] * 3
    assert "only a sample of the tiles was, and this one is not in it" in text(page, "tile-said")


def test_any_explained_tile_has_every_map_in_full_from_the_server(page):
    page.get("Review.pane.told.picked(29)")
    page.wait(
        "document.getElementById('tile-said').textContent"
        ".includes('Maps of 32 \N{MULTIPLICATION SIGN} 32 pixels')"
    )
    assert (
        page.get("[...document.querySelectorAll('#tile-all td button')].map(b => b.textContent)")
        == ["no score"] * 3
    )


def test_close_by_the_slide_and_the_maps_are_those_of_the_file(page):
    page.requests.clear()
    go_close(page)
    page.wait("Review.pane.drawnFine")
    page.wait(LOADED)
    asked = [address for address in page.requests if "/tiles/0/11/" in address]
    assert asked
    assert any("/maps/0/0/0?rows=" in address for address in page.requests)
    shown = pixels(page, 0)
    assert shown[..., 3].max() > 100
    assert "no finer" in text(page, "where") or "the data end at 1.00" in text(page, "where")


def test_the_magnification_ends_at_the_data_with_a_word(page):
    for _ in range(12):
        click(page, "zoom-in")
    words = "0.250 µm per pixel: enlarged 4.0 times, the data end at 1.00"
    page.wait(f"document.getElementById('where').textContent === {words!r}")


def test_each_layer_changes_what_is_drawn(page):
    before = page.get(DRAWN)
    for name in ("probability", "none"):
        page.get(f"document.querySelector('[name=layer][value={name}]').click()")
        page.wait(f"{SHOWN}.endsWith('{name}')")
        page.wait(f"{DRAWN} !== {before!r}")
        before = page.get(DRAWN)
    for name in ("outline-annotation", "outline-evidence", "outline-grid"):
        if not page.get(f"document.getElementById('{name}').disabled"):
            click(page, name)
            page.wait(f"{DRAWN} !== {before!r}")
            before = page.get(DRAWN)


def test_two_panes_show_two_maps_of_one_place(page):
    click(page, "compare")
    page.wait(
        "!document.getElementById('other').hidden && document.getElementById('other-said').textContent !== ''"
    )
    assert text(page, "other-said") == "A control: a map to beat. Its colours say nothing about the class."
    assert "A sensitivity" in text(page, "mine-said")
    canvases = "[...document.querySelectorAll('canvas.layer')]"
    page.wait(f"{canvases}.length === 2 && {canvases}[1].toDataURL() !== {canvases}[0].toDataURL()")
    go_close(page)
    second = "OpenSeadragon.getViewer('viewer-2').viewport.getBounds(true)"
    page.wait(
        f"(a => Math.abs(a.x - {second}.x) + Math.abs(a.width - {second}.width) < 1e-3 && a.width < 0.5)"
        "(Review.pane.osd.viewport.getBounds(true))"
    )
    pick(page, "other-explainer", "prediction")
    page.wait("document.getElementById('other-said').textContent === 'Predicted probability of tumour.'")


def test_keys_alone_do_everything(page):
    page.get("document.querySelector('#viewer .openseadragon-canvas').focus()")
    page.press("3", 51, "3")
    page.wait(f"{SHOWN}.endsWith('none')")
    page.press("1", 49, "1")
    page.wait(f"{SHOWN}.endsWith('attribution')")
    page.press("e", 69, "e")
    page.wait(f"{SHOWN}.startsWith('0,0,1')")
    page.press("[", 219, "[")
    page.wait("document.getElementById('opacity-said').textContent === '70 %'")
    page.press("c", 67, "c")
    page.wait("document.getElementById('compare').checked && !document.getElementById('other').hidden")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('tile').hidden")
    page.get("document.querySelector('#viewer .openseadragon-canvas').focus()")
    page.press("n", 78)
    page.wait("document.activeElement.id === 'note'")
    for letter in "ok":
        page.press(letter, ord(letter.upper()), letter)
    page.press("Tab", 9)
    page.press("Enter", 13, "\r")
    page.wait("document.getElementById('note-list').children.length === 1")
    page.get("document.querySelector('#note-list li button:last-child').click()")
    page.wait("document.getElementById('note-list').children.length === 0")


def test_notes_lie_in_the_home_and_go_to_qupath(page, viewed, server):
    page.get("document.getElementById('note').value = 'a nest <b>here</b>'")
    click(page, "note-add")
    page.wait("document.getElementById('note-said').textContent.startsWith('Kept in the home')")
    slide = page.get("Review.pane.slide.id")
    (kept,) = read_notes(viewed.home, "tiny", slide).notes
    assert kept.text == "a nest <b>here</b>"
    assert kept.map == "gradient, standard, seed 0"
    made = page.get(
        "new Promise(done => { URL.createObjectURL = blob => { blob.text().then(done); return '#'; }; "
        "document.getElementById('note-save').click(); })"
    )
    (feature,) = json.loads(made)["features"]
    assert feature["properties"]["objectType"] == "annotation"
    assert feature["properties"]["name"] == kept.text
    assert feature["id"] == kept.id
    corners = np.array(feature["geometry"]["coordinates"][0])
    assert corners[0].tolist() == [kept.x, kept.y]
    assert (corners[2] - corners[0]).tolist() == pytest.approx([kept.width, kept.height])
    show(page, f"{server}/tiny/")
    page.wait("document.getElementById('note-list').children.length === 1")
    page.get("document.querySelector('#note-list li button:last-child').click()")
    page.wait("document.getElementById('note-list').children.length === 0")
    wait_for(lambda: read_notes(viewed.home, "tiny", slide).notes == ())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_any_screen_and_both_colour_schemes(running, server, size, scheme):
    running.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        show(running, f"{server}/tiny/", size)
        assert running.get("document.documentElement.scrollWidth") <= size[0]
        ink, paper = running.get(
            "[getComputedStyle(document.body).color, "
            "getComputedStyle(document.getElementById('judge')).backgroundColor]"
        )
        dark = sum(map(int, paper[4:-1].split(","))) < sum(map(int, ink[4:-1].split(",")))
        assert dark == (scheme == "dark")
        assert running.get("document.getElementById('viewer').getBoundingClientRect().width") > size[0] * 0.4
        assert running.complaints == []
    finally:
        running.send("Emulation.setEmulatedMedia", features=[])


def test_the_export_needs_no_server_and_shows_the_tissue(running, viewed, tmp_path):
    (known,) = listed_studies(viewed.home)
    done = export_slide(open_listed(viewed.home, known), 0, tmp_path / "slide.html", 8_000_000)
    assert done.um == 1.0
    assert done.megabytes == pytest.approx((tmp_path / "slide.html").stat().st_size / 1e6)
    show(running, (tmp_path / "slide.html").as_uri())
    go_close(running)
    running.wait("Review.pane.osd.world.getItemAt(1).lastDrawn.length > 0")
    running.wait(LOADED)
    running.get("document.getElementById('note').value = 'kept here'")
    click(running, "note-add")
    running.wait("document.getElementById('note-said').textContent.startsWith('Kept in this browser')")
    assert {address.partition(":")[0] for address in running.requests} <= {"file", "data", "about", "blob"}
    assert running.complaints == []
